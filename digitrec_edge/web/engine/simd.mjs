/** The layers behind the WebAssembly kernel, digitrec_edge/dense/c/wasm.c: weights in its order, in its memory. */

const BLOCK = 32;
const PAGE = 65536; // the first one is the kernel's own stack

const upTo = (n, step) => Math.ceil(n / step) * step;

/**
 * @param {import("./network.mjs").Dense[]} layers
 * @param {WebAssembly.Module} module
 * @returns {(picture: Uint8Array) => Uint8Array} 0 to 255 each, valid until the next call
 */
export function simdKernel(layers, module) {
  let end = PAGE;
  const take = (bytes) => {
    const at = end;
    end = upTo(end + bytes, 64);
    return at;
  };
  const widths = [layers[0].inputs, ...layers.map((layer) => layer.outputs)].map((width) => upTo(width, BLOCK));
  const planes = widths.map(take);
  const places = layers.map((_, k) => ({
    weights: take(widths[k] * widths[k + 1]),
    bias: take(4 * widths[k + 1]),
    factors: take(4 * widths[k + 1]),
  }));
  const scratch = take(4 * Math.max(...widths));
  const memory = new WebAssembly.Memory({ initial: Math.ceil(end / PAGE) });
  const { dense } = new WebAssembly.Instance(module, { env: { memory } }).exports;
  layers.forEach((layer, k) => {
    pack(layer, widths[k], new Int8Array(memory.buffer, places[k].weights));
    new Int32Array(memory.buffer, places[k].bias).set(layer.bias);
    new Float32Array(memory.buffer, places[k].factors).set(layer.factors);
  });
  const input = new Uint8Array(memory.buffer, planes[0], layers[0].inputs);
  const output = new Uint8Array(memory.buffer, planes.at(-1), layers.at(-1).outputs);
  const calls = layers.map(({ zero, low }, k) => {
    const { weights, bias, factors } = places[k];
    return () => dense(planes[k], widths[k], weights, bias, factors, widths[k + 1], zero, low, planes[k + 1], scratch);
  });
  return (picture) => {
    input.set(picture);
    for (const call of calls) call();
    return output;
  };
}

/** Weights as [outputs / 32][inputs / 2][32][2]; what is missing stays 0. */
function pack({ weights, inputs, outputs }, width, target) {
  for (let o = 0; o < outputs; o++) {
    const block = (o >> 5) * width * BLOCK + (o & 31) * 2;
    for (let j = 0; j < inputs; j++) target[block + (j >> 1) * 2 * BLOCK + (j & 1)] = weights[o * inputs + j];
  }
}
