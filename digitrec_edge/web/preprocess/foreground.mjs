// Twin of digitrec_edge/preprocess/foreground.py.

import { ceilDivide, largest, pairwiseSum, plane, smallest } from "./arrays.mjs";
import { PictureError } from "./errors.mjs";
import { boxMean, close, median, negative, sumsOfNine } from "./filters.mjs";
import { reduce, resize } from "./pillow.mjs";

const f = Math.fround;

/** Larger pictures are averaged down to this first. */
export const WORKING_PX = 1024;

/** Of 255; a picture in which nothing differs so much from the background is blank. */
const MIN_CONTRAST = 24;

const EVEN_SHARE = 0.6;

/** The background is even when so much of the border is within this share of the foreground's contrast. */
const EVEN_TOLERANCE = 0.1;

/** The foreground must differ from an uneven background by so many of the background's standard deviations. */
const MIN_SIGNAL = 6;

/** Of full strength; weaker pixels do not decide where a digit is and what is connected. */
const CLEAN_THRESHOLD = 0.05;
const EVEN_THRESHOLD = 0.25;
const UNEVEN_THRESHOLD = 0.3;

/** Of 255; contrast is relative to the background, but to none darker than this. */
const MIN_BACKGROUND = 16;

/** From the median absolute deviation to the standard deviation of a normal distribution. */
const MAD_TO_SIGMA = 1.4826;

/** In a clean picture no larger than this, the faintest pixel is part of a stroke. */
const SMALL_PX = 48;

const COARSE_PX = 160;

/** Of the short side: wider than any stroke. */
const WINDOW_SHARE = 0.45;

/**
 * The foreground of a picture, at working size.
 * @typedef {object} Foreground
 * @property {Plane} background float32, how bright the picture would be without foreground
 * @property {Plane} strength float32, 0 background to 1 full foreground
 * @property {Plane} mask uint8, where the strength is above the threshold
 * @property {number} reduction how many pixels of the original went into one, along each axis
 * @property {boolean} even the background was even
 * @property {boolean} clean it was also free of noise
 * @property {number} threshold the strength that makes the mask
 */

/**
 * Separate foreground from background.
 * @param {Plane} grey uint8
 * @returns {Foreground}
 * @throws {PictureError} there is no foreground
 */
export function findForeground(grey) {
  if (!grey.data.length) throw new PictureError("the picture has no pixels");
  const reduction = ceilDivide(Math.max(grey.width, grey.height), WORKING_PX);
  const picture = reduce(grey, reduction);
  const border = borderOf(picture);
  const level = median(border);
  const [darkest, lightest] = extremes(picture);
  const [darker, lighter] = [level - darkest, lightest - level];
  const contrast = Math.max(darker, lighter);
  if (contrast < MIN_CONTRAST) throw new PictureError("no digit found: the picture is blank");
  const near = f(Math.max(3, EVEN_TOLERANCE * contrast));
  const even = border.reduce((count, x) => count + (Math.abs(f(x - level)) <= near ? 1 : 0), 0);
  if (even / border.length >= EVEN_SHARE) {
    return onEvenBackground(picture, border, level, darker >= lighter, reduction);
  }
  return onUnevenBackground(picture, reduction);
}

/** The first row, the last one, and what is between of the first column and of the last one. */
function borderOf({ width, height, data }) {
  const border = [...data.subarray(0, width), ...data.subarray(data.length - width)];
  for (let row = 1; row < height - 1; row++) border.push(data[row * width]);
  for (let row = 1; row < height - 1; row++) border.push(data[row * width + width - 1]);
  return Float32Array.from(border);
}

/** The darkest and the lightest mean over 3 x 3 pixels; of a small picture the pixels themselves. */
function extremes(grey) {
  if (Math.min(grey.width, grey.height) < 64) return [smallest(grey.data), largest(grey.data)];
  const sums = sumsOfNine({ ...grey, data: new Float32Array(grey.data) }).data;
  return [smallest(sums) / 9, largest(sums) / 9];
}

/** One level of background for all of the picture; every shade of a clean scan is kept. */
function onEvenBackground(grey, border, level, dark, reduction) {
  const contrast = plane(grey.width, grey.height);
  for (let k = 0; k < contrast.data.length; k++) {
    contrast.data[k] = Math.max(dark ? level - grey.data[k] : grey.data[k] - level, 0);
  }
  const noise = MAD_TO_SIGMA * median(border.map((x) => Math.abs(f(x - level))));
  const clean = noise < 1;
  const low = clean ? 0 : 2.5 * noise;
  const high = clean ? largest(contrast.data) : fullContrast(contrast, low);
  if (high - low < MIN_CONTRAST / 2) {
    throw new PictureError("no digit found: nothing stands out from the background");
  }
  const strength = scaled(contrast, low, high - low);
  let threshold = EVEN_THRESHOLD;
  if (clean) threshold = Math.max(grey.width, grey.height) > SMALL_PX ? CLEAN_THRESHOLD : 0;
  const background = plane(grey.width, grey.height);
  background.data.fill(level);
  const mask = clean ? above(strength, threshold) : above(sumsOfNine(strength), 9 * threshold);
  return { background, strength, mask, reduction, even: true, clean, threshold };
}

