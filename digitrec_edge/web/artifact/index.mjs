/** An artifact: a model with its card, and the sample that tests it, checked as digitrec_edge/artifact does. */
import { sha256 } from "../sha256.mjs";
import { numbersOf, unzip } from "./zip.mjs";

const SEAL_BYTES = 71;
const CARD = "digitrec_edge.card.json",
  SAMPLE = "digitrec_edge.sample.npz";

/**
 * @typedef {Object} Sample
 * @property {number} count
 * @property {(k: number) => Uint8Array} image 784 bytes
 * @property {(k: number) => Float32Array} expected the artifact's own logits when it was exported
 */

/**
 * @typedef {Object} Artifact
 * @property {Uint8Array} bytes
 * @property {Object} card
 * @property {string} seal
 * @property {Sample|null} sample
 */

/**
 * @param {Uint8Array} bytes a .tflite artifact
 * @returns {Promise<Artifact>} refused where its seal does not fit, or its card is of another model
 */
export async function openArtifact(bytes) {
  const body = bytes.subarray(0, -SEAL_BYTES);
  const seal = String.fromCharCode(...bytes.subarray(-SEAL_BYTES));
  if (seal !== `sha256:${sha256(body)}`) throw new Error("the model is damaged: its seal does not fit");
  const { files, start } = await unzip(bytes);
  if (!files[CARD]) throw new Error("the model has no card");
  const card = JSON.parse(new TextDecoder().decode(files[CARD]));
  if (card.payload_sha256 !== sha256(bytes.subarray(0, start))) {
    throw new Error("the model is damaged: it is not the one that its card describes");
  }
  return { bytes, card, seal, sample: files[SAMPLE] ? await sampleOf(files[SAMPLE], card.labels.length) : null };
}

async function sampleOf(npz, classes) {
  const { files } = await unzip(npz);
  const images = numbersOf(files["images.npy"], Uint8Array),
    expected = numbersOf(files["expected.npy"], Float32Array);
  const count = expected.length / classes,
    side = images.length / count;
  return {
    count,
    image: (k) => images.subarray(side * k, side * (k + 1)),
    expected: (k) => expected.subarray(classes * k, classes * (k + 1)),
  };
}
