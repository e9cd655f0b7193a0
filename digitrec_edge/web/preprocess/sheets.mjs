// Twin of digitrec_edge/preprocess/sheets.py.

import { ceilDivide, clip, countOf, crop, percentiles, plane, rint } from "./arrays.mjs";
import { boundsOf, findComponents, heightOf, widthOf } from "./components.mjs";
import { boxMax, boxMean, median } from "./filters.mjs";
import { above } from "./foreground.mjs";
import { reduce, resize } from "./pillow.mjs";
import { polygon } from "./polygon.mjs";
import { HULL_COSINES, HULL_SINES } from "./tables.mjs";

const f = Math.fround;

const COARSE_PX = 160;

/** Smaller pictures are no views of a table. */
const MIN_PICTURE_PX = 120;

/** Of 255; how much a sheet differs from its surroundings at least. */
const MIN_STEP = 14;

/** Of the picture; how large a sheet is. */
const SHARES = [0.03, 0.92];

/** Of its four-cornered outline; what a sheet fills, its ink included. */
const FILLED = 0.94;

/** Of the sheet; how much of it is ink or shadow. */
const INK = [0.01, 0.75];

/** Of the sheet's side; so much is cut off along its edges. */
const EDGE = 0.04;

const LEVELS = 8;

/** Of the picture, of a component's box and of the picture: so large a foreground is no pen's. */
const PATCH = 0.03;
const SOLID = 0.58;
const COVERED = 0.2;

/**
 * A sheet in a picture: uint8, its own tone where something else would be seen, and the top and left of the cut.
 * @typedef {{grey: Plane, corner: [number, number]}} Sheet
 */

/** Whether a foreground is more than a pen writes: patches, or parts that the picture's border cuts. */
export function suggestsSheet(mask, components) {
  const size = mask.data.length;
  if (countOf(mask.data) / size > COVERED) return true;
  return components.slice(0, 3).some((c) => {
    const cutOff = isAtBorder(c, mask);
    if (c.area < PATCH * size * (cutOff ? SOLID : 1)) return false;
    return cutOff || c.area >= SOLID * heightOf(c.box) * widthOf(c.box);
  });
}

function isAtBorder({ box }, { width, height }) {
  return box.top === 0 || box.left === 0 || box.bottom === height || box.right === width;
}

/**
 * Find the sheet that a picture shows with its surroundings.
 * @param {Plane} grey uint8
 * @returns {Sheet|null} the largest; null when there is none
 */
export function findSheet(grey) {
  if (Math.min(grey.width, grey.height) < MIN_PICTURE_PX) return null;
  const factor = ceilDivide(Math.max(grey.width, grey.height), COARSE_PX);
  const small = reduce(grey, factor);
  const coarse = { ...small, data: new Float32Array(small.data) };
  let best = null;
  for (const patch of patchesOf(coarse)) {
    const corners = sheetOf(patch, coarse);
    if (corners && (best === null || areaOf(corners) > areaOf(best))) best = corners;
  }
  return best && alone(grey, coarse, best, factor);
}

/** Patches that are brighter, or darker, than several levels, with their holes filled. */
function patchesOf(coarse) {
  const smooth = boxMean(coarse, 1);
  const [low, high] = percentiles(smooth.data, [1, 99]);
  if (high - low < 2 * MIN_STEP) return [];
  const patches = [];
  const step = (high - low) / (LEVELS + 1);
  for (let k = 1; k <= LEVELS; k++) {
    const level = k * step + low;
    for (const mask of [above(smooth, level), below(smooth, level)]) {
      const { labels, components } = findComponents(mask);
      for (const part of components.slice(0, 3)) if (mayBeSheet(part, mask)) patches.push(filled(part.label, labels));
    }
  }
  return patches;
}

function below(picture, bound) {
  const mask = plane(picture.width, picture.height, Uint8Array);
  const most = f(bound);
  for (let k = 0; k < mask.data.length; k++) mask.data[k] = picture.data[k] < most ? 1 : 0;
  return mask;
}

function mayBeSheet(part, mask) {
  const [low, high] = SHARES;
  const [size, box] = [mask.data.length, heightOf(part.box) * widthOf(part.box)];
  return part.area >= low * size && part.area <= high * size && part.area >= 0.4 * box;
}

/** A component with its holes filled; a hole at the border of the picture is none. */
function filled(label, labels) {
  const patch = plane(labels.width, labels.height, Uint8Array);
  for (let k = 0; k < patch.data.length; k++) patch.data[k] = labels.data[k] === label ? 1 : 0;
  const around = findComponents(inverted(patch));
  const holes = new Uint8Array(around.components.length + 1);
  for (const part of around.components) if (!isAtBorder(part, patch)) holes[part.label] = 1;
  for (let k = 0; k < patch.data.length; k++) if (holes[around.labels.data[k]]) patch.data[k] = 1;
  return patch;
}

function inverted(mask) {
  return { ...mask, data: mask.data.map((x) => (x ? 0 : 1)) };
}

