// Twin of digitrec_edge/preprocess/dashes.py.

import { clip, plane, rint } from "./arrays.mjs";
import { findLines } from "./lines.mjs";

/** Of the height of what may be lines, and in pixels: what is thicker is no piece of a line. */
const THICK = 0.12;
const MIN_THICK_PX = 5;

const MIN_GAP_PX = 3;

/** Of a line's length; the strokes of the digits in a row make up less of a line through them. */
const INKED = 0.5;

/**
 * Find nearly level lines that have gaps.
 * @param {Plane} own uint8, the ink
 * @param {number} gap the longest, by `highPx`
 * @param {number} highPx the height of what may be lines
 * @param {number} leastPx how long they are
 * @returns {Line[]}
 */
export function findDashedLines(own, gap, highPx, leastPx) {
  const thin = thinOf(own, Math.max(MIN_THICK_PX, rint(THICK * highPx)));
  const whole = closed(thin, Math.max(MIN_GAP_PX, rint(gap * highPx)));
  return findLines(whole, leastPx).filter((line) => isInked(thin, line));
}

/** The ink that is at most so many pixels high in its column. */
function thinOf({ width, height, data }, most) {
  const kept = plane(width, height, Uint8Array);
  for (let x = 0; x < width; x++) {
    for (let y = 0, top = 0; y <= height; y++) {
      if (y < height && data[y * width + x]) continue;
      if (y - top <= most) for (let k = top; k < y; k++) kept.data[k * width + x] = 1;
      top = y + 1;
    }
  }
  return kept;
}

/** Fill gaps of up to so many pixels along rows. */
function closed({ width, height, data }, gap) {
  const filled = plane(width, height, Uint8Array);
  filled.data.set(data);
  for (let y = 0, start = 0; y < height; y++, start += width) {
    let before = -1;
    for (let x = 0; x < width; x++) {
      if (!data[start + x]) continue;
      if (before >= 0 && x - before <= gap + 1) filled.data.fill(1, start + before, start + x);
      before = x;
    }
  }
  return filled;
}

/** Whether most of a line's columns have ink within its thickness. */
function isInked({ width, height, data }, line) {
  const reach = Math.ceil(0.5 * line.thickness);
  const inked = line.centre.filter((row, k) => {
    for (let off = -reach; off <= reach; off++) {
      if (data[clip(rint(row) + off, 0, height - 1) * width + line.start + k]) return true;
    }
    return false;
  });
  return inked.length / line.length >= INKED;
}
