// Pillow 13's filled polygon, Draw.c, of four corners in mode 1.

import { plane } from "./arrays.mjs";

const f = Math.fround;

/** A side as Pillow keeps it; `slope` is float32. */
function edge(x0, y0, x1, y1) {
  const slope = y0 === y1 ? 0 : f(f(x1 - x0) / f(y1 - y0));
  const [xMin, xMax] = [Math.min(x0, x1), Math.max(x0, x1)];
  return { x0, y0, slope, xMin, xMax, yMin: Math.min(y0, y1), yMax: Math.max(y0, y1) };
}

/** The sides; level ones that go on in the same direction are one. */
function edgesOf(points) {
  const edges = [];
  for (let k = 0; k < points.length - 1; k++) {
    const [[x0, y0], [x1, y1]] = [points[k], points[k + 1]];
    const before = k ? points[k - 1] : null;
    if (before && y0 === y1 && y0 === before[1]) {
      const last = edges[edges.length - 1];
      if (x1 > x0 && x0 > before[0]) {
        last.xMax = x1;
        continue;
      }
      if (x1 < x0 && x0 < before[0]) {
        last.xMin = x1;
        continue;
      }
    }
    edges.push(edge(x0, y0, x1, y1));
  }
  const [first, last] = [points[0], points[points.length - 1]];
  if (last[0] !== first[0] || last[1] !== first[1]) edges.push(edge(last[0], last[1], first[0], first[1]));
  return edges;
}

/** Where a side is in a row, float32. */
function across(side, row) {
  return f(f((row - side.y0) * side.slope) + side.x0);
}

/** C's roundf: halves away from 0. */
function roundAway(x) {
  return Math.sign(x) * Math.floor(Math.abs(x) + 0.5);
}

function roundUp(x) {
  return x >= 0 ? Math.floor(f(x + 0.5)) : -Math.floor(Math.abs(x) + 0.5);
}

function roundDown(x) {
  return x >= 0 ? Math.ceil(f(x - 0.5)) : -Math.ceil(Math.abs(x) - 0.5);
}

/** Draw a corner of two sides no longer than the next row's ends: where `x` is then. */
function connected(x, side, earlier, row) {
  for (const other of earlier) {
    if ((row !== other.yMin && row !== other.yMax) || other.slope === 0) continue;
    if (roundAway(x) !== roundAway(across(other, row))) continue;
    const next = row + (row === side.yMax ? -1 : 1);
    if (next < other.yMin || next > other.yMax) continue;
    const [one, two] = [across(side, next), across(other, next)];
    if (x > f(one + 1) && x > f(two + 1)) return f(roundAway(Math.max(one, two)) + 1);
    if (x < f(one - 1) && x < f(two - 1)) return f(roundAway(Math.min(one, two)) - 1);
    return x;
  }
  return x;
}

/** Where the sides cross a row, from left to right. */
function crossings(sides, row, bottom) {
  const found = [];
  sides.forEach((side, k) => {
    if (row < side.yMin || row > side.yMax) return;
    const x = across(side, row);
    if (row === side.yMax && row < bottom) found.push(x, x);
    else if ((row === side.yMin || row === side.yMax) && side.slope !== 0) {
      found.push(connected(x, side, sides.slice(0, k), row));
    } else found.push(x);
  });
  return found.sort((a, b) => a - b);
}

function fillRow(drawn, row, start, end) {
  if (row < 0 || row >= drawn.height || start >= drawn.width || end < 0) return;
  const from = Math.max(0, start);
  const to = Math.min(drawn.width - 1, end);
  if (from <= to) drawn.data.fill(1, row * drawn.width + from, row * drawn.width + to + 1);
}

/**
 * Draw a filled polygon.
 * @param {number[][]} corners x and y of each; fractions are cut off
 * @returns {Plane} uint8, 1 inside
 */
export function polygon(corners, width, height) {
  const drawn = plane(width, height, Uint8Array);
  const edges = edgesOf(corners.map(([x, y]) => [Math.trunc(x), Math.trunc(y)]));
  const sides = edges.filter((side) => side.yMin !== side.yMax);
  for (const side of edges) if (side.yMin === side.yMax) fillRow(drawn, side.yMin, side.xMin, side.xMax);
  const top = Math.max(0, Math.min(height - 1, ...edges.map((side) => side.yMin)));
  const bottom = Math.min(height, Math.max(0, ...edges.map((side) => side.yMax)));
  for (let row = top; row <= bottom; row++) {
    const found = crossings(sides, row, bottom);
    for (let k = 1; k < found.length; k += 2) fillRow(drawn, row, roundUp(found[k - 1]), roundDown(found[k]));
  }
  return drawn;
}
