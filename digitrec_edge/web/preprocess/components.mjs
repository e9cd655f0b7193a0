// Twin of digitrec_edge/preprocess/components.py.

import { plane } from "./arrays.mjs";

/**
 * Half-open bounds in pixels.
 * @typedef {{top: number, left: number, bottom: number, right: number}} Box
 */

/**
 * Connected pixels: their number in the label picture, bounds and count.
 * @typedef {{label: number, box: Box, area: number}} Component
 */

/** @returns {Box} */
export function boxOf(top, left, bottom, right) {
  return { top, left, bottom, right };
}

/** @param {Box} box */
export function heightOf(box) {
  return box.bottom - box.top;
}

/** @param {Box} box */
export function widthOf(box) {
  return box.right - box.left;
}

/** @returns {Box} the smallest one around both */
export function union(one, other) {
  return boxOf(
    Math.min(one.top, other.top),
    Math.min(one.left, other.left),
    Math.max(one.bottom, other.bottom),
    Math.max(one.right, other.right),
  );
}

/** @returns {Box} the smallest one around what is above a level, an empty one where nothing is */
export function boundsOf({ width, height, data }, level) {
  const bounds = boxOf(height, width, 0, 0);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!(data[at++] > level)) continue;
      bounds.top = Math.min(bounds.top, y);
      bounds.left = Math.min(bounds.left, x);
      bounds.bottom = y + 1;
      bounds.right = Math.max(bounds.right, x + 1);
    }
  }
  return bounds.bottom ? bounds : boxOf(0, 0, 0, 0);
}

/**
 * The pixels of a component, cut at its bounds.
 * @param {Component} component
 * @param {Plane} labels int32, that it was found with
 * @returns {Plane} uint8
 */
export function cutOf({ label, box }, labels) {
  const own = plane(widthOf(box), heightOf(box), Uint8Array);
  for (let row = box.top, to = 0; row < box.bottom; row++) {
    const start = row * labels.width;
    for (let at = start + box.left; at < start + box.right; at++) own.data[to++] = labels.data[at] === label ? 1 : 0;
  }
  return own;
}

/**
 * Label the 8-connected components of a mask.
 * @param {Plane} mask uint8, not 0 where it holds
 * @returns {{labels: Plane, components: Component[]}} int32 labels, 0 where it does not, and the largest first
 */
export function findComponents(mask) {
  const runs = runsOf(mask);
  const parents = touching(runs, mask.height);
  const numbers = new Int32Array(runs.count);
  const labels = plane(mask.width, mask.height, Int32Array);
  const components = [];
  for (let run = 0; run < runs.count; run++) {
    const root = rootOf(parents, run);
    if (root === run) {
      numbers[run] = components.length + 1;
      components.push({ label: numbers[run], box: boxOf(runs.rows[run], mask.width, 0, 0), area: 0 });
    }
    numbers[run] = numbers[root];
    const [row, start, end] = [runs.rows[run], runs.starts[run], runs.ends[run]];
    labels.data.fill(numbers[run], row * mask.width + start, row * mask.width + end);
    const component = components[numbers[run] - 1];
    const box = component.box;
    component.area += end - start;
    box.bottom = row + 1;
    if (start < box.left) box.left = start;
    if (end > box.right) box.right = end;
  }
  return { labels, components: components.sort((a, b) => b.area - a.area) };
}

/** Runs of pixels along rows: each one's row, start and end; `firstOf` is the first run of each row. */
function runsOf({ width, height, data }) {
  const most = countRuns(data) + height; // a run may go on in the next row
  const [rows, starts, ends] = [new Int32Array(most), new Int32Array(most), new Int32Array(most)];
  const firstOf = new Int32Array(height + 1);
  let count = 0;
  for (let row = 0; row < height; row++) {
    firstOf[row] = count;
    const end = (row + 1) * width;
    for (let at = row * width; at < end; at++) {
      if (!data[at]) continue;
      rows[count] = row;
      starts[count] = at - row * width;
      while (at < end && data[at]) at++;
      ends[count++] = at - row * width;
    }
  }
  firstOf[height] = count;
  return { rows, starts, ends, firstOf, count };
}

function countRuns(data) {
  let count = 0;
  for (let at = 0, before = 0; at < data.length; at++) {
    const here = data[at] ? 1 : 0;
    count += here & (before ^ 1);
    before = here;
  }
  return count;
}

/** Join runs in neighbouring rows that touch, also by a corner; a root is the smallest run of its set. */
function touching({ starts, ends, firstOf, count }, height) {
  const parents = new Int32Array(count);
  for (let run = 0; run < count; run++) parents[run] = run;
  for (let row = 1; row < height; row++) {
    let above = firstOf[row - 1];
    for (let run = firstOf[row]; run < firstOf[row + 1]; run++) {
      while (above < firstOf[row] && ends[above] < starts[run]) above++;
      for (let k = above; k < firstOf[row] && starts[k] <= ends[run]; k++) join(parents, k, run);
    }
  }
  return parents;
}

function join(parents, one, other) {
  const [a, b] = [rootOf(parents, one), rootOf(parents, other)];
  if (a !== b) parents[Math.max(a, b)] = Math.min(a, b);
}

function rootOf(parents, run) {
  while (parents[run] !== run) {
    parents[run] = parents[parents[run]];
    run = parents[run];
  }
  return run;
}
