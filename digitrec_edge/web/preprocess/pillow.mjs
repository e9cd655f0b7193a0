// Pillow 13's arithmetic, as digitrec_edge/preprocess uses it: Reduce.c, Resample.c, Geometry.c and Convert.c.

import { plane } from "./arrays.mjs";

/** The filters: how far each reaches, and its weight at a distance. */
const FILTERS = {
  box: [0.5, (x) => (x > -0.5 && x <= 0.5 ? 1 : 0)],
  bilinear: [1, (x) => Math.max(0, 1 - Math.abs(x))],
  lanczos: [3, (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0)],
};

/** Half a turn in two parts: whole multiples of the first are exact. */
const PI_HIGH = 3.141592025756836;
const PI_LOW = 6.278329573009626e-7;

/** 1 / 3!, 1 / 5! and so on, their signs in turn: the sine's series. */
const SINE = [-1 / 6, 1 / 120, -1 / 5040, 1 / 362880, -1 / 39916800, 1 / 6227020800, -1 / 1307674368000];
const SINE_LATER = [1 / 355687428096000, -1 / 121645100408832000];

/** The sine of up to a few turns, the same in every engine, which Math.sin need not be. */
export function sine(x) {
  const turns = Math.round(x / Math.PI);
  const rest = x - turns * PI_HIGH - turns * PI_LOW;
  const square = rest * rest;
  let series = 0;
  for (let k = SINE_LATER.length - 1; k >= 0; k--) series = (series + SINE_LATER[k]) * square;
  for (let k = SINE.length - 1; k >= 0; k--) series = (series + SINE[k]) * square;
  return (turns % 2 ? -1 : 1) * (rest + rest * series);
}

function sinc(x) {
  if (x === 0) return 1;
  const turned = x * Math.PI;
  return sine(turned) / turned;
}

/** Where each place of a resized line comes from, and the weights there. */
function weightsOf(from, to, filter) {
  const [reach, weigh] = FILTERS[filter];
  const scale = from / to;
  const support = reach * Math.max(scale, 1);
  const inverse = 1 / Math.max(scale, 1);
  const most = Math.ceil(support) * 2 + 1;
  const found = { first: new Int32Array(to), count: new Int32Array(to), weights: new Float64Array(to * most), most };
  for (let place = 0; place < to; place++) {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(from, Math.trunc(centre + support + 0.5)) - first;
    let total = 0;
    for (let k = 0; k < count; k++) {
      total += found.weights[place * most + k] = weigh((k + first - centre + 0.5) * inverse);
    }
    if (total !== 0) for (let k = 0; k < count; k++) found.weights[place * most + k] /= total;
    found.first[place] = first;
    found.count[place] = count;
  }
  return found;
}

function resizeRows({ width, height, data }, to, filter) {
  const { first, count, weights, most } = weightsOf(width, to, filter);
  const resized = plane(to, height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < to; column++) {
      const start = row * width + first[column];
      const [at, end] = [column * most - start, start + count[column]];
      let sum = 0;
      for (let k = start; k < end; k++) sum += data[k] * weights[at + k];
      resized.data[row * to + column] = sum;
    }
  }
  return resized;
}

function resizeColumns({ width, height, data }, to, filter) {
  const { first, count, weights, most } = weightsOf(height, to, filter);
  const resized = plane(width, to);
  const sums = new Float64Array(width);
  for (let row = 0; row < to; row++) {
    sums.fill(0);
    for (let k = 0; k < count[row]; k++) {
      const weight = weights[row * most + k];
      const start = (first[row] + k) * width;
      for (let column = 0; column < width; column++) sums[column] += data[start + column] * weight;
    }
    resized.data.set(sums, row * width);
  }
  return resized;
}

/**
 * Image.resize in mode F.
 * @param {Plane} picture whose numbers are taken as float32
 * @param {"box"|"bilinear"|"lanczos"} filter
 * @returns {Plane} float32
 */
export function resize(picture, width, height, filter) {
  const across = (from) => (width === from.width ? from : resizeRows(from, width, filter));
  const down = (from) => (height === from.height ? from : resizeColumns(from, height, filter));
  const less = picture.height - height;
  if (less > 0 && less > (picture.width - width) * 2) return across(down(picture));
  return down(across(picture));
}

/**
 * Image.reduce in mode L or F: the mean over squares; those at the right and the bottom may be smaller.
 * @param {Plane} picture uint8, or float32 of whole numbers
 * @returns {Plane} of the same type
 */
export function reduce(picture, factor) {
  if (factor === 1) return picture;
  const whole = picture.data instanceof Uint8Array;
  const width = Math.ceil(picture.width / factor);
  const reduced = plane(width, Math.ceil(picture.height / factor), picture.data.constructor);
  const sums = new Float64Array(width);
  for (let row = 0; row < reduced.height; row++) {
    const bottom = Math.min(picture.height, (row + 1) * factor);
    const rows = bottom - row * factor;
    addColumns(picture, row * factor, bottom, factor, sums);
    for (let column = 0; column < width; column++) {
      const count = rows * (Math.min(picture.width, (column + 1) * factor) - column * factor);
      reduced.data[row * width + column] = whole ? wholeMean(sums[column], count) : sums[column] * (1 / count);
    }
  }
  return reduced;
}

function addColumns({ width, data }, top, bottom, factor, sums) {
  sums.fill(0);
  for (let row = top; row < bottom; row++) {
    for (let column = 0, at = row * width; column < sums.length; column++) {
      const end = Math.min(row * width + width, at + factor);
      for (; at < end; at++) sums[column] += data[at];
    }
  }
}

/** The mean of whole numbers as Pillow makes it, by a factor of 24 bits. */
function wholeMean(sum, count) {
  return Math.floor(((sum + (count >> 1)) * Math.trunc(Math.fround(2 ** 24 / count))) / 2 ** 24);
}

/**
 * Image.resize with NEAREST: which place of a line each of its resized places is.
 * @returns {Int32Array}
 */
export function nearestPlaces(from, to) {
  const places = new Int32Array(to);
  const step = from / to;
  let at = step * 0.5;
  for (let place = 0; place < to; place++, at += step) places[place] = Math.trunc(at);
  return places;
}

/** Mode RGB to mode L, of one pixel (ITU-R BT.601). */
export function luma(red, green, blue) {
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >>> 16;
}
