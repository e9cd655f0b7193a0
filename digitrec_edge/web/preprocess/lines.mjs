// Twin of digitrec_edge/preprocess/lines.py.

import { ceilDivide, clip, interpolate, mean, pairwiseSum, percentile, plane, rint } from "./arrays.mjs";
import { cutOf, findComponents, widthOf } from "./components.mjs";
import { SLOPES } from "./tables.mjs";

/** Length by thickness; the strokes of a pen are shorter or thicker, most of them. */
const MIN_SLENDER = 7;

/** Of a line's length. */
const UNBROKEN = 0.93;

/** Of a line's middle; there is no ink between two lines that a stroke of the pen joins. */
const INKED = 0.5;

/** Of the width of a part that is no line as a whole; runs of that length in it may be one. */
const LONGEST = 0.94;

/** Percentile of the columns' thickness that is a line's. */
export const CLEAR = 30;

/** How far the middle of a line may be from straight, in pixels at the size of the search or of its length. */
const BEND_PX = 1;
const BEND = 0.01;

const SEARCH_PX = 320;

/** A nearly level line; an upright one is the same in the transposed mask. All in pixels. */
export class Line {
  /**
   * @param {number} start its first column
   * @param {Float64Array} centre the row of its middle in each column from `start` on
   * @param {number} thickness across
   */
  constructor(start, centre, thickness) {
    this.start = start;
    this.centre = centre;
    this.thickness = thickness;
  }

  get length() {
    return this.centre.length;
  }

  /** Rows by which it falls from one column to the next, by least squares. */
  get slope() {
    const middle = mean(this.centre);
    const columns = this.centre.map((_, x) => x - 0.5 * (this.length - 1));
    const along = pairwiseSum(columns.map((x, k) => x * (this.centre[k] - middle)));
    return along / Math.max(pairwiseSum(columns.map((x) => x * x)), 1);
  }

  /** The column behind the last one. */
  get end() {
    return this.start + this.length;
  }

  /** The row of its middle at a column, or at its nearer end. */
  at(column) {
    return this.centre[Math.trunc(clip(column - this.start, 0, this.length - 1))];
  }
}

/**
 * Find nearly level lines.
 * @param {Plane} mask uint8
 * @param {number} leastPx how long they are
 * @returns {Line[]}
 */
export function findLines(mask, leastPx) {
  const factor = Math.max(1, ceilDivide(Math.max(mask.width, mask.height), SEARCH_PX));
  const small = shrunk(mask, factor);
  const length = Math.max(8, Math.trunc(leastPx / factor));
  if (small.width < length) return [];
  return linesWithin(small, length).map((line) => enlarged(line, factor, mask));
}

/** Nearly level lines; where a stroke of the pen goes on from one, its longest runs alone are the line. */
function linesWithin(mask, length) {
  const { labels, components } = findComponents(straight(mask, length));
  const found = [];
  for (const part of components) {
    const { top, left } = part.box;
    const width = widthOf(part.box);
    if (width < length) continue;
    const own = cutOf(part, labels);
    const line = lineOf(own, top, left);
    const longer = Math.trunc(LONGEST * width);
    const slender = line.length >= MIN_SLENDER * line.thickness;
    if (slender && isStraight(line) && isInked(own, line.centre, top)) found.push(line);
    else if (longer > length) for (const inner of linesWithin(own, longer)) found.push(moved(inner, top, left));
  }
  return found;
}

function moved({ start, centre, thickness }, top, left) {
  return new Line(start + left, centre.map((row) => row + top), thickness);
}

function shrunk(mask, factor) {
  if (factor === 1) return mask;
  const small = plane(ceilDivide(mask.width, factor), ceilDivide(mask.height, factor), Uint8Array);
  for (let y = 0, at = 0; y < mask.height; y++) {
    const start = Math.floor(y / factor) * small.width;
    for (let x = 0; x < mask.width; x++) if (mask.data[at++]) small.data[start + Math.floor(x / factor)] = 1;
  }
  return small;
}

