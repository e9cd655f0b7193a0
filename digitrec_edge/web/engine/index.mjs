/**
 * The int8 recogniser in a browser or in node: reads the TFLite file itself, answers as LiteRT does, to the byte.
 *
 *     const model = openModel(bytesOfTheArtifact, bytesOfTheKernel);
 *     model.logits(picture); // Int8Array of ten
 */
import { networkOf } from "./network.mjs";
import { plainKernel } from "./plain.mjs";
import { simdKernel } from "./simd.mjs";

export const PIXELS = 784;

/**
 * @typedef {Object} Model
 * @property {"simd"|"js"} kernel which computes
 * @property {Object<string, (picture: Uint8Array) => Uint8Array>} kernels all that work here, by name
 * @property {number} scale of a logit
 * @property {number} zeroPoint
 * @property {number} outputs how many logits there are
 */

/**
 * @param {Uint8Array} file an artifact, or the model alone
 * @param {Uint8Array} kernel dense.wasm
 * @returns {Model}
 */
export function openModel(file, kernel) {
  const { layers, scale, zeroPoint } = networkOf(file);
  if (layers[0].inputs !== PIXELS) throw new Error(`the model takes ${layers[0].inputs} pixels, ${PIXELS} are needed`);
  const simd = simdIfThere(layers, kernel);
  const kernels = { ...(simd && { simd }), js: plainKernel(layers) };
  return { kernel: simd ? "simd" : "js", kernels, scale, zeroPoint, outputs: layers.at(-1).outputs };
}

/** @returns {((picture: Uint8Array) => Uint8Array)|null} null where WebAssembly has no SIMD, or gets no memory */
function simdIfThere(layers, kernel) {
  try {
    return simdKernel(layers, new WebAssembly.Module(kernel));
  } catch {
    return null;
  }
}

/** @returns {Int8Array} the logits of a picture of 784 bytes, 0 for background, as LiteRT gives them */
export function logitsOf(model, picture, kernel = model.kernel) {
  if (!(picture instanceof Uint8Array) || picture.length !== PIXELS) {
    throw new TypeError(`a picture is a Uint8Array of ${PIXELS}, background 0 and ink 255`);
  }
  return Int8Array.from(model.kernels[kernel](picture), (number) => number - 128);
}
