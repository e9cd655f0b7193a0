// Twin of digitrec_edge/preprocess/noise.py.

import { ceilDivide, clip, percentiles, plane, rint } from "./arrays.mjs";
import { boxMean, median } from "./filters.mjs";
import { reduce } from "./pillow.mjs";

const f = Math.fround;

/** Smaller pictures have no pixels to spare. */
const MIN_SIDE_PX = 96;

/** A picture is noisy when its contrast is less than so many standard deviations of its noise. */
const NOISY = 8;

/** ... and is averaged down until its contrast is as many. */
const WANTED = 36;

const MAX_REDUCTION = 5;

/** ... and over so many pixels around each, after that. */
const SMOOTH_PX = 1;

/** Contrast by noise, after averaging. */
const MIN_RATIO = 9;

/** Of 255; a fainter picture is blank. */
const MIN_RANGE = 8;

/** The darkest stays above 0, by so much of the range; the brightest becomes TOP. */
const FLOOR = 0.6;
const TOP = 240;

/** Noise is measured between pixels so far apart: JPEG makes neighbours alike. */
const LAG_PX = 3;

const SPREAD = [0.1, 99.9];
const MAD_OF_DIFFERENCES = 1.4826 / Math.SQRT2;

/**
 * The standard deviation of the noise, from pixels that are near each other.
 * @param {Plane} values float32 or uint8
 * @param {number} [step] every so many-th row is taken
 */
export function noiseOf({ width, height, data }, step = 1) {
  const wide = Math.max(0, width - LAG_PX);
  const differences = new Float32Array(wide * ceilDivide(height, step));
  for (let y = 0, k = 0; y < height; y += step) {
    for (let at = y * width; at < y * width + wide; at++) differences[k++] = data[at + LAG_PX] - data[at];
  }
  const middle = median(differences);
  for (let k = 0; k < differences.length; k++) differences[k] = Math.abs(f(differences[k] - middle));
  return MAD_OF_DIFFERENCES * median(differences);
}

/**
 * Whether noise hides what a picture shows.
 * @param {Plane} grey uint8
 */
export function isNoisy(grey) {
  if (Math.min(grey.width, grey.height) < MIN_SIDE_PX) return false;
  const [low, high] = percentiles(reduce(grey, 4).data, SPREAD);
  return NOISY * noiseOf(grey, Math.max(1, Math.floor(grey.height / 64))) > high - low;
}

/**
 * Average a picture down by as much as its noise needs, and stretch its contrast.
 * @param {Plane} grey uint8
 * @returns {{grey: Plane, reduction: number}|null} null when there is nothing but noise
 */
export function calm(grey) {
  const [side, longer] = [Math.min(grey.width, grey.height), Math.max(grey.width, grey.height)];
  if (side < MIN_SIDE_PX) return null;
  const [dark, light] = percentiles(reduce(grey, 4).data, SPREAD);
  const wanted = Math.ceil((WANTED * noiseOf(grey)) / Math.max(light - dark, 1));
  const most = Math.min(wanted, MAX_REDUCTION, Math.floor(side / MIN_SIDE_PX));
  const reduction = Math.max(1, ceilDivide(longer, 1024), most);
  const smooth = boxMean(reduce({ ...grey, data: new Float32Array(grey.data) }, reduction), SMOOTH_PX);
  const [low, high] = percentiles(smooth.data, SPREAD);
  if (high - low < Math.max(MIN_RANGE, MIN_RATIO * noiseOf(smooth))) return null;
  const floor = Math.max(0, low - FLOOR * (high - low));
  return { grey: stretched(smooth, f(floor), f(TOP / (high - floor))), reduction };
}

function stretched({ width, height, data }, floor, gain) {
  const grey = plane(width, height, Uint8Array);
  for (let k = 0; k < data.length; k++) grey.data[k] = rint(clip(f(f(data[k] - floor) * gain), 0, 255));
  return grey;
}
