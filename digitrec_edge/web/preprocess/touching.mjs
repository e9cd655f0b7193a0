// Twin of digitrec_edge/preprocess/touching.py.

import { clip, crop, largest, mean, plane, rint, smallest } from "./arrays.mjs";
import { boxOf, findComponents, heightOf, union, widthOf } from "./components.mjs";
import { findCuts } from "./cuts.mjs";
import { above } from "./foreground.mjs";
import { normalise } from "./normalise.mjs";
import { resize } from "./pillow.mjs";

/** Width by height; narrower shapes than the first are one digit, and up to the second those of a score of `WHOLE`. */
const MIN_ASPECT = 0.55;
const WIDE_ASPECT = 0.75;
const WHOLE = 9;

/** Of height; higher shapes are averaged down to it before they are cut. */
const PIECE_PX = 64;

const PIECE_ASPECTS = [0.08, 1.45];

/** Of the whole's height; and width by the whole's height. Other pieces are not tried. */
const MIN_PIECE_HEIGHT = 0.45;

/** Of full strength, in a piece. */
const INK = 0.3;

/** Of a piece's ink; smaller parts are the neighbour's. */
const MIN_FRAGMENT = 0.06;

/** The score of a piece from which on no more is gained, and what a point is worth up to it. */
const SURE = 12.9;
const DOUBT = 2.7;

/** What a piece costs that is read as 0, 1, ... 9, and as a label that is no digit. */
const READ_AS = [21.1, 25.3, 33.6, 32.9, 19.5, 26.2, 24.2, 27.5, 23.9, 21.3];
const READ_AS_OTHER = 25.5;

/** What a logarithm of the probability costs. */
const UNSURE = 11.6;

/** A digit's width and height, by the whole's height, and what more or less of them costs. */
const WIDEST = 0.63;
const TOO_WIDE = 22.4;
const LOWEST = 0.78;
const TOO_LOW = 63.4;

/** What a cut costs by the square of the strokes' widths of ink that it goes through, and each stroke but the first. */
const CROSSED = 0.36;
const STROKES = 5.6;

/** And each width of a stroke of ink between strokes that lie side by side. */
const BESIDE = 2;

/**
 * What a recogniser says of 784 pixels: the likeliest label's place and probability, and the score; more may be in it.
 * @typedef {(image: Uint8Array) => {candidate: number, probability: number, score: number}} Recognise
 */

/**
 * What may be one digit of several that touch: the piece as the recogniser takes it, its width and height by the
 * whole's height, and the ink of strokes that its left cut goes through, in their widths, how many strokes, and the ink
 * between strokes that lie side by side.
 * @typedef {{digit: Digit, width: number, height: number, crossed: number, strokes: number, beside: number}} Piece
 */

/** How sure the recogniser is, less what its answer, an unlikely width or height and the left cut cost. */
export function likeliness(piece, { candidate, probability, score }) {
  const answer = READ_AS[candidate] ?? READ_AS_OTHER;
  const doubt = answer - DOUBT * Math.min(score, SURE) - UNSURE * Math.log(Math.max(probability, 1e-6));
  const shape = TOO_WIDE * Math.max(0, piece.width - WIDEST) + TOO_LOW * Math.max(0, LOWEST - piece.height);
  const through = CROSSED * (piece.crossed * piece.crossed) + STROKES * Math.max(0, piece.strokes - 1);
  const cut = through + BESIDE * piece.beside;
  return -(doubt + shape + cut);
}

/**
 * Read every digit of a picture, those that touch each other one by one.
 * @param {Stages} stages
 * @param {Recognise} recognise
 * @returns {{digit: Digit, answer: object}[]} in reading order, each with what `recognise` says of it
 * @throws {PictureError} there is nothing like a digit
 */
export function readNumber(stages, recognise) {
  return stages.several().flatMap((digit) => {
    const { width, height } = digit.strength;
    if (width >= WIDE_ASPECT * height) return best(digit, recognise);
    const answer = recognise(digit.image);
    const surelyOne = width < MIN_ASPECT * height || answer.score >= WHOLE;
    const cut = surelyOne ? [] : best(digit, recognise);
    return cut.length > 1 ? cut : [{ digit, answer }];
  });
}

