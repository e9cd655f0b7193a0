// Twin of digitrec_edge/preprocess/normalise.py.

import { clip, crop, largest, pairwiseSum, plane, rint } from "./arrays.mjs";
import { boundsOf } from "./components.mjs";
import { boxMax, discMin } from "./filters.mjs";
import { resize } from "./pillow.mjs";

const f = Math.fround;

/** Pixels of a side of what a recogniser takes. */
export const SIDE = 28;

/** The side of the box that a digit is scaled to. */
export const BOX = 20;

/** In the 20 x 20 box; a stroke that would come out thinner is widened first. */
const THIN_PX = 1.8;
const WANTED_PX = 2.2;

/** In the 20 x 20 box; strokes of more are thinned first, in a finer box; what is fainter is none of the digit then. */
const THICK_PX = 5;
const THINNED_PX = 3;
const FINE_BOX = 80;
const FAINT = 0.02;

/** A digit enlarged more than so many times has soft, wide strokes: it is made a little smaller and harder. */
const COARSE = 2;
const COARSE_BOX = 19;
const COARSE_GAIN = 1.15;

/**
 * Make the foreground of one digit, cut at its bounds, a picture as MNIST has it.
 * @param {Plane} strength float32, 0 background to 1 full foreground; not 0 everywhere
 * @returns {Uint8Array} 784 pixels, 0 is background
 */
export function normalise(strength) {
  let own = strength;
  const longer = Math.max(own.width, own.height);
  const widthPx = (strokeWidth(own) * BOX) / longer;
  if (widthPx < THIN_PX && longer >= 2 * BOX) own = widened(own, widthPx);
  if (widthPx >= THICK_PX && COARSE * longer >= BOX) own = thinned(own);
  if (Math.max(own.width, own.height) !== BOX) own = fit(own);
  const gain = 255 / Math.max(largest(own.data), 1e-9);
  return centred({ ...own, data: Float64Array.from(own.data, (x) => x * gain) });
}

/**
 * The mean width of a stroke in pixels: twice the area by the outline's length (Cauchy-Crofton).
 * @param {Plane} strength a stroke is where it is above 0.5
 */
export function strokeWidth({ width, height, data }) {
  let area = 0;
  let crossings = 0;
  for (let y = 0; y < height; y++) {
    let left = 0;
    for (let at = y * width; at < (y + 1) * width; at++) {
      const solid = data[at] > 0.5 ? 1 : 0;
      const over = y && data[at - width] > 0.5 ? 1 : 0;
      area += solid;
      crossings += (solid ^ left) + (solid ^ over);
      left = solid;
    }
    crossings += left;
  }
  for (let at = data.length - width; at < data.length; at++) crossings += data[at] > 0.5 ? 1 : 0;
  return (2 * area) / Math.max((Math.PI / 4) * crossings, 1);
}

function widened(strength, widthPx) {
  const radius = rint(((WANTED_PX - widthPx) * Math.max(strength.width, strength.height)) / BOX / 2);
  return boxMax(padded(strength, radius), radius);
}

function thinned(strength) {
  const fine = resized(strength, FINE_BOX);
  fine.data = fine.data.map((x) => Math.min(x, 1));
  const radius = rint((strokeWidth(fine) - (THINNED_PX * FINE_BOX) / BOX) / 2);
  const eroded = discMin(fine, Math.max(0, radius));
  const bounds = boundsOf(eroded, f(FAINT));
  return bounds.bottom ? crop(eroded, bounds) : strength;
}

/** Scale to so many pixels along the longer side, 0 and more. */
function resized(strength, longer) {
  const { width, height } = strength;
  const scale = longer / Math.max(height, width);
  const size = [width, height].map((side) => Math.max(1, rint(side * scale)));
  const fitted = resize(strength, size[0], size[1], "lanczos");
  return { ...fitted, data: fitted.data.map((x) => Math.max(x, 0)) };
}

/** Surround float32 with 0. */
function padded({ width, height, data }, margin) {
  const wide = plane(width + 2 * margin, height + 2 * margin);
  for (let y = 0; y < height; y++) {
    wide.data.set(data.subarray(y * width, (y + 1) * width), (y + margin) * wide.width + margin);
  }
  return wide;
}

function fit(strength) {
  const coarse = COARSE * Math.max(strength.height, strength.width) < BOX;
  const fitted = resized(strength, coarse ? COARSE_BOX : BOX);
  if (!coarse) return fitted;
  const gain = f(COARSE_GAIN / largest(fitted.data));
  return { ...fitted, data: fitted.data.map((x) => Math.min(f(x * gain), 1)) };
}

/** Place pixels of at most 20 x 20 so that their centre of mass comes nearest to the pixel (14, 14). */
function centred({ width, height, data }) {
  const down = new Float64Array(height);
  const across = new Float64Array(width);
  for (let y = 0; y < height; y++) {
    down[y] = pairwiseSum(data, y * width, width);
    for (let x = 0; x < width; x++) across[x] += data[y * width + x];
  }
  if (width === 1) across[0] = pairwiseSum(data);
  const [top, left] = [cornerOf(down), cornerOf(across)];
  const field = new Uint8Array(SIDE * SIDE);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) field[(top + y) * SIDE + left + x] = clip(rint(data[y * width + x]), 0, 255);
  }
  return field;
}

function cornerOf(weights) {
  const massCentre = pairwiseSum(weights.map((weight, k) => weight * k)) / pairwiseSum(weights);
  return clip(rint(SIDE / 2 - massCentre), 0, SIDE - weights.length);
}
