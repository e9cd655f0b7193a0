/**
 * The layers in plain JavaScript: for browsers without SIMD, and a second witness for those with it.
 *
 * The twin of digitrec_edge/dense/c/wasm.c, to the byte.
 */

const TO_WHOLE = 12582912; // 1.5 * 2**23: added to a float32 it leaves the nearest whole number, halves to even

/**
 * @param {import("./network.mjs").Dense[]} layers
 * @returns {(picture: Uint8Array) => Uint8Array} 0 to 255 each, valid until the next call
 */
export function plainKernel(layers) {
  const steps = layers.map((layer) => ({
    layer,
    columns: columnsOf(layer),
    sums: new Int32Array(layer.outputs),
    out: new Uint8Array(layer.outputs),
  }));
  return (picture) => {
    let numbers = picture;
    for (const step of steps) {
      add(numbers, step.columns, step.layer.bias, step.sums);
      round(step.sums, step.layer, step.out);
      numbers = step.out;
    }
    return numbers;
  };
}

/** Weights input by input, so that an input of 0 leaves out a row. */
function columnsOf({ weights, inputs, outputs }) {
  const columns = new Int8Array(weights.length);
  for (let o = 0; o < outputs; o++) for (let j = 0; j < inputs; j++) columns[j * outputs + o] = weights[o * inputs + j];
  return columns;
}

function add(numbers, columns, bias, sums) {
  const outputs = sums.length;
  sums.set(bias);
  for (let j = 0, at = 0; j < numbers.length; j++, at += outputs) {
    const x = numbers[j];
    if (x === 0) continue;
    for (let o = 0; o < outputs; o++) sums[o] = (sums[o] + Math.imul(x, columns[at + o])) | 0;
  }
}

function round(sums, { factors, zero, low }, out) {
  const least = low - zero,
    most = 255 - zero;
  for (let o = 0; o < sums.length; o++) {
    const real = Math.fround(Math.fround(sums[o]) * factors[o]); // a product of float32s, rounded once
    const inside = real < least ? least : real > most ? most : real;
    out[o] = Math.fround(inside + TO_WHOLE) - TO_WHOLE + zero;
  }
}
