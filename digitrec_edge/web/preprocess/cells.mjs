// Twin of digitrec_edge/preprocess/cells.py.

import { clip, mean, medianOf, pairwiseSum, percentile, rint } from "./arrays.mjs";
import { CLEAR, Line } from "./lines.mjs";

/** Of a line's length; cells are not narrower, or wider. The teeth of a comb are short. */
const NARROW = 0.4;
const WIDE = 4;

/** Of a line's length; cells that seem to be as wide may be two each. */
const WIDER = 1.1;

/** Of the distance; how far a line may be from its place in the row. */
const FITS = 0.15;

/** Of the distance; a place is empty if no line is so near. */
const FREE = 0.3;

/** Of the distance, how far to either side of its place a line is sought; and the slopes besides that of the others. */
const REACH = 0.06;
const TILT = [-0.03, -0.015, 0, 0.015, 0.03];

/** Of the pixels of a line. */
const INKED = 0.8;

/** What a pixel of distance, and a step of slope, counts in INKED. */
const FARTHER = 0.002;
const STEEPER = 0.1;

const placeOf = (line) => mean(line.centre);

/**
 * Find upright lines where the distance of others says that they must be, and ink is.
 * @param {Plane} own uint8, the ink
 * @param {Line[]} level the level lines of the row, at least one
 * @param {Line[]} edges the upright ones that were found, as lines of the transposed ink
 * @returns {Line[]} those that are missing, likewise
 */
export function missingLines(own, level, edges) {
  if (!edges.length) return [];
  const length = medianOf(edges.map((edge) => edge.length));
  const row = fit(Float64Array.from(edges, placeOf).sort(), length);
  if (!row) return divided(own, level, edges, length);
  const found = fill(own, level, edges, row);
  if (found.length || row.distance < WIDER * length) return found;
  const halves = fill(own, level, edges, { first: row.first, distance: 0.5 * row.distance });
  return halves.length >= edges.length - 1 ? halves : [];
}

/** The lines between as many cells of one width as there can be, when ink is in all of them. */
function divided(own, level, edges, length) {
  const [start, end] = endsOf(level);
  for (let cells = Math.trunc((end - start) / (NARROW * length)); cells > 1; cells--) {
    const found = fill(own, level, edges, { first: start, distance: (end - start) / cells }, true);
    if (found.length) return found;
  }
  return [];
}

/** Where the level lines of a row start and end. */
function endsOf(level) {
  return [Math.min(...level.map((line) => line.start)), Math.max(...level.map((line) => line.end))];
}

/** The lines in the empty places of a row: where one is and how far the next; with `all` all or none. */
function fill(own, level, edges, { first, distance }, all = false) {
  const columns = edges.map(placeOf);
  const [start, end] = endsOf(level);
  const fall = level.reduce((most, line) => (most.length >= line.length ? most : line)).slope;
  const found = [];
  const last = Math.trunc((end - first) / distance + 0.1);
  for (let k = Math.ceil((start - first) / distance - 0.1); k <= last; k++) {
    const place = first + k * distance;
    if (columns.every((column) => Math.abs(column - place) > FREE * distance)) {
      const off = (edge) => Math.abs(placeOf(edge) - place);
      const near = edges.reduce((best, edge) => (off(best) <= off(edge) ? best : edge));
      const lower = fall * (place - placeOf(near));
      const rows = [Math.max(0, rint(near.start + lower)), Math.min(own.height, rint(near.end + lower))];
      const line = lineAt(own, rows, place, edges, Math.max(3, rint(REACH * distance)));
      if (!line && all) return [];
      if (line) found.push(line);
    }
  }
  return found;
}

/** The place of one line and the distance to the next, by least squares; null where there is no telling. */
function fit(columns, length) {
  let [first, distance] = [0, Infinity];
  for (let k = 0; k + 1 < columns.length; k++) {
    const gap = columns[k + 1] - columns[k];
    if (gap >= NARROW * length && gap < distance) [first, distance] = [columns[k], gap];
  }
  if (distance > WIDE * length) return null;
  for (let k = 0; k < 2; k++) {
    const numberOf = (column) => rint((column - first) / distance);
    const fitting = columns.filter((x) => Math.abs(x - first - numberOf(x) * distance) <= FITS * distance);
    const numbers = fitting.map(numberOf);
    const apart = numbers.map((number) => number - mean(numbers));
    if (!apart.some((x) => x)) return null;
    const middle = mean(fitting);
    distance = pairwiseSum(apart.map((x, k) => x * (fitting[k] - middle))) / pairwiseSum(apart.map((x) => x * x));
    first = middle - distance * mean(numbers);
  }
  return { first, distance };
}

/** The line from row to row that has the most ink near a place; null where it has too little. */
function lineAt(own, [start, end], place, edges, reach) {
  const length = end - start;
  if (length < 8) return null;
  const thickness = medianOf(edges.map((edge) => edge.thickness));
  const slope = medianOf(edges.map((edge) => edge.slope));
  const half = Math.max(0, rint(thickness / 2 - 0.5));
  const sums = sumsOf(own);
  let [most, best] = [0, null];
  for (const tilt of TILT) {
    const leaning = Float64Array.from({ length }, (_, k) => (slope + tilt) * (k - 0.5 * (length - 1)));
    for (let shift = -reach; shift <= reach; shift++) {
      const centre = leaning.map((x) => place + shift + x);
      let inked = 0;
      centre.forEach((x, k) => {
        const left = rint(x) - half;
        const row = (start + k) * (own.width + 1);
        inked += sums[row + clip(left + 2 * half + 1, 0, own.width)] - sums[row + clip(left, 0, own.width)];
      });
      inked = inked / ((2 * half + 1) * length) - (FARTHER * Math.abs(shift) + STEEPER * Math.abs(tilt));
      if (inked > most) [most, best] = [inked, centre];
    }
  }
  if (most < INKED) return null;
  const beside = Math.ceil(thickness);
  const across = best.map((x, k) => {
    let count = 0;
    for (let off = -beside; off <= beside; off++) {
      count += own.data[(start + k) * own.width + clip(rint(x) + off, 0, own.width - 1)] ? 1 : 0;
    }
    return count;
  });
  return new Line(start, best, Math.min(1.5 * thickness + 1, Math.max(thickness, percentile(across, CLEAR))));
}

/** How much ink there is in each row before each column. */
function sumsOf({ width, height, data }) {
  const sums = new Int32Array(height * (width + 1));
  for (let y = 0, from = 0, at = 0; y < height; y++, at++) {
    for (let x = 0; x < width; x++, at++) sums[at + 1] = sums[at] + (data[from++] ? 1 : 0);
  }
  return sums;
}
