/** From a grey picture to the digits on it: found by the preprocessing, read by the recogniser. */
import { PictureError, explain, numberOf, stagesOf, turnOf } from "./preprocess/index.mjs";

/**
 * @typedef {Object} Found
 * @property {Uint8Array} image 28 x 28
 * @property {{left: number, top: number, right: number, bottom: number}} box in pixels of the picture
 * @property {import("./recogniser.mjs").Answer} answer
 */

/**
 * @typedef {Object} Reading
 * @property {Found[]} digits in the order in which one reads
 * @property {string|null} refusal why there is none
 * @property {number} turn by how many degrees, clockwise, the picture would be read far more surely; 0 for as it is
 * @property {() => {name: string, width: number, height: number, data: Uint8Array}[]} stages that were reached
 */

/** @type {Reading} */
export const NOTHING = { digits: [], refusal: null, turn: 0, stages: () => [] };

/**
 * Read every digit, those that touch one by one, as `digitrec-edge predict --multi` does.
 *
 * @param {Uint8Array} grey
 * @param {number} width
 * @param {number} height
 * @param {(image: Uint8Array) => import("./recogniser.mjs").Answer} answer
 * @returns {Reading}
 */
export function readPicture(grey, width, height, answer) {
  let turn = 0;
  const reading = read(grey, width, height, (stages) => {
    const digits = numberOf(stages, answer);
    turn = turnOf(stages, answer, digits.length)?.degrees ?? 0;
    return digits;
  });
  return { ...reading, turn };
}

/** The same for what is drawn: one digit is expected, and a shape that may be one is not cut. */
export function readDrawing(grey, width, height, answer) {
  return read(grey, width, height, (stages) => {
    const [one] = stages.found,
      alone = one && stages.shapes.length === 1;
    return alone ? [{ box: one.box, image: one.image, answer: answer(one.image) }] : numberOf(stages, answer);
  });
}

function read(grey, width, height, digitsOf) {
  const reading = { ...NOTHING };
  try {
    const stages = stagesOf(grey, width, height);
    reading.stages = () => explain(stages);
    reading.digits = digitsOf(stages);
  } catch (cause) {
    if (!(cause instanceof PictureError)) throw cause;
    reading.refusal = cause.message;
  }
  return reading;
}
