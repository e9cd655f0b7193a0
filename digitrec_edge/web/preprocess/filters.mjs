// Twin of digitrec_edge/preprocess/filters.py.

import { clip, plane, sorted, transpose } from "./arrays.mjs";

const f = Math.fround;

/** Up to here a window's rows and columns are added one by one; wider ones are differences of cumulative sums. */
const NEAR_RADIUS = 2;

/** So many values are sorted to find the median; more are counted. */
const FEW = 1024;

/** Where medians count: it is kept, for so large an array costs more than what is done in it. */
let room = new Int32Array(0);
const UPPER = new Int32Array(1 << 16);
const LOWER = new Int32Array(1 << 16);

/**
 * The mean over squares of `2 * radius + 1`; the border is repeated outwards. Sums are float64, means float32.
 * @param {Plane} picture float32
 * @returns {Plane} float32
 */
export function boxMean(picture, radius) {
  if (radius < 1) return picture;
  return radius <= NEAR_RADIUS ? nearMean(picture, radius) : wideMean(picture, radius);
}

function nearMean(picture, radius) {
  const { width, height, data } = picture;
  const means = plane(width, height);
  const share = 1 / (2 * radius + 1);
  const sums = new Float64Array(width);
  const row = new Float64Array(width + 2 * radius);
  for (let y = 0; y < height; y++) {
    addRows(data, width, height, y, radius, sums);
    for (let x = 0; x < width; x++) row[x + radius] = f(sums[x] * share);
    row.fill(row[radius], 0, radius);
    row.fill(row[width + radius - 1], width + radius);
    for (let x = 0, at = y * width; x < width; x++) {
      let sum = row[x] + row[x + 1] + row[x + 2];
      if (radius === 2) sum = sum + row[x + 3] + row[x + 4];
      means.data[at++] = sum * share;
    }
  }
  return means;
}

/** Write into `sums` the sums of each column within the window around row `y`. */
function addRows(data, width, height, y, radius, sums) {
  for (let k = -radius; k <= radius; k++) {
    const start = clip(y + k, 0, height - 1) * width;
    if (k === -radius) for (let x = 0; x < width; x++) sums[x] = data[start + x];
    else for (let x = 0; x < width; x++) sums[x] += data[start + x];
  }
}

function wideMean(picture, radius) {
  return alongRows(transpose(alongRows(transpose(picture), radius)), radius);
}

function alongRows({ width, height, data }, radius) {
  const size = 2 * radius + 1;
  const means = plane(width, height);
  const sums = new Float64Array(width + size);
  for (let y = 0; y < height; y++) {
    let total = 0;
    for (let k = 0; k < sums.length; k++) {
      total += data[y * width + clip(k - radius - 1, 0, width - 1)];
      sums[k] = total;
    }
    for (let x = 0; x < width; x++) means.data[y * width + x] = (sums[x + size] - sums[x]) / size;
  }
  return means;
}

/** Repeat the border outwards. */
function extended({ width, height, data }, margin) {
  const wide = plane(width + 2 * margin, height + 2 * margin);
  for (let y = 0; y < wide.height; y++) {
    const from = clip(y - margin, 0, height - 1) * width;
    const to = y * wide.width;
    wide.data.fill(data[from], to, to + margin);
    wide.data.set(data.subarray(from, from + width), to + margin);
    wide.data.fill(data[from + width - 1], to + margin + width, to + wide.width);
  }
  return wide;
}

/**
 * The sums over squares of 3, whole or, of float32, rounded to float32 at each step; the border is repeated outwards.
 * @param {Plane} picture float32
 * @returns {Plane} float32
 */
export function sumsOfNine(picture) {
  const { width, height, data } = picture;
  const sums = plane(width, height);
  const rows = new Float32Array(width + 2);
  for (let y = 0; y < height; y++) {
    const above = Math.max(y - 1, 0) * width;
    const below = Math.min(y + 1, height - 1) * width;
    for (let x = 0; x < width; x++) rows[x + 1] = f(data[above + x] + data[y * width + x]) + data[below + x];
    rows[0] = rows[1];
    rows[width + 1] = rows[width];
    for (let x = 0; x < width; x++) sums.data[y * width + x] = f(rows[x] + rows[x + 1]) + rows[x + 2];
  }
  return sums;
}