/** The pixels that lie on unbroken straight runs of `length`, in any of the directions of SLOPES. */
function straight(mask, length) {
  const { width, height } = mask;
  const reach = Math.ceil((SLOPES[SLOPES.length - 1] * width) / 2) + 2;
  const thick = thickened(mask, reach);
  const found = plane(width, height, Uint8Array);
  const rows = thick.height;
  const runs = plane(width, rows, Uint8Array);
  for (const slope of SLOPES) {
    const shift = Int32Array.from({ length: width }, (_, x) => rint(slope * (x - width / 2)));
    for (let y = 0, at = 0; y < rows; y++) {
      for (let x = 0; x < width; x++) runs.data[at++] = thick.data[clip(y + shift[x], 0, rows - 1) * width + x];
    }
    keepLongRuns(runs, length);
    for (let y = 0, at = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at++) {
        if (mask.data[at] && runs.data[(y + reach - shift[x]) * width + x]) found.data[at] = 1;
      }
    }
  }
  return found;
}

/** Add `reach` empty rows above and below, and spread by a row up and down. */
function thickened({ width, height, data }, reach) {
  const thick = plane(width, height + 2 * reach, Uint8Array);
  for (let shift = -1; shift <= 1; shift++) {
    const start = (reach + shift) * width;
    for (let k = 0; k < data.length; k++) thick.data[start + k] |= data[k] ? 1 : 0;
  }
  return thick;
}

/** Keep the runs along rows that are at least `length` long, in place. */
function keepLongRuns({ width, height, data }, length) {
  const least = UNBROKEN * length;
  const sums = new Int32Array(width + 1);
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * width, (y + 1) * width);
    for (let x = 0; x < width; x++) sums[x + 1] = sums[x] + row[x];
    row.fill(0);
    let kept = 0; // up to here the row is kept
    for (let x = 0; sums[width] >= least && x <= width - length; x++) {
      if (sums[x + length] - sums[x] < least) continue;
      row.fill(1, Math.max(kept, x), x + length);
      kept = x + length;
    }
  }
}

/** Measure a line; where the pen has thickened it its middle is that between its neighbours. */
function lineOf(own, top, left) {
  const counts = new Float64Array(own.width);
  const sums = new Float64Array(own.width);
  for (let y = 0, at = 0; y < own.height; y++) {
    for (let x = 0; x < own.width; x++) {
      if (!own.data[at++]) continue;
      counts[x]++;
      sums[x] += y;
    }
  }
  const thickness = percentile(counts.filter((count) => count > 0), CLEAR);
  const columns = Float64Array.from(counts, (_, x) => x);
  const sure = columns.filter((x) => counts[x] > 0 && counts[x] <= 1.5 * thickness);
  const middle = sure.map((x) => sums[x] / Math.max(counts[x], 1));
  return new Line(left, interpolate(columns, sure, middle).map((row) => row + top), thickness);
}

/** Whether its middle keeps to the straight line of least squares, but a quarter of it, where the pen may be. */
function isStraight(line) {
  const middle = mean(line.centre);
  const { slope } = line;
  const off = line.centre.map((row, x) => Math.abs(row - middle - slope * (x - 0.5 * (line.length - 1))));
  return percentile(off, 75) <= Math.max(BEND_PX, BEND * line.length);
}

/** Whether there is ink in the middle of a line, whose row is given for each column. */
function isInked({ width, data }, centre, top) {
  return centre.filter((row, x) => data[rint(row - top) * width + x]).length / centre.length >= INKED;
}

/** The line in pixels of the whole mask, its thickness measured there. */
function enlarged(line, factor, mask) {
  const start = line.start * factor;
  const width = Math.min(line.length * factor, mask.width - start);
  const columns = Float64Array.from({ length: width }, (_, x) => (x + 0.5) / factor - 0.5);
  const known = Float64Array.from(line.centre, (_, x) => x);
  const centre = interpolate(columns, known, line.centre).map((row) => (row + 0.5) * factor - 0.5);
  const reach = Math.ceil(line.thickness * factor);
  const counts = Float64Array.from(centre, (row, x) => {
    let count = 0;
    for (let k = -reach; k <= reach; k++) {
      count += mask.data[clip(rint(row) + k, 0, mask.height - 1) * mask.width + start + x] ? 1 : 0;
    }
    return count;
  });
  return new Line(start, centre, Math.max(1, percentile(counts, CLEAR)));
}
