// Twin of digitrec_edge/preprocess/colour.py.

import { clip, largest, pairwiseSum, percentile, percentiles, plane, rint } from "./arrays.mjs";
import { boxMean } from "./filters.mjs";
import { noiseOf } from "./noise.mjs";
import { nearestPlaces } from "./pillow.mjs";

const f = Math.fround;

const SAMPLE_PX = 96;

/** Of 255; where grey differs by more from its surroundings, grey it is. */
const FAINT = 45;

/** The hue must stand out from its noise by so much more than grey does. */
const MIN_GAIN = 1.6;

/** How many standard deviations of its noise the hue must spread over. */
const MIN_RATIO = 7;

/** Added before the logarithm, of 255: the hue of dark pixels is mostly noise. */
const DARK = 12;

const SPREAD = [0.5, 99.5];
const EXTREMES = [0.1, 99.9];
const LUMA = [0.299, 0.587, 0.114];

/** Two directions without light, at right angles to each other. */
const HUES = [
  [1 / Math.SQRT2, -1 / Math.SQRT2, 0],
  [0.5 / Math.sqrt(1.5), 0.5 / Math.sqrt(1.5), -1 / Math.sqrt(1.5)],
];

/** Of every brightness, float32, so that the last bit of an engine's logarithm does not decide. */
const LOGS = Float32Array.from({ length: 256 }, (_, k) => Math.log(k + DARK));

/**
 * The one mixture of hues that shows the ink, where grey does not.
 * @param {Uint8Array|Uint8ClampedArray} pixels of RGB or RGBA, row by row; opacity is not looked at
 * @param {number} channels 3 or 4
 * @returns {Plane|null} uint8; null where grey shows the ink, which is most often
 */
export function hueIfClearer(pixels, width, height, channels) {
  if (Math.min(width, height) < SAMPLE_PX) return null;
  const colours = sampled(pixels, width, height, channels);
  const grey = local(mixture(colours, LUMA));
  const [low, high] = percentiles(grey.data, EXTREMES);
  if (high - low > FAINT || mostColourful(colours) < FAINT) return null;
  const logs = colours.map((one) => ({ ...one, data: one.data.map((x) => LOGS[x]) }));
  const weights = weightsOf(logs);
  const hue = mixture(logs, weights);
  if (ratio(local(hue)) < Math.max(MIN_RATIO, MIN_GAIN * ratio(grey))) return null;
  return mixed(pixels, width, height, channels, weights, hue.data);
}

/** Red, green and blue at about SAMPLE_PX: every fourth pixel that there is room for, averaged 4 by 4. */
function sampled(pixels, width, height, channels) {
  const scale = SAMPLE_PX / Math.max(width, height);
  const size = [width, height].map((side) => Math.max(8, rint(side * scale)));
  const columns = nearestPlaces(width, 4 * size[0]);
  const rows = nearestPlaces(height, 4 * size[1]);
  const downFirst = size[1] > 2 * size[0];
  return [0, 1, 2].map((channel) => {
    const at = (row, column) => pixels[(rows[row] * width + columns[column]) * channels + channel];
    const one = plane(size[0], size[1]);
    for (let y = 0, k = 0; y < size[1]; y++) {
      for (let x = 0; x < size[0]; x++, k++) {
        const along = (i, j) => at(4 * y + i, 4 * x + j);
        one.data[k] = meanOf16(downFirst ? (i, j) => along(j, i) : along);
      }
    }
    return one;
  });
}

/** The mean of 4 by 4, whole, of rounded means: along rows first, or down columns where Pillow does so. */
function meanOf16(at) {
  let sum = 2;
  for (let i = 0; i < 4; i++) sum += (at(i, 0) + at(i, 1) + at(i, 2) + at(i, 3) + 2) >> 2;
  return sum >> 2;
}

/** The largest difference between a pixel's channels. */
function mostColourful([red, green, blue]) {
  return largest(
    red.data.map((r, k) => {
      const [g, b] = [green.data[k], blue.data[k]];
      return Math.max(r, g, b) - Math.min(r, g, b);
    }),
  );
}

/** Mix three planes in float64, from the first to the last; the mixture is float32. */
function mixture([one, two, three], [a, b, c]) {
  return { ...one, data: one.data.map((x, k) => x * a + two.data[k] * b + three.data[k] * c) };
}

/** The difference to the surroundings. */
function local(picture) {
  const means = boxMean(picture, Math.floor(Math.min(picture.width, picture.height) / 4)).data;
  return { ...picture, data: picture.data.map((x, k) => x - means[k]) };
}

function ratio(picture) {
  const [low, high] = percentiles(picture.data, SPREAD);
  return (high - low) / Math.max(noiseOf(picture), 1e-6);
}

/** Three weights of sum 0. */
function weightsOf(logs) {
  const hues = HUES.map((weights) => mixture(logs, weights));
  const [one, other] = hues.map((hue) => Float64Array.from(local(hue).data));
  const [stepOne, stepOther] = hues.map(stepsOf);
  const size = stepOne.map((x, k) => Math.abs(x) + Math.abs(stepOther[k]));
  const most = percentile(size, 80);
  const quiet = [stepOne, stepOther].map((steps) => steps.filter((_, k) => size[k] <= most));
  const [first, second] = leading(products(one, other), products(...quiet));
  const weights = HUES[0].map((x, k) => first * x + second * HUES[1][k]);
  const longest = largest(weights.map(Math.abs));
  return weights.map((x) => x / longest);
}

/** Differences of neighbours along rows, float32. */
function stepsOf({ width, height, data }) {
  const steps = new Float64Array((width - 1) * height);
  for (let y = 0, k = 0; y < height; y++) {
    for (let x = 1; x < width; x++) steps[k++] = f(data[y * width + x] - data[y * width + x - 1]);
  }
  return steps;
}

/** The means of the squares and of the product of two lists. */
function products(one, other) {
  const meanOf = (a, b) => pairwiseSum(a.map((x, k) => x * b[k])) / a.length;
  return [meanOf(one, one), meanOf(one, other), meanOf(other, other)];
}

/** The direction in which signal by noise is largest: the first eigenvector of noise^-1 signal. */
function leading([xx, xy, yy], [nxx, nxy, nyy]) {
  const [n, m] = [nxx + 1e-6, nyy + 1e-6];
  const determinant = n * m - nxy * nxy;
  const a = (m * xx - nxy * xy) / determinant;
  const b = (m * xy - nxy * yy) / determinant;
  const c = (n * xy - nxy * xx) / determinant;
  const d = (n * yy - nxy * xy) / determinant;
  const half = 0.5 * (a - d);
  const root = Math.sqrt(Math.max(half * half + b * c, 0));
  if (half < 0) return [-b, half - root];
  return half + root > 0 ? [half + root, c] : [1, 0];
}

function mixed(pixels, width, height, channels, weights, sample) {
  const [low, high] = percentiles(sample, SPREAD);
  const tables = weights.map((weight) => LOGS.map((x) => weight * x));
  const margin = 0.2 * (high - low);
  const from = f(low - margin);
  const gain = f(255 / Math.max(high - low + 2 * margin, 1e-6));
  const grey = plane(width, height, Uint8Array);
  for (let k = 0, at = 0; k < grey.data.length; k++, at += channels) {
    const two = f(tables[0][pixels[at]] + tables[1][pixels[at + 1]]);
    const three = f(two + tables[2][pixels[at + 2]]);
    grey.data[k] = clip(rint(f(f(three - from) * gain)), 0, 255);
  }
  return grey;
}