/** The corners of a patch that is a sheet, x and y of each; else null. */
function sheetOf(patch, coarse) {
  const corners = cornersOf(patch);
  const area = areaOf(corners);
  const [low, high] = SHARES;
  if (area < low * patch.data.length || area > high * patch.data.length) return null;
  const inside = polygon(corners, patch.width, patch.height);
  const common = countOf(inside.data.filter((x, k) => x && patch.data[k]));
  if (common < FILLED * Math.max(countOf(inside.data), countOf(patch.data), 1)) return null;
  const edge = boxMax(inverted(inside), 2).data;
  const near = boxMax(inside, 2).data;
  const wide = boxMax(inside, 5).data;
  const core = coarse.data.filter((_, k) => !edge[k]);
  const around = coarse.data.filter((_, k) => wide[k] && !near[k]);
  if (core.length < 50 || around.length < 20) return null;
  const tone = median(core);
  const step = Math.abs(tone - median(around));
  const least = f(Math.max(0.5 * MIN_STEP, 0.25 * step));
  const share = core.filter((x) => Math.abs(f(x - tone)) > least).length / core.length;
  return step >= MIN_STEP && INK[0] <= share && share <= INK[1] ? corners : null;
}

/** The four-cornered outline of largest area: the farthest points, and the farthest from their diagonal. */
function cornersOf(patch) {
  const hull = hullOf(patch);
  let [most, a, c] = [-1, 0, 0];
  hull.forEach((one, i) => {
    hull.forEach((other, j) => {
      const apart = (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2;
      if (apart > most) [most, a, c] = [apart, i, j];
    });
  });
  const [start, end] = [hull[a], hull[c]];
  const along = [end[0] - start[0], end[1] - start[1]];
  const side = hull.map(([x, y]) => along[0] * (y - start[1]) - along[1] * (x - start[0]));
  const [one, other] = [Math.min(...side), Math.max(...side)].map((x) => hull[side.indexOf(x)]);
  return [start, one, end, other];
}

/** The farthest points in 64 directions, in the order of x and then of y. */
function hullOf({ width, height, data }) {
  const most = new Float64Array(HULL_SINES.length).fill(-Infinity);
  const points = HULL_SINES.map(() => [0, 0]);
  for (let y = 0; y < height; y++) {
    const ends = [data.indexOf(1, y * width) - y * width, data.lastIndexOf(1, (y + 1) * width - 1) - y * width];
    if (ends[0] < 0 || ends[0] >= width) continue;
    for (let k = 0; k < most.length; k++) {
      const level = Math.abs(HULL_COSINES[k]) < 1e-9; // then roundings decide between a row's pixels
      const columns = level ? columnsOf(data.subarray(y * width, (y + 1) * width)) : ends;
      for (const x of columns) {
        const reach = x * HULL_COSINES[k] + y * HULL_SINES[k];
        if (reach <= most[k]) continue;
        most[k] = reach;
        points[k] = [x, y];
      }
    }
  }
  const ordered = points.sort((p, q) => p[0] - q[0] || p[1] - q[1]);
  return ordered.filter((p, k) => !k || p[0] !== ordered[k - 1][0] || p[1] !== ordered[k - 1][1]);
}

/** Where a row is not 0. */
function columnsOf(row) {
  const columns = [];
  for (let x = 0; x < row.length; x++) if (row[x]) columns.push(x);
  return columns;
}

function areaOf(corners) {
  let [one, other] = [0, 0];
  corners.forEach(([x, y], k) => {
    const next = corners[(k + 1) % corners.length];
    one += x * next[1];
    other += y * next[0];
  });
  return 0.5 * Math.abs(one - other);
}

/** Cut the sheet out, in its corners its own tone as it is nearest. */
function alone(grey, coarse, corners, factor) {
  const middle = [0, 1].map((axis) => (corners[0][axis] + corners[1][axis] + corners[2][axis] + corners[3][axis]) / 4);
  const shrink = 1 - 2 * EDGE;
  const inner = corners.map((corner) => corner.map((x, axis) => middle[axis] + (x - middle[axis]) * shrink));
  const tones = resize(toneAround(coarse, inner), grey.width, grey.height, "bilinear").data;
  const enlarged = inner.map((corner) => corner.map((x) => (x + 0.5) * factor - 0.5));
  const whole = polygon(enlarged, grey.width, grey.height);
  const bounds = boundsOf(whole, 0);
  const data = grey.data.map((shade, at) => (whole.data[at] ? shade : clip(rint(tones[at]), 0, 255)));
  return { grey: crop({ ...grey, data }, bounds), corner: [bounds.top, bounds.left] };
}

/** The sheet's tone everywhere: that of the nearest part of it. */
function toneAround(coarse, inner) {
  const inside = polygon(inner, coarse.width, coarse.height);
  const weight = plane(coarse.width, coarse.height);
  const tone = plane(coarse.width, coarse.height);
  weight.data.set(inside.data);
  for (let k = 0; k < tone.data.length; k++) tone.data[k] = inside.data[k] ? coarse.data[k] : 0;
  const around = plane(coarse.width, coarse.height);
  around.data.fill(median(coarse.data.filter((_, k) => inside.data[k])));
  const [seen, least] = [f(0.05), f(1e-6)];
  for (const radius of [32, 16, 8, 4]) {
    const near = boxMean(weight, radius).data;
    const tones = boxMean(tone, radius).data;
    near.forEach((x, k) => {
      if (x > seen) around.data[k] = tones[k] / Math.max(x, least);
    });
  }
  return around;
}
