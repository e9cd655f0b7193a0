// The picture pipeline of digitrec_edge/preprocess for browsers and node: from pixels to digits, equal to the byte.
//
// Every module beside this one is the twin of the Python file of its name; tests/web_twins.json says which is whose.
// A picture is bytes, row by row. Sentences of a PictureError are those of Python.

import { PictureError } from "./errors.mjs";
import { picturesOf } from "./explain.mjs";
import { canvasToGrey, checkSize } from "./reading.mjs";
import { Stages, readStages } from "./stages.mjs";
import { readNumber as readTouching } from "./touching.mjs";
import { findTurn, isDoubtful } from "./turned.mjs";

/**
 * What a recogniser says of a digit: `probability` is the highest one, `score` is as in digitrec_edge/no_digit.py; they
 * choose among cuts of digits that touch. Whatever else is in it (digit, accepted) is handed on.
 * @typedef {(image: Uint8Array) => {probability: number, score: number}} Recognise
 */

/**
 * A digit: its place in pixels of the picture, 784 pixels for the recogniser, and what that says of it.
 * @typedef {{top: number, left: number, bottom: number, right: number}} Box
 * @typedef {{box: Box, image: Uint8Array, answer?: object}} Found
 */

/**
 * Make what a canvas gives grey; where grey would hide the ink, the hue shows it.
 * @param {Uint8Array|Uint8ClampedArray} pixels RGBA
 * @param {number} width
 * @param {number} height
 * @returns {Uint8Array} a byte for each pixel
 */
export function readColour(pixels, width, height) {
  return canvasToGrey(pixels, width, height).data;
}

/**
 * Find the digits of a picture, with every stage between; a failure is part of the answer, as `stages.failure`.
 * @param {Uint8Array} grey
 * @param {number} width
 * @param {number} height
 * @returns {Stages}
 * @throws {PictureError} the picture is too small or too thin
 * @throws {RangeError} there are not as many bytes as pixels
 */
export function stagesOf(grey, width, height) {
  if (grey.length !== width * height) {
    throw new RangeError(`${width} x ${height} pixels need ${width * height} bytes, ${grey.length} are given`);
  }
  checkSize(width, height, "the picture");
  return readStages({ width, height, data: plainBytes(grey) });
}

/** The same bytes as a plain Uint8Array; node's Buffer and a clamped array are others. */
function plainBytes(bytes) {
  if (!(bytes instanceof Uint8Array)) return new Uint8Array(bytes);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * Read the one digit of a picture.
 * @returns {Found} without an answer
 * @throws {PictureError} there is none, or there are several
 */
export function readDigit(grey, width, height) {
  return found(stagesOf(grey, width, height).single());
}

/**
 * Read every digit of a picture, in reading order.
 * @returns {Found[]} without answers
 * @throws {PictureError} there is none
 */
export function readDigits(grey, width, height) {
  return stagesOf(grey, width, height).digits().map((digit) => found(digit));
}

/**
 * Read every digit of a picture, in reading order, those that touch one by one, as `predict --multi` does.
 * @param {Uint8Array} grey
 * @param {number} width
 * @param {number} height
 * @param {Recognise} recognise
 * @returns {Found[]} with answers
 * @throws {PictureError} there is none
 */
export function readNumber(grey, width, height, recognise) {
  return numberOf(stagesOf(grey, width, height), recognise);
}

/** The same, of stages. */
export function numberOf(stages, recognise) {
  return readTouching(stages, recognise).map(({ digit, answer }) => found(digit, answer));
}

/**
 * By how much a picture should be turned, clockwise, where its digits would be far surer then, as `predict` says it: of
 * the shapes as they are before digits that touch are cut. A shape that was cut alone tells nothing.
 * @param {Stages} stages
 * @param {(image: Uint8Array) => {digit: number, probability: number, score: number, accepted: boolean}} recognise
 * @param {number} [count] how many digits were read
 * @returns {{degrees: number, digits: number[]}|null} what each would be then; null where nothing is to be said
 */
export function turnOf(stages, recognise, count = stages.shapes.length) {
  if (stages.shapes.length < 2 && count !== 1) return null;
  const answers = stages.shapes.map(({ image }) => recognise(image));
  if (!isDoubtful(answers)) return null;
  return findTurn(stages.shapes, answers.map((answer) => answer.score), recognise);
}

/**
 * Every stage that was reached, with its picture: "picture", "repaired", "background", "foreground", "components",
 * "without frames", and "28 x 28" for each digit; those in between may be smaller than the picture, or a part of it.
 * @param {Stages} stages
 * @returns {{name: string, width: number, height: number, data: Uint8Array}[]}
 */
export function explain(stages) {
  return picturesOf(stages).map(({ name, picture }) => ({ name, ...picture }));
}

/** What a digit is to those who use it. */
function found({ box, image }, answer) {
  return answer === undefined ? { box, image } : { box, image, answer };
}

export { PictureError, Stages };
