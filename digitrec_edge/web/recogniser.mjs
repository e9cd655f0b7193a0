/** From a picture of 28 x 28 pixels to an answer: a label with its probability, or none. */
import { logitsOf } from "./engine/index.mjs";

export const NO_DIGIT = -1;

/**
 * @typedef {Object} Answer
 * @property {number} digit the label's place, NO_DIGIT for none
 * @property {boolean} accepted whether it is one
 * @property {number} candidate the place of the likeliest label, of equal ones the lowest
 * @property {number} probability of the candidate
 * @property {Float64Array} probabilities
 * @property {number} score how much the picture is like any digit, see digitrec_edge/no_digit.py
 */

/**
 * @param {import("./engine/index.mjs").Model} model
 * @param {Object} card of the artifact
 */
export function recogniser(model, card) {
  const threshold = Math.fround(card.no_digit?.threshold ?? -Infinity);
  const scale = Math.fround(model.scale);
  const real = (logits) => Float32Array.from(logits, (q) => (q - model.zeroPoint) * scale);

  /** @returns {Answer} */
  const answer = (picture) => {
    const logits = real(logitsOf(model, picture));
    const candidate = logits.indexOf(Math.max(...logits));
    const probabilities = softmax(logits, card.temperature);
    const score = scoreOf(logits);
    const accepted = score >= threshold,
      digit = accepted ? candidate : NO_DIGIT;
    return { digit, accepted, candidate, probability: probabilities[candidate], probabilities, score };
  };
  return { answer, real, labels: card.labels };
}

function softmax(logits, temperature) {
  const largest = Math.max(...logits);
  const powers = Float64Array.from(logits, (logit) => Math.exp((logit - largest) / temperature));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

/** The largest logit less the mean, in float32 and in numpy's order of adding. */
function scoreOf(logits) {
  const mean = Math.fround(sumOf(logits) / logits.length);
  return Math.fround(Math.max(...logits) - mean);
}

/** numpy's pairwise sum: eight running sums for up to 128 numbers, halves beyond. */
function sumOf(numbers) {
  const { length } = numbers,
    add = (a, b) => Math.fround(a + b);
  if (length < 8) return numbers.reduce(add, 0);
  if (length > 128) {
    const half = (length >> 1) - ((length >> 1) % 8);
    return add(sumOf(numbers.subarray(0, half)), sumOf(numbers.subarray(half)));
  }
  const sums = numbers.slice(0, 8),
    whole = length - (length % 8);
  for (let k = 8; k < whole; k++) sums[k % 8] = add(sums[k % 8], numbers[k]);
  const [a, b, c, d, e, f, g, h] = sums;
  return numbers.subarray(whole).reduce(add, add(add(add(a, b), add(c, d)), add(add(e, f), add(g, h))));
}
