// Twin of digitrec_edge/preprocess/turned.py.

import { mean, pairwiseSum32, plane } from "./arrays.mjs";
import { normalise } from "./normalise.mjs";

const f = Math.fround;

/** Probability; a digit that is read as surely is not turned. */
const SURE = 0.9;

/** What the mean score of the turned digits must be, and by how much above that of the digits as they are. */
const MIN_SCORE = 7;
const MIN_GAIN = 6;

/** Degrees clockwise. */
const TURNS = [90, 180, 270];

/**
 * How a picture would be read more surely: 90, 180 or 270 degrees, clockwise, and what each digit would be then.
 * @typedef {{degrees: number, digits: number[]}} Turn
 */

/**
 * Whether at least half of the digits are no digits, or not sure.
 * @param {{probability: number, accepted: boolean}[]} answers of the recogniser, for each digit
 */
export function isDoubtful(answers) {
  const doubtful = answers.filter(({ probability, accepted }) => !accepted || probability < SURE).length;
  return answers.length > 0 && 2 * doubtful >= answers.length;
}

/**
 * Find the turn by which digits are read far more surely.
 * @param {Digit[]} digits of a picture, at least one
 * @param {number[]} scores of each, as it is
 * @param {(image: Uint8Array) => {digit: number, score: number}} recognise
 * @returns {Turn|null} null when there is no such turn
 */
export function findTurn(digits, scores, recognise) {
  let [most, best] = [-Infinity, null];
  for (const degrees of TURNS) {
    const answers = digits.map(({ strength }) => recognise(normalise(turned(strength, degrees))));
    const score = f(pairwiseSum32(Float32Array.from(answers, (answer) => answer.score)) / answers.length);
    if (score > most) [most, best] = [score, { degrees, digits: answers.map((answer) => answer.digit) }];
  }
  return most >= MIN_SCORE && most >= mean(scores) + MIN_GAIN ? best : null;
}

/** Turn a strength clockwise. */
function turned({ width, height, data }, degrees) {
  const upright = degrees === 180;
  const picture = plane(upright ? width : height, upright ? height : width);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const row = upright ? height - 1 - y : degrees === 90 ? x : width - 1 - x;
      const column = upright ? width - 1 - x : degrees === 90 ? height - 1 - y : y;
      picture.data[row * picture.width + column] = data[at++];
    }
  }
  return picture;
}
