// Twin of digitrec_edge/preprocess/touching.py.

import { clip, crop, interpolate, mean, pairwiseSum32, plane, rint } from "./arrays.mjs";
import { boxOf, findComponents, heightOf, union, widthOf } from "./components.mjs";
import { above } from "./foreground.mjs";
import { normalise } from "./normalise.mjs";
import { resize } from "./pillow.mjs";

const f = Math.fround;

/** Width by height; narrower shapes are one digit. */
const MIN_ASPECT = 0.75;

const PIECE_ASPECTS = [0.08, 1.45];

/** Of the whole's height; and width by the whole's height. Other pieces are not tried. */
const MIN_PIECE_HEIGHT = 0.45;

/** Of height, at which cuts are looked for. */
const SEARCH_PX = 40;

/** What a step to the side costs, in pixels of ink at that height: winding cuts and straight ones. */
const SIDEWAYS = [0.1, 0.4, 1];

/** So many cuts at most, of each kind, for a width equal to the height. */
const CUTS_PER_HEIGHT = 6;

/** The mean distance of two cuts at that height; nearer ones are the same. */
const APART_PX = 1.2;

/** Of a piece's ink; smaller parts are the neighbour's. */
const MIN_FRAGMENT = 0.06;

/** A digit's width and height, by the whole's height, and what more or less of them costs, in logarithms. */
const WIDEST = 0.66;
const TOO_WIDE = 0.11;
const LOWEST = 0.86;
const TOO_LOW = 0.1;

/** What a cut costs, and each stroke's width of ink that it goes through. */
const CUT = 0.02;
const INK = 0.008;

/** Of the whole's height. */
const STROKE = 0.1;

/**
 * What a recogniser says of 784 pixels; `probability` is the highest one, and more may be in it.
 * @typedef {(image: Uint8Array) => {probability: number}} Recognise
 */

/**
 * What may be one digit of several that touch: the piece as the recogniser takes it, its width and height by the
 * whole's height, and the ink that its left cut goes through, in widths of a stroke; 0 at the left end.
 * @typedef {{digit: Digit, width: number, height: number, crossed: number}} Piece
 */

/** The logarithm of the highest probability, less what a width and height unlike digits cost. */
export function likeliness(piece, probability) {
  const cost = TOO_WIDE * Math.max(0, piece.width - WIDEST) + TOO_LOW * Math.max(0, LOWEST - piece.height);
  return Math.log(Math.max(probability, 1e-6)) - cost;
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
    return width < MIN_ASPECT * height ? [{ digit, answer: recognise(digit.image) }] : best(digit, recognise);
  });
}

/** The chain of pieces, from the left end to the right one, of the best sum of scores. */
function best(digit, recognise) {
  const pieces = findPieces(digit);
  const answers = pieces.map(({ piece }) => recognise(piece.digit.image));
  const chains = new Map([[0, { total: 0, read: [] }]]);
  pieces.forEach(({ start, end, piece }, k) => {
    const before = chains.get(start);
    if (!before) return;
    const cost = start ? CUT + INK * piece.crossed : 0;
    const total = before.total + likeliness(piece, answers[k].probability) - cost;
    if (chains.has(end) && total <= chains.get(end).total) return;
    chains.set(end, { total, read: [...before.read, { digit: piece.digit, answer: answers[k] }] });
  });
  const chain = chains.get(Math.max(...pieces.map((piece) => piece.end)));
  return chain ? chain.read : [{ digit, answer: recognise(digit.image) }];
}

/**
 * What lies between any two cuts through a shape, by the numbers of the cuts; 0 is the left end.
 * @param {Digit} digit
 * @returns {{start: number, end: number, piece: Piece}[]}
 */
export function findPieces(digit) {
  const { width, height } = digit.strength;
  const { seams, crossed } = seamsOf(digit.strength);
  const edges = [new Float64Array(height), ...seams, new Float64Array(height).fill(width)];
  const costs = [0, ...crossed, 0];
  const pieces = [];
  for (let start = 0; start < edges.length - 1; start++) {
    for (let end = start + 1; end < edges.length; end++) {
      const piece = pieceOf(digit, edges[start], edges[end], costs[start]);
      if (piece) pieces.push({ start, end, piece });
      else if (start === 0 && end === edges.length - 1) {
        pieces.push({ start, end, piece: { digit, width: width / height, height: 1, crossed: 0 } });
      }
    }
  }
  return pieces;
}

function pieceOf(digit, left, right, crossed) {
  const { width, height } = digit.strength;
  const [low, high] = PIECE_ASPECTS;
  const across = mean(right.map((x, y) => x - left[y]));
  if (across < low * height || across > high * height + 1) return null;
  const own = between(digit.strength, left, right);
  const { labels, components } = findComponents(above(own, 0.3));
  const ink = components.reduce((sum, part) => sum + part.area, 0);
  const kept = components.filter((part) => part.area >= MIN_FRAGMENT * ink);
  if (!kept.length) return null;
  const box = kept.map((part) => part.box).reduce(union);
  const [boxHeight, boxWidth] = [heightOf(box), widthOf(box)];
  if (boxHeight < MIN_PIECE_HEIGHT * height || boxWidth < low * height || boxWidth > high * height) return null;
  const numbers = new Set(kept.map((part) => part.label));
  for (let k = 0; kept.length < components.length && k < own.data.length; k++) {
    if (labels.data[k] > 0 && !numbers.has(labels.data[k])) own.data[k] = 0;
  }
  return { digit: placed(digit, box, crop(own, box)), width: boxWidth / height, height: boxHeight / height, crossed };
}