/** The maximum over squares of `2 * radius + 1`, float32; the border is repeated outwards. */
export function boxMax(picture, radius) {
  return windowMax(extended(picture, radius), 2 * radius + 1);
}

/** The minimum over discs, float32; what lies outside is 0. */
export function discMin({ width, height, data }, radius) {
  const least = plane(width, height);
  for (let y = radius; y < height - radius; y++) {
    for (let x = radius; x < width - radius; x++) {
      let lowest = Infinity;
      for (let above = -radius; above <= radius; above++) {
        const reach = Math.floor(Math.sqrt(radius * radius - above * above));
        const middle = (y + above) * width + x;
        for (let at = middle - reach; at <= middle + reach; at++) if (data[at] < lowest) lowest = data[at];
      }
      least.data[y * width + x] = lowest;
    }
  }
  return least;
}

/** The maximum over squares of `size` that lie in the plane, which is `size - 1` larger each way. */
function windowMax(picture, size) {
  const { width, height } = picture;
  let data = picture.data;
  let rows = height;
  for (let reach = 1; reach < size; ) {
    const step = Math.min(reach, size - reach);
    rows -= step;
    data = larger(data, step * width, rows * width);
    reach += step;
  }
  for (let reach = 1; reach < size; ) {
    const step = Math.min(reach, size - reach);
    data = larger(data, step, data.length - step);
    reach += step;
  }
  const inner = plane(width - size + 1, rows);
  for (let y = 0; y < rows; y++) inner.data.set(data.subarray(y * width, y * width + inner.width), y * inner.width);
  return inner;
}

/** The larger one of each value and that which follows so far behind; rows of a plane run into each other. */
function larger(data, step, count) {
  const most = new Float32Array(count);
  for (let k = 0; k < count; k++) {
    const one = data[k];
    const other = data[k + step];
    most[k] = one > other ? one : other;
  }
  return most;
}

/** Fill dark shapes narrower than `2 * radius + 1` (a morphological closing); wider ones stay as they are. */
export function close(picture, radius) {
  const size = 2 * radius + 1;
  return negative(windowMax(negative(windowMax(extended(picture, 2 * radius), size)), size));
}

/** @returns {Plane} float32, each number's sign turned */
export function negative({ width, height, data }) {
  const turned = plane(width, height);
  for (let k = 0; k < data.length; k++) turned.data[k] = -data[k];
  return turned;
}

/**
 * np.median of float32: the values are counted by the bits of their numbers, the upper half of them first.
 * @param {Float32Array} values
 */
export function median(values) {
  const [first, last] = [(values.length - 1) >> 1, values.length >> 1];
  if (values.length < FEW) {
    const ordered = sorted(values);
    return f(f(ordered[first] + ordered[last]) / 2);
  }
  const keys = keysOf(values);
  const counts = UPPER.fill(0);
  for (let k = 0; k < keys.length; k++) counts[(keys[k] >> 16) + 0x8000]++;
  const one = ranked(keys, counts, first);
  const other = one.next > last ? one : ranked(keys, counts, last);
  return f(f(one.value + other.value) / 2);
}

/** Whole numbers in the order of these float32. */
function keysOf(values) {
  if (room.length < values.length) room = new Int32Array(values.length);
  const keys = room.subarray(0, values.length);
  new Float32Array(room.buffer, 0, values.length).set(values);
  for (let k = 0; k < keys.length; k++) keys[k] ^= (keys[k] >> 31) & 0x7fffffff;
  return keys;
}

/** The value of a rank, and how many are not larger; `counts` are those of the upper halves. */
function ranked(keys, counts, rank) {
  let upper = 0;
  let below = 0;
  while (below + counts[upper] <= rank) below += counts[upper++];
  const within = LOWER.fill(0);
  for (let k = 0; k < keys.length; k++) if ((keys[k] >> 16) + 0x8000 === upper) within[keys[k] & 0xffff]++;
  let lower = 0;
  while (below + within[lower] <= rank) below += within[lower++];
  const key = ((upper - 0x8000) << 16) | lower;
  const value = new Float32Array(Int32Array.of(key ^ ((key >> 31) & 0x7fffffff)).buffer)[0];
  return { value, next: below + within[lower] };
}
