/** The test that travels with the model: its images give the logits that they gave when it was exported. */
import { logitsOf } from "./engine/index.mjs";

const TOLERANCE = 0.02; // of the range of all logits, as for int8 in digitrec_edge/variants.py

/**
 * @typedef {Object} Result
 * @property {boolean} passed
 * @property {number} images
 * @property {Object<string, number>} different per kernel, logits that are not those of the export
 * @property {boolean} agree whether the kernels give the same bytes
 */

/**
 * @param {import("./engine/index.mjs").Model} model
 * @param {import("./artifact/index.mjs").Sample} sample
 * @param {(logits: Int8Array) => Float32Array} real
 * @returns {Result}
 */
export function selfTest(model, sample, real) {
  const different = Object.fromEntries(Object.keys(model.kernels).map((name) => [name, 0]));
  let agree = true,
    furthest = 0,
    least = Infinity,
    most = -Infinity;
  for (let k = 0; k < sample.count; k++) {
    const expected = sample.expected(k),
      first = logitsOf(model, sample.image(k));
    for (const name of Object.keys(model.kernels)) {
      const logits = logitsOf(model, sample.image(k), name);
      agree &&= logits.every((q, c) => q === first[c]);
      real(logits).forEach((logit, c) => {
        different[name] += logit !== expected[c];
        furthest = Math.max(furthest, Math.abs(logit - expected[c]));
      });
    }
    least = Math.min(least, ...expected);
    most = Math.max(most, ...expected);
  }
  return { passed: agree && furthest <= TOLERANCE * (most - least), images: sample.count, different, agree };
}
