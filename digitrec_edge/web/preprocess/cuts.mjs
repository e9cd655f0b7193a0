// Twin of digitrec_edge/preprocess/cuts.py.

import { interpolate, mean, pairwiseSum32, plane, rint } from "./arrays.mjs";
import { discMin } from "./filters.mjs";
import { strokeWidth } from "./normalise.mjs";
import { resize } from "./pillow.mjs";

const f = Math.fround;

/** Of height, at which cuts are looked for. */
const SEARCH_PX = 56;

/** Of the height: through each pixel of these rows a path is sought. */
const ROWS = [0.5, 0.25, 0.75];

/** What a step to the side costs, in pixels of ink at that height: winding cuts and straight ones. */
const SIDEWAYS = [0.2, 1, 4];

/** So many cuts at most, of each kind and row, for a width equal to the height. */
const CUTS_PER_HEIGHT = 6;

/** The mean distance of two cuts at that height; of nearer ones the one through less ink is kept. */
const APART_PX = 1.2;

/** Of the height: the width of a stroke. */
const STROKE = 0.1;

/** Of the strokes' mean width: a disc of this radius fits into two strokes that lie side by side, and into no one. */
const THICK = 0.6;

/** Of full strength: what a cut that goes through a stroke meets. */
const SOLID = 0.5;

/**
 * A path from top to bottom: its column in each row, the ink of strokes that it goes through, in their widths, how many
 * strokes it goes through, and the ink between strokes that lie side by side, in widths of a stroke.
 * @typedef {{columns: Float64Array, crossed: number, strokes: number, beside: number}} Cut
 */

/**
 * Find the cuts through a shape, from left to right.
 * @param {Plane} strength float32, 0 background to 1 full foreground
 * @returns {Cut[]}
 */
export function findCuts(strength) {
  const { width, height } = strength;
  const scale = Math.min(1, SEARCH_PX / height);
  const size = [width, height].map((side) => Math.max(4, rint(side * scale)));
  const small = resize(strength, size[0], size[1], "box");
  const most = Math.max(3, Math.trunc((CUTS_PER_HEIGHT * width) / height));
  const thick = discMin(small, Math.max(1, rint(THICK * strokeWidth(small))));
  const parted = { ...small, data: small.data.map((ink, k) => ink - thick.data[k]) };
  const found = [parted, small].flatMap((ink) => SIDEWAYS.flatMap((sideways) => pathsOf(ink, sideways, most)));
  const rows = Float64Array.from({ length: height }, (_, y) => ((y + 0.5) * small.height) / height - 0.5);
  const here = Float64Array.from({ length: small.height }, (_, y) => y);
  return apart(found).map((path) => {
    const [ink, all] = [parted, small].map(({ data }) => Float32Array.from(path, (x, y) => data[y * small.width + x]));
    const strokes = ink.filter((x, y) => x > SOLID && !(y && ink[y - 1] > SOLID)).length;
    const columns = interpolate(rows, here, path).map((x) => ((x + 0.5) * width) / small.width);
    const [crossed, met] = [ink, all].map((pixels) => pairwiseSum32(pixels) / (STROKE * small.height));
    return { columns, crossed, strokes, beside: met - crossed };
  });
}

/** The cheapest paths from top to bottom through columns that are better than others, with what they cost. */
function pathsOf(small, sideways, most) {
  const { width, height } = small;
  const down = leastInk(small, sideways);
  const up = leastInk(upsideDown(small), sideways);
  return ROWS.flatMap((share) => {
    const row = Math.trunc(share * height);
    const above = height - 1 - row;
    const total = new Float32Array(width);
    for (let x = 0; x < width; x++) {
      const both = f(down.total.data[row * width + x] + up.total.data[above * width + x]);
      total[x] = both - small.data[row * width + x];
    }
    return lowest(total, most).map((x) => {
      const below = trace(up.steps, above, x).slice(0, -1).reverse();
      return { cost: total[x], path: Int32Array.from([...trace(down.steps, row, x), ...below]) };
    });
  });
}

function upsideDown({ width, height, data }) {
  const turned = plane(width, height);
  for (let y = 0; y < height; y++) turned.data.set(data.subarray(y * width, (y + 1) * width), (height - 1 - y) * width);
  return turned;
}

/** Drop paths that are nearly the same as a cheaper one; the others from left to right. */
function apart(paths) {
  const kept = [];
  for (const { path } of paths.sort((a, b) => a.cost - b.cost)) {
    if (kept.every((other) => mean(path.map((x, y) => Math.abs(x - other[y]))) >= APART_PX)) kept.push(path);
  }
  return kept.sort((a, b) => mean(a) - mean(b));
}

/** The least ink from the top to every pixel, and the step from the row above that it came by. */
function leastInk(small, sideways) {
  const { width, height } = small;
  const total = { ...small, data: small.data.slice() };
  const steps = plane(width, height, Int8Array);
  const more = f(sideways);
  for (let y = 1; y < height; y++) {
    const above = total.data.subarray((y - 1) * width, y * width);
    for (let x = 0; x < width; x++) {
      let [least, step] = [above[x], 0];
      if (x > 0 && f(above[x - 1] + more) < least) [least, step] = [f(above[x - 1] + more), -1];
      if (x < width - 1 && f(above[x + 1] + more) < least) [least, step] = [f(above[x + 1] + more), 1];
      total.data[y * width + x] += least;
      steps.data[y * width + x] = step;
    }
  }
  return { total, steps };
}

/** The columns of the path from the top to a pixel. */
function trace(steps, row, column) {
  const path = [column];
  for (let y = row, x = column; y > 0; y--) {
    x += steps.data[y * steps.width + x];
    path.push(x);
  }
  return path.reverse();
}

/** The columns of up to `most` local minima, from left to right. */
function lowest(total, most) {
  const inside = [];
  for (let k = 2; k < total.length - 2; k++) if (total[k] <= total[k - 1] && total[k] < total[k + 1]) inside.push(k);
  const chosen = inside.sort((a, b) => total[a] - total[b]).slice(0, most);
  return chosen.sort((a, b) => a - b);
}
