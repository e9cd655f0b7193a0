// numpy's arithmetic, as digitrec_edge/preprocess uses it: its roundings and its order of adding.
// Every float32 step of numpy is a Math.fround, or a store into a Float32Array, here.

/**
 * A picture, mask or map of numbers, row by row.
 * @typedef {{width: number, height: number, data: Uint8Array|Int32Array|Float32Array|Float64Array}} Plane
 */

/** numpy sums up to so many numbers with eight accumulators; more are halved first. */
const PAIRWISE_BLOCK = 128;

/** 1.5 * 2^52: adding it leaves no room for a fraction, and rounds halves to even. */
const NO_FRACTION = 6755399441055744;

/**
 * @param {number} width
 * @param {number} height
 * @param {Function} [kind] the typed array's constructor
 * @returns {Plane} of zeros
 */
export function plane(width, height, kind = Float32Array) {
  return { width, height, data: new kind(width * height) };
}

/**
 * Round to the nearest whole number, halves to even, as np.rint and Python's round do.
 * @param {number} x of less than 2^51
 */
export function rint(x) {
  return x + NO_FRACTION - NO_FRACTION;
}

/** @returns {number} `x`, or the bound that it is beyond */
export function clip(x, low, high) {
  return x < low ? low : x > high ? high : x;
}

/** @returns {number} a whole number of `by` that is not less than `x`, divided by it */
export function ceilDivide(x, by) {
  return Math.floor((x + by - 1) / by);
}

/** @returns {number} the largest; `none` of no values */
export function largest(values, none = -Infinity) {
  let most = none;
  for (let k = 0; k < values.length; k++) if (values[k] > most) most = values[k];
  return most;
}

/** @returns {number} the smallest */
export function smallest(values) {
  let least = Infinity;
  for (let k = 0; k < values.length; k++) if (values[k] < least) least = values[k];
  return least;
}

/** @returns {number} how many are not 0 */
export function countOf(values) {
  let count = 0;
  for (let k = 0; k < values.length; k++) if (values[k]) count++;
  return count;
}

/** @returns {Plane} the part within half-open bounds */
export function crop(picture, { top, left, bottom, right }) {
  const part = plane(right - left, bottom - top, picture.data.constructor);
  for (let row = top; row < bottom; row++) {
    const start = row * picture.width;
    part.data.set(picture.data.subarray(start + left, start + right), (row - top) * part.width);
  }
  return part;
}

/** @returns {Plane} rows become columns */
export function transpose({ width, height, data }) {
  const turned = plane(height, width, data.constructor);
  for (let row = 0; row < height; row++) {
    for (let column = 0, at = row * width; column < width; column++) turned.data[column * height + row] = data[at++];
  }
  return turned;
}

/**
 * np.sum of contiguous float64, in numpy's order.
 * @param {ArrayLike<number>} values
 */
export function pairwiseSum(values, start = 0, count = values.length) {
  return pairwise(values, start, count, (x) => x);
}

/**
 * np.sum of contiguous float32, in numpy's order; every step is rounded to float32.
 * @param {Float32Array} values
 */
export function pairwiseSum32(values, start = 0, count = values.length) {
  return pairwise(values, start, count, Math.fround);
}

function pairwise(values, start, count, round) {
  if (count > PAIRWISE_BLOCK) {
    const half = (count >> 1) - ((count >> 1) % 8);
    return round(pairwise(values, start, half, round) + pairwise(values, start + half, count - half, round));
  }
  let sum = 0;
  let k = 0;
  if (count >= 8) {
    const part = new Float64Array(8);
    for (; k < 8; k++) part[k] = values[start + k];
    for (; k < count - (count % 8); k++) part[k & 7] = round(part[k & 7] + values[start + k]);
    const low = round(round(part[0] + part[1]) + round(part[2] + part[3]));
    const high = round(round(part[4] + part[5]) + round(part[6] + part[7]));
    sum = round(low + high);
  }
  for (; k < count; k++) sum = round(sum + values[start + k]);
  return sum;
}

/** @returns {number} np.mean of contiguous float64 */
export function mean(values) {
  return pairwiseSum(values) / values.length;
}

/** @returns {Float32Array|Float64Array} the values in ascending order, in a copy */
export function sorted(values) {
  return values.slice().sort();
}

/** @returns {number} np.median of float64 */
export function medianOf(values) {
  const ordered = sorted(Float64Array.from(values));
  const half = ordered.length >> 1;
  return ordered.length % 2 ? ordered[half] : (ordered[half - 1] + ordered[half]) / 2;
}

/**
 * np.percentile(values, shares), linear between the nearest ranks.
 * @param {Uint8Array|Float32Array|Float64Array} ordered ascending
 * @param {number[]} shares of 100
 * @returns {number[]} float64; the difference of two float32 neighbours is float32
 */
export function percentilesOfSorted(ordered, shares) {
  const single = ordered instanceof Float32Array;
  return shares.map((share) => {
    const index = (ordered.length - 1) * (share / 100);
    const first = Math.min(Math.floor(index), ordered.length - 1);
    const low = ordered[first];
    const high = ordered[Math.min(first + 1, ordered.length - 1)];
    const step = single ? Math.fround(high - low) : high - low;
    const weight = index - first;
    return weight >= 0.5 ? high - step * (1 - weight) : low + step * weight;
  });
}

/** np.percentile of values in any order. */
export function percentiles(values, shares) {
  return percentilesOfSorted(sorted(values), shares);
}

/** np.percentile of values in any order, one share. */
export function percentile(values, share) {
  return percentiles(values, [share])[0];
}

/**
 * np.interp: straight lines between the points (known, values), level beyond them.
 * @param {ArrayLike<number>} places
 * @param {ArrayLike<number>} known ascending
 * @param {ArrayLike<number>} values
 * @returns {Float64Array}
 */
export function interpolate(places, known, values) {
  const found = new Float64Array(places.length);
  const last = known.length - 1;
  let j = 0;
  for (let k = 0; k < places.length; k++) {
    const x = places[k];
    if (x < known[0]) found[k] = values[0];
    else if (x >= known[last]) found[k] = values[last];
    else {
      while (j > 0 && known[j] > x) j--;
      while (j < last - 1 && known[j + 1] <= x) j++;
      const slope = (values[j + 1] - values[j]) / (known[j + 1] - known[j]);
      found[k] = known[j] === x ? values[j] : slope * (x - known[j]) + values[j];
    }
  }
  return found;
}
