// Twin of digitrec_edge/preprocess/segmentation.py.

import { crop, pairwiseSum32, plane } from "./arrays.mjs";
import { boundsOf, boxOf, heightOf, union, widthOf } from "./components.mjs";
import { PictureError } from "./errors.mjs";
import { boxMax } from "./filters.mjs";

const f = Math.fround;

const MIN_HEIGHT_PX = 5;

/** Width by height; a wider group is a line or several digits that touch. */
export const MAX_ASPECT = 2.5;

/** Width by height and height of digits that touch; a lower group is a line. */
const MAX_TOUCHING_ASPECT = 5;
const MIN_TOUCHING_PX = 16;

/** Of full strength; a component must reach it somewhere. */
const SEED_STRENGTH = 0.5;

/** Mean strength within the box, of groups that are not slender: a filled box is no digit. */
const MAX_SOLIDITY = 0.92;

/** Lower groups may be digits too coarse to have holes. */
const MIN_SOLID_PX = 16;

/** Width by height of a group that may be a 1. */
const SLENDER = 0.5;

/** Of the largest component's area; smaller ones are noise. */
const MIN_RELATIVE_AREA = 0.01;

/** Of the tallest group's height and of the heaviest one's mass; less is noise, a point or a comma. */
const MIN_RELATIVE_HEIGHT = 0.35;
const MIN_RELATIVE_MASS = 0.12;

/** More than this are a texture or a page of text. */
const MAX_DIGITS = 64;

/**
 * One digit in a picture at working size: its bounds and its own foreground alone, float32, cut there.
 * @typedef {{box: Box, strength: Plane}} Region
 */

/** Whether a region is too wide to be one digit; it may be several that touch. */
export function isWide({ box }) {
  return widthOf(box) > MAX_ASPECT * heightOf(box);
}

/**
 * Find every digit, and what may be several that touch, in reading order: line by line, left to right.
 * @param {Foreground} foreground
 * @param {{labels: Plane, components: Component[]}} parts of its mask
 * @returns {Region[]}
 * @throws {PictureError} there is nothing like a digit
 */
export function findDigits(foreground, { labels, components }) {
  const joinedGroups = withoutSmall(joined(withoutNoise(labels, components, foreground)));
  const groups = joinedGroups.filter((group) => isDigitLike(group, foreground));
  if (!groups.length) throw new PictureError("no digit found: nothing has a digit's shape");
  if (groups.length > MAX_DIGITS) {
    throw new PictureError(
      `no digit found: ${groups.length} shapes are a texture or a text, not up to ${MAX_DIGITS} digits`,
    );
  }
  return inReadingOrder(groups).map((group) => cut(group, labels, foreground));
}

/** Components that belong together; `mass` is the sum of their strength. */
function join(one, other) {
  return { box: union(one.box, other.box), labels: [...one.labels, ...other.labels], mass: one.mass + other.mass };
}

/** Drop components that are faint all over or tiny and, on an uneven background, those that touch the border. */
function withoutNoise(labels, components, foreground) {
  const { mask, strength } = foreground;
  const mass = new Float64Array(components.length + 1);
  const strongest = new Float32Array(components.length + 1);
  for (let k = 0; k < mask.data.length; k++) {
    if (!mask.data[k]) continue;
    const [label, weight] = [labels.data[k], strength.data[k]];
    mass[label] += weight;
    if (weight > strongest[label]) strongest[label] = weight;
  }
  let kept = components.filter((c) => strongest[c.label] >= SEED_STRENGTH);
  if (!foreground.even) {
    const inside = kept.filter(
      ({ box }) => box.top > 0 && box.left > 0 && box.bottom < mask.height && box.right < mask.width,
    );
    if (inside.some((c) => heightOf(c.box) >= MIN_HEIGHT_PX)) kept = inside;
  }
  const minArea = MIN_RELATIVE_AREA * kept.reduce((most, c) => Math.max(most, c.area), 0);
  const groups = kept
    .filter((c) => c.area >= minArea)
    .map((c) => ({ box: c.box, labels: [c.label], mass: mass[c.label] }));
  return groups.slice(0, 8 * MAX_DIGITS);
}

/** Join the strokes of one digit: one above the other and near, or a fragment beside its digit. */
function joined(parts) {
  const groups = [];
  for (const part of parts) {
    let merged = part;
    for (;;) {
      const near = groups.findIndex((group) => belongTogether(group, merged));
      if (near < 0) break;
      merged = join(groups.splice(near, 1)[0], merged);
    }
    groups.push(merged);
  }
  return groups;
}