/** Take `low` off each number, divide it by `range`, and keep it within 0 and 1, in place. */
function scaled(picture, low, range) {
  const [from, by] = [f(low), f(range)];
  for (let k = 0; k < picture.data.length; k++) {
    const x = f(f(picture.data[k] - from) / by);
    picture.data[k] = x < 0 ? 0 : x > 1 ? 1 : x;
  }
  return picture;
}

/** @returns {Plane} uint8, where float32 is above a bound */
export function above({ width, height, data }, bound) {
  const mask = plane(width, height, Uint8Array);
  const least = f(bound);
  for (let k = 0; k < data.length; k++) mask.data[k] = data[k] > least ? 1 : 0;
  return mask;
}

/** The contrast in the middle of a stroke: the median of what is nearer to the peak than to `low`. */
function fullContrast(contrast, low) {
  const smooth = boxMean(contrast, 1).data;
  const peak = largest(smooth);
  if (peak <= low) return peak;
  const least = f(low + 0.5 * (peak - low));
  const inner = new Float32Array(smooth.length);
  let count = 0;
  for (let k = 0; k < smooth.length; k++) if (smooth[k] >= least) inner[count++] = smooth[k];
  return median(inner.subarray(0, count));
}

/** Light, shadow and vignette remain when everything narrow is filled; the contrast is relative to them. */
function onUnevenBackground(grey, reduction) {
  const coarse = coarseOf(grey);
  const dark = isDarkOnLight(coarse);
  const background = dark ? backgroundOf(coarse, grey) : negative(backgroundOf(negative(coarse), grey));
  const relative = plane(grey.width, grey.height);
  for (let k = 0; k < relative.data.length; k++) {
    const light = background.data[k];
    const difference = f(dark ? light - grey.data[k] : grey.data[k] - light);
    relative.data[k] = difference / (light > MIN_BACKGROUND ? light : MIN_BACKGROUND);
  }
  const { centre, noise } = centreAndNoise(relative.data);
  const low = centre + 2.5 * noise;
  const high = fullContrast(relative, low);
  if (high - centre < Math.max(MIN_SIGNAL * noise, MIN_CONTRAST / 255)) {
    throw new PictureError("no digit found: nothing stands out from the background");
  }
  const strength = scaled(relative, low, Math.max(high - low, 1e-6));
  const mask = above(sumsOfNine(strength), 9 * UNEVEN_THRESHOLD);
  return { background, strength, mask, reduction, even: false, clean: false, threshold: UNEVEN_THRESHOLD };
}

/** The median, and the standard deviation that the median absolute deviation from it stands for. */
function centreAndNoise(values) {
  const centre = median(values);
  const off = new Float32Array(values.length);
  for (let k = 0; k < off.length; k++) off[k] = Math.abs(values[k] - centre);
  return { centre, noise: MAD_TO_SIGMA * median(off) };
}

function coarseOf(grey) {
  const factor = Math.max(1, ceilDivide(Math.max(grey.width, grey.height), COARSE_PX));
  const width = Math.max(1, Math.floor(grey.width / factor));
  const height = Math.max(1, Math.floor(grey.height / factor));
  return resize({ ...grey, data: new Float32Array(grey.data) }, width, height, "box");
}

/** The brightness without foreground, at the size of `grey`. */
function backgroundOf(coarse, grey) {
  const radius = Math.max(1, Math.trunc((WINDOW_SHARE * Math.min(coarse.width, coarse.height)) / 2));
  return resize(boxMean(close(coarse, radius), 2), grey.width, grey.height, "bilinear");
}

/** The foreground is the minority: it makes the long tail of the differences from the local mean. */
function isDarkOnLight(coarse) {
  const means = boxMean(coarse, Math.max(2, Math.floor(Math.min(coarse.width, coarse.height) / 4))).data;
  const cubes = Float64Array.from(coarse.data, (x, k) => {
    const difference = f(x - means[k]);
    return difference * difference * difference;
  });
  return pairwiseSum(cubes) <= 0;
}
