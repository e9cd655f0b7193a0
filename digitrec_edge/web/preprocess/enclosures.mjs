// Twin of digitrec_edge/preprocess/enclosures.py.

import { plane, rint } from "./arrays.mjs";
import { cutOf, heightOf, widthOf } from "./components.mjs";
import { boxMax } from "./filters.mjs";
import { strokeWidth } from "./normalise.mjs";
import { RAY_COSINES, RAY_SINES } from "./tables.mjs";

const MIN_SIDE_PX = 24;

/** Of the enclosing line's height; lower things inside are noise, or a part of a broken digit. */
const MIN_INSIDE = 0.33;

/** Of the enclosing line's shorter side; a thicker line leaves no room for a digit. */
const MAX_STROKE = 0.14;

/** How thick the strokes inside may be, of the enclosing line's. */
const STROKES = [0.5, 8];

/** Twice as many as digits may lie within something; more are a texture. */
const MAX_PAIRS = 128;

/** So many of the rays from what is inside must meet the line; a pen leaves a gap where it began. */
const MIN_MET = 20;

/**
 * Take lines around digits out of a foreground.
 * @param {Foreground} foreground
 * @param {{labels: Plane, components: Component[]}} parts of its mask
 * @returns {Foreground|null} null when there are none
 */
export function withoutEnclosures(foreground, { labels, components }) {
  const enclosing = nested(components).filter(({ one, inside }) => encloses(one, inside, labels));
  const around = enclosing.map(({ one }) => one.label);
  if (!around.length) return null;
  const taken = { ...labels, data: Uint8Array.from(labels.data, (label) => (around.includes(label) ? 1 : 0)) };
  const edge = foreground.clean ? taken : boxMax(taken, 2);
  const strength = plane(labels.width, labels.height);
  const mask = plane(labels.width, labels.height, Uint8Array);
  for (let k = 0; k < mask.data.length; k++) {
    const out = edge.data[k] && (taken.data[k] || labels.data[k] === 0);
    strength.data[k] = out ? 0 : foreground.strength.data[k];
    mask.data[k] = foreground.mask.data[k] && !taken.data[k] ? 1 : 0;
  }
  return { ...foreground, strength, mask };
}

/** The components that others lie in, each with those; none where there are too many. */
function nested(components) {
  const high = components.filter((c) => heightOf(c.box) >= MIN_INSIDE * MIN_SIDE_PX);
  const found = [];
  let pairs = 0;
  for (const one of high) {
    if (Math.min(heightOf(one.box), widthOf(one.box)) < MIN_SIDE_PX) continue;
    const inside = high.filter((c) => isWithin(c, one));
    if (inside.length) found.push({ one, inside });
    pairs += inside.length;
    if (pairs > MAX_PAIRS) return [];
  }
  return found;
}

function encloses(one, inside, labels) {
  const around = cutOf(one, labels);
  const stroke = strokeWidth(around);
  if (stroke > MAX_STROKE * Math.min(around.height, around.width)) return false;
  const thick = boxMax(around, 1);
  const [low, high] = STROKES;
  return inside.some((c) => {
    const own = strokeWidth(cutOf(c, labels));
    return low * stroke <= own && own <= high * stroke && isSurrounded(c, one, thick);
  });
}

function isWithin(inner, outer) {
  const [a, b] = [inner.box, outer.box];
  const within = a.top > b.top && a.left > b.left && a.bottom < b.bottom && a.right < b.right;
  return within && heightOf(a) >= MIN_INSIDE * Math.min(heightOf(b), widthOf(b));
}

/** Whether rays from the middle of what is inside meet the line, nearly all of them. */
function isSurrounded(inner, outer, thick) {
  const row = (inner.box.top + inner.box.bottom) / 2 - outer.box.top;
  const column = (inner.box.left + inner.box.right) / 2 - outer.box.left;
  const reach = Math.ceil(Math.sqrt(thick.height ** 2 + thick.width ** 2));
  const met = RAY_SINES.filter((sine, k) => meets(thick, row, column, sine, RAY_COSINES[k], reach));
  return met.length >= MIN_MET;
}

/** Whether one of the first pixels along a ray is marked. */
function meets({ width, height, data }, row, column, sine, cosine, reach) {
  for (let step = 0; step < reach; step++) {
    const [y, x] = [rint(row + sine * step), rint(column + cosine * step)];
    if (y >= 0 && y < height && x >= 0 && x < width && data[y * width + x]) return true;
  }
  return false;
}