function belongTogether(one, other) {
  const [a, b] = [one.box, other.box];
  const overlap = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const across = Math.max(0, -overlap);
  const down = Math.max(0, Math.max(a.top, b.top) - Math.min(a.bottom, b.bottom));
  const taller = Math.max(heightOf(a), heightOf(b));
  const lower = Math.min(heightOf(a), heightOf(b));
  const narrower = Math.min(widthOf(a), widthOf(b));
  const fragment = lower <= 0.5 * taller;
  if (overlap >= 0.25 * narrower && down === 0 && lower <= 0.7 * taller) return true; // as the parts of a broken 6 do
  if (overlap >= (fragment ? 0.4 : 0.7) * narrower) return down <= Math.max(2, 0.2 * taller);
  const smaller = heightOf(b) < heightOf(a) ? b : a;
  const stroke = Math.max(heightOf(smaller), widthOf(smaller)) >= 0.3 * taller; // else a point or noise
  const reach = Math.max(2, (stroke ? 0.2 : 0.1) * taller);
  return fragment && across <= reach && down <= reach;
}

function withoutSmall(groups) {
  let [tallest, heaviest] = [0, 0];
  for (const { box, mass } of groups) {
    if (widthOf(box) <= MAX_ASPECT * heightOf(box)) tallest = Math.max(tallest, heightOf(box));
    heaviest = Math.max(heaviest, mass);
  }
  return groups.filter(
    ({ box, mass }) => heightOf(box) >= MIN_RELATIVE_HEIGHT * tallest && mass >= MIN_RELATIVE_MASS * heaviest,
  );
}

function isDigitLike({ box }, foreground) {
  const [height, width] = [heightOf(box), widthOf(box)];
  if (height < MIN_HEIGHT_PX || width > MAX_TOUCHING_ASPECT * height) return false;
  if (width > MAX_ASPECT * height && height < MIN_TOUCHING_PX) return false;
  if (width <= SLENDER * height || height < MIN_SOLID_PX) return true;
  const inside = crop(foreground.strength, box).data;
  return f(pairwiseSum32(inside) / inside.length) <= MAX_SOLIDITY;
}

/** Lines from top to bottom: a digit is on a line when its middle lies within the line's height. */
function inReadingOrder(groups) {
  const lines = [];
  const down = [...groups].sort((a, b) => a.box.top + a.box.bottom - (b.box.top + b.box.bottom));
  for (const group of down) {
    const middle = (group.box.top + group.box.bottom) / 2;
    const line = lines[lines.length - 1];
    if (line && line.box.top <= middle && middle < line.box.bottom) {
      line.box = union(line.box, group.box);
      line.groups.push(group);
    } else lines.push({ box: group.box, groups: [group] });
  }
  return lines.flatMap((line) => line.groups.sort((a, b) => a.box.left - b.box.left));
}

/** Cut a digit out, without its neighbours; the soft edge of its strokes stays. */
function cut(group, labels, foreground) {
  const { width, height } = labels;
  const margin = Math.max(height, width) <= 64 ? 1 : 2;
  const box = boxOf(
    Math.max(0, group.box.top - margin),
    Math.max(0, group.box.left - margin),
    Math.min(height, group.box.bottom + margin),
    Math.min(width, group.box.right + margin),
  );
  const near = crop(labels, box);
  const strength = crop(foreground.strength, box);
  const own = plane(near.width, near.height, Uint8Array);
  for (let k = 0; k < own.data.length; k++) own.data[k] = group.labels.includes(near.data[k]) ? 1 : 0;
  const reach = foreground.clean ? null : boxMax(own, margin).data;
  for (let k = 0; k < own.data.length; k++) {
    if (reach ? !reach[k] : near.data[k] > 0 && !own.data[k]) strength.data[k] = 0;
  }
  return tight(strength, f(foreground.threshold), box);
}

/** Cut off what is not above the threshold; `box` is the strength's. */
function tight(strength, threshold, box) {
  const bounds = boundsOf(strength, threshold);
  const { top, left, bottom, right } = bounds;
  return {
    box: boxOf(box.top + top, box.left + left, box.top + bottom, box.left + right),
    strength: crop(strength, bounds),
  };
}
