// Twin of digitrec_edge/preprocess/normalise.py.

import { clip, largest, pairwiseSum, plane, rint } from "./arrays.mjs";
import { boxMax } from "./filters.mjs";
import { resize } from "./pillow.mjs";

const f = Math.fround;

/** Pixels of a side of what a recogniser takes. */
export const SIDE = 28;

/** The side of the box that a digit is scaled to. */
export const BOX = 20;

/** In the 20 x 20 box; a stroke that would come out thinner is widened first. */
const THIN_PX = 1.8;
const WANTED_PX = 2.2;

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
  if (Math.max(own.width, own.height) >= 2 * BOX) own = widen(own);
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

function widen(strength) {
  const scale = BOX / Math.max(strength.width, strength.height);
  const widthPx = strokeWidth(strength) * scale;
  if (widthPx >= THIN_PX) return strength;
  const radius = rint((WANTED_PX - widthPx) / scale / 2);
  return boxMax(padded(strength, radius), radius);
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
  const { width, height } = strength;
  const coarse = COARSE * Math.max(height, width) < BOX;
  const scale = (coarse ? COARSE_BOX : BOX) / Math.max(height, width);
  const size = [width, height].map((side) => Math.max(1, rint(side * scale)));
  const fitted = resize(strength, size[0], size[1], "lanczos");
  const data = fitted.data.map((x) => Math.max(x, 0));
  const gain = coarse ? f(COARSE_GAIN / largest(data)) : 1;
  return { ...fitted, data: coarse ? data.map((x) => Math.min(f(x * gain), 1)) : data };
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
