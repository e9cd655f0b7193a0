// Twin of digitrec_edge/preprocess/edges.py.

import { mean, percentile } from "./arrays.mjs";
import { missingLines } from "./cells.mjs";
import { Line } from "./lines.mjs";

/** The tangent of 6 degrees: how far from square to the longest level line an upright one may be. */
const SKEW = 0.105;

/** Of another line's thickness; where two boxes meet the line between them is double. */
const DOUBLE = 2.3;

/** Of the longer edges' length; shorter ones are strokes of the pen, as the edges of a row are alike. */
const SHORTER = 0.75;

/**
 * Tell the upright lines that stand on level ones from a digit's strokes, and add those that the pen hides.
 * @param {Plane} own uint8, the ink
 * @param {Line[]} levelFound level lines in it
 * @param {Line[]} uprightFound upright ones, as lines of the transposed ink
 * @returns {Line[][]} both kinds, where the pen runs along them as thin as the others
 */
export function findEdges(own, levelFound, uprightFound) {
  const met = uprightFound.filter((line) => levelFound.some((other) => meet(line, other)));
  const square = met.filter((line) => isSquare(line, levelFound));
  const [level, upright] = alike(levelFound, square);
  const edges = long(upright.filter((line) => isEdge(line, level, upright)));
  return [level, [...edges, ...missingLines(own, level, edges)]];
}

/** The edges that are about as long as the longer ones; three quarters are no longer than those. */
function long(edges) {
  if (!edges.length) return edges;
  const longer = percentile(Float64Array.from(edges, (line) => line.length), 75);
  return edges.filter((line) => line.length >= SHORTER * longer);
}

/** Give lines that seem thicker than the thin ones, as the pen runs along them, the thickness of those. */
function alike(...kinds) {
  const all = kinds.flat().map((line) => line.thickness);
  const most = all.length ? 1.5 * percentile(Float64Array.from(all), 25) + 1 : 0;
  return kinds.map((lines) => lines.map((x) => new Line(x.start, x.centre, Math.min(x.thickness, most))));
}

function isSquare(upright, level) {
  const longest = level.reduce((most, line) => (most.length >= line.length ? most : line));
  return Math.abs(upright.slope + longest.slope) <= SKEW;
}

/** Whether an upright line crosses a level one, or nearly reaches it. */
export function meet(upright, level) {
  const column = mean(upright.centre);
  const row = level.at(column);
  const reach = 2 * level.thickness + 0.05 * Math.min(upright.length, level.length) + 3;
  const reached = (place, line) => line.start - reach <= place && place <= line.end + reach;
  return reached(row, upright) && reached(column, level);
}

function isCorner(upright, level) {
  const column = upright.at(mean(level.centre));
  const reach = 0.06 * level.length + 2 * upright.thickness;
  return meet(upright, level) && Math.min(Math.abs(column - level.start), Math.abs(column - level.end)) <= reach;
}

/** At the end of a level line; or between such ones and as long as they are; or across two level lines. */
function isEdge(line, level, upright) {
  if (level.some((other) => isCorner(line, other))) return true;
  const across = level.filter((other) => meet(line, other) && line.thickness <= DOUBLE * other.thickness);
  if (across.length >= 2) return true;
  const corners = upright.filter((other) => level.some((base) => isCorner(other, base)));
  return corners.some(
    (other) =>
      Math.abs(line.length - other.length) <= 0.12 * other.length && line.thickness <= DOUBLE * other.thickness,
  );
}