/** The chain of pieces, from the left end to the right one, of the best sum of scores. */
function best(digit, recognise) {
  const pieces = findPieces(digit);
  const last = pieces[0].end;
  const answered = pieces.map((one) => ({ ...one, answer: recognise(one.piece.digit.image) }));
  const chains = new Map([[0, { total: 0, read: [] }]]);
  for (const { start, end, piece, answer } of answered.sort((a, b) => a.start - b.start || a.end - b.end)) {
    const before = chains.get(start);
    if (!before) continue;
    const total = before.total + likeliness(piece, answer);
    if (chains.has(end) && total <= chains.get(end).total) continue;
    chains.set(end, { total, read: [...before.read, { digit: piece.digit, answer }] });
  }
  return chains.get(last).read;
}

/**
 * What lies between any two cuts through a shape, by the numbers of the cuts; 0 is the left end. The whole shape is
 * always among them, and the first.
 * @param {Digit} digit
 * @returns {{start: number, end: number, piece: Piece}[]}
 */
export function findPieces(digit) {
  const strength = reduced(digit.strength);
  const { width, height } = strength;
  const uncut = { crossed: 0, strokes: 0, beside: 0 };
  const ends = [0, width].map((x) => ({ columns: new Float64Array(height).fill(x), ...uncut }));
  const edges = [ends[0], ...findCuts(strength), ends[1]];
  const whole = { digit, width: width / height, height: 1, ...uncut };
  const pieces = [{ start: 0, end: edges.length - 1, piece: whole }];
  for (let start = 0; start < edges.length - 1; start++) {
    for (let end = start + 1; end < edges.length; end++) {
      const piece = pieceOf(digit, strength, edges[start], edges[end]);
      if (piece && start === 0 && end === edges.length - 1) pieces[0].piece = piece;
      else if (piece) pieces.push({ start, end, piece });
    }
  }
  return pieces;
}

function reduced(strength) {
  const { width, height } = strength;
  if (height <= PIECE_PX) return strength;
  return resize(strength, Math.max(1, rint((width * PIECE_PX) / height)), PIECE_PX, "box");
}

/** What lies between two cuts, without fragments of its neighbours; null when it cannot be a digit. */
function pieceOf(digit, strength, left, right) {
  const { width, height } = strength;
  const [low, high] = PIECE_ASPECTS;
  const across = mean(right.columns.map((x, y) => x - left.columns[y]));
  if (across < low * height || across > high * height + 1) return null;
  const first = Math.max(0, Math.trunc(smallest(left.columns)));
  const last = Math.min(width, Math.trunc(largest(right.columns)) + 1);
  const own = between(strength, left.columns, right.columns, first, last);
  const { labels, components } = findComponents(above(own, INK));
  const ink = components.reduce((sum, part) => sum + part.area, 0);
  const kept = components.filter((part) => part.area >= MIN_FRAGMENT * ink);
  if (!kept.length) return null;
  const box = kept.map((part) => part.box).reduce(union);
  const [boxHeight, boxWidth] = [heightOf(box), widthOf(box)];
  if (boxHeight < MIN_PIECE_HEIGHT * height || boxWidth < low * height || boxWidth > high * height) return null;
  if (kept.length < components.length) dropOthers(own, labels, new Set(kept.map((part) => part.label)));
  const cut = crop(own, box);
  const place = boxOf(box.top, box.left + first, box.bottom, box.right + first);
  const placedDigit = placed(digit, heightOf(digit.box) / height, place, cut);
  const { crossed, strokes, beside } = left;
  return { digit: placedDigit, width: boxWidth / height, height: boxHeight / height, crossed, strokes, beside };
}

/** What of a strength lies from one edge to another, 0 elsewhere, of the columns from `first` to `last`. */
function between({ width, height, data }, left, right, first, last) {
  const own = plane(Math.max(0, last - first), height);
  for (let y = 0; y < height; y++) {
    const start = clip(Math.ceil(left[y]), first, last);
    const end = clip(Math.ceil(right[y]), first, last);
    if (start < end) own.data.set(data.subarray(y * width + start, y * width + end), y * own.width + start - first);
  }
  return own;
}

/** Make 0 what is labelled, but with none of these numbers. */
function dropOthers(own, labels, numbers) {
  for (let k = 0; k < own.data.length; k++) {
    if (labels.data[k] > 0 && !numbers.has(labels.data[k])) own.data[k] = 0;
  }
}

/** A part of a digit as one of its own; `scale` is pixels of the picture by one of `box`. */
function placed(digit, scale, box, strength) {
  const [top, bottom] = [box.top, box.bottom].map((y) => rint(digit.box.top + y * scale));
  const [left, right] = [box.left, box.right].map((x) => rint(digit.box.left + x * scale));
  return { box: boxOf(top, left, bottom, right), image: normalise(strength), strength };
}