/** What of a strength lies from one edge to another, 0 elsewhere. */
function between({ width, height, data }, left, right) {
  const own = plane(width, height);
  for (let y = 0; y < height; y++) {
    const start = y * width + clip(Math.ceil(left[y]), 0, width);
    const end = y * width + clip(Math.ceil(right[y]), 0, width);
    if (start < end) own.data.set(data.subarray(start, end), start);
  }
  return own;
}

/** A part of a digit as one of its own; `box` is in pixels of the digit's strength. */
function placed(digit, box, strength) {
  const scale = heightOf(digit.box) / digit.strength.height;
  const [top, bottom] = [box.top, box.bottom].map((y) => rint(digit.box.top + y * scale));
  const [left, right] = [box.left, box.right].map((x) => rint(digit.box.left + x * scale));
  return { box: boxOf(top, left, bottom, right), image: normalise(strength), strength };
}

/** Cuts from left to right, a column for each row, and the ink each goes through. */
function seamsOf(strength) {
  const { width, height } = strength;
  const scale = Math.min(1, SEARCH_PX / height);
  const size = [width, height].map((side) => Math.max(4, rint(side * scale)));
  const small = resize(strength, size[0], size[1], "box");
  const most = Math.max(3, Math.trunc((CUTS_PER_HEIGHT * width) / height));
  const paths = apart(SIDEWAYS.flatMap((sideways) => pathsOf(small, sideways, most)));
  const rows = Float64Array.from({ length: height }, (_, y) => ((y + 0.5) * small.height) / height - 0.5);
  const here = Float64Array.from({ length: small.height }, (_, y) => y);
  const seams = paths.map((path) => interpolate(rows, here, path).map((x) => ((x + 0.5) * width) / small.width));
  const crossed = paths.map((path) => {
    const ink = Float32Array.from(path, (x, y) => small.data[y * small.width + x]);
    return pairwiseSum32(ink) / (STROKE * small.height);
  });
  return { seams, crossed };
}

/** The cheapest paths from top to bottom through columns of the middle row that are better than others. */
function pathsOf(small, sideways, most) {
  const { width, height } = small;
  const down = leastInk(small, sideways);
  const up = leastInk(upsideDown(small), sideways);
  const middle = height >> 1;
  const rest = height - 1 - middle;
  const total = new Float32Array(width);
  for (let x = 0; x < width; x++) {
    const both = f(down.total.data[middle * width + x] + up.total.data[rest * width + x]);
    total[x] = both - small.data[middle * width + x];
  }
  return lowest(total, most).map((x) => {
    const below = trace(up.steps, rest, x).slice(0, -1).reverse();
    return Int32Array.from([...trace(down.steps, middle, x), ...below]);
  });
}

function upsideDown({ width, height, data }) {
  const turned = plane(width, height);
  for (let y = 0; y < height; y++) turned.data.set(data.subarray(y * width, (y + 1) * width), (height - 1 - y) * width);
  return turned;
}

/** Drop paths that are nearly the same as an earlier one; the others from left to right. */
function apart(paths) {
  const kept = [];
  for (const path of paths) {
    if (kept.every((other) => mean(path.map((x, y) => Math.abs(x - other[y]))) >= APART_PX)) kept.push(path);
  }
  return kept.sort((a, b) => mean(a) - mean(b));
}

/** The least ink from the top to every pixel, and the step from the row above that it came by. */
function leastInk(small, sideways) {
  const { width, height } = small;
  const total = { ...small, data: small.data.slice() };
  const steps = plane(width, height, Int8Array);
  const more = f(sideways);
  for (let y = 1; y < height; y++) {
    const above = total.data.subarray((y - 1) * width, y * width);
    for (let x = 0; x < width; x++) {
      let [least, step] = [above[x], 0];
      if (x > 0 && f(above[x - 1] + more) < least) [least, step] = [f(above[x - 1] + more), -1];
      if (x < width - 1 && f(above[x + 1] + more) < least) [least, step] = [f(above[x + 1] + more), 1];
      total.data[y * width + x] += least;
      steps.data[y * width + x] = step;
    }
  }
  return { total, steps };
}

/** The columns of the path from the top to a pixel. */
function trace(steps, row, column) {
  const path = [column];
  for (let y = row, x = column; y > 0; y--) {
    x += steps.data[y * steps.width + x];
    path.push(x);
  }
  return path.reverse();
}

/** The columns of up to `most` local minima, from left to right. */
function lowest(total, most) {
  const inside = [];
  for (let k = 2; k < total.length - 2; k++) if (total[k] <= total[k - 1] && total[k] < total[k + 1]) inside.push(k);
  const chosen = inside.sort((a, b) => total[a] - total[b]).slice(0, most);
  return chosen.sort((a, b) => a - b);
}
