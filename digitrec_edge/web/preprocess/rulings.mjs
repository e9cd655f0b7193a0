// Twin of digitrec_edge/preprocess/rulings.py.

import { clip, countOf, crop, medianOf, plane, rint, transpose } from "./arrays.mjs";
import { cutOf, findComponents, heightOf, widthOf } from "./components.mjs";
import { findDashedLines } from "./dashes.mjs";
import { findEdges, meet } from "./edges.mjs";
import { boxMax, boxMean } from "./filters.mjs";
import { above } from "./foreground.mjs";
import { findLines } from "./lines.mjs";
import { strokeWidth } from "./normalise.mjs";

/** Stroke width by the longer side; handwriting is mostly thicker. */
const THIN = 0.1;

/** Of the picture's foreground's longest side; shorter components are no frames. */
const MIN_SHARE = 0.25;

const MIN_SIDE_PX = 24;

/** Twice as many as digits may be thin, and their bounds may cover so many times the picture; more are a texture. */
const MAX_SUSPECTS = 128;
const MAX_COVERED = 16;

/** Of the threshold of the foreground; a thin line is weaker than a pen's stroke. */
const FAINT = 0.5;

/** So far from a stroke faint ink may be its edge. */
const EDGE_PX = 2;

/** Of the digit's height; no level stroke of a digit is so long. */
const LONG = 1.15;

/** Of the digit's height; a level line that is so long is print, as thick as it may be. */
const WHOLE_ROW = 2.5;

/** Of the row's width; a level line that is pieced together is as long, and what is left of a row of them. */
const WHOLE = 0.7;

/** Of the height of what may be lines: between the pieces of a level or an upright line that is too faint. */
const LEVEL_GAP = 0.4;
const UPRIGHT_GAP = 0.1;

/** Of the same; what is higher is more than one row. */
const ROW = 3;

/** Of the digit's height; a line that others meet at both ends is as long, or one of those is. */
const FRAMING = 0.85;

/** Of the pen's stroke. */
const PRINT = 0.8;

/** So many lines either way are squared paper, of which a digit is a small part. */
const SQUARED = 4;

/** Of a frame's longer side; what is left must be as high to be a digit. */
const MIN_REST = 0.05;

/** Of a component's width and height; shorter lines are no edges, and no teeth of a comb. */
const LEVEL = 0.45;
const TOOTH = 0.2;

/**
 * Take rulings out of a foreground.
 * @param {Foreground} foreground
 * @param {{labels: Plane, components: Component[]}} parts of its mask
 * @returns {Foreground|null} null when there are none
 */
export function withoutRulings(foreground, parts) {
  let { labels, components } = parts;
  let thin = anyThin(labels, components);
  if (!foreground.clean) {
    const least = FAINT * foreground.threshold;
    if (!thin && !isMore(above(foreground.strength, least), labels)) return null;
    const faint = above(boxMean(foreground.strength, 1), least);
    ({ labels, components } = findComponents(faint));
    thin ||= anyThin(labels, components);
  }
  if (!thin) return null;
  const taken = plane(labels.width, labels.height, Uint8Array);
  let suspects = suspectsOf(labels, components);
  let box = null;
  if (suspects.length > 1) {
    const rows = around(suspects);
    box = around(components.filter((c) => c.box.top < rows.bottom && c.box.bottom > rows.top));
    const highest = Math.max(...suspects.map((c) => heightOf(c.box)));
    const own = crop(labels, box);
    put(taken, dashedRulingsOf({ ...own, data: Uint8Array.from(own.data, (x) => (x > 0 ? 1 : 0)) }, highest), box);
  }
  if (countOf(taken.data)) {
    const left = Uint8Array.from(labels.data, (x, k) => (x > 0 && !taken.data[k] ? 1 : 0));
    ({ labels, components } = findComponents({ ...labels, data: left }));
    const least = WHOLE * widthOf(box);
    suspects = suspectsOf(labels, components).filter((c) => widthOf(c.box) >= least);
  }
  for (const suspect of suspects) {
    const others = components.reduce((most, c) => (c === suspect ? most : Math.max(most, heightOf(c.box))), 0);
    put(taken, rulingsOf(cutOf(suspect, labels), others), suspect.box);
  }
  return countOf(taken.data) ? takenOut(foreground, taken) : null;
}

/** Whether faint ink lies not only beside the other, as the edges of strokes do. */
function isMore(faint, labels) {
  const near = boxMax({ ...labels, data: Float32Array.from(labels.data, (x) => (x > 0 ? 1 : 0)) }, EDGE_PX);
  return faint.data.some((ink, k) => ink && !near.data[k]);
}

/** The bounds of several components. */
function around(components) {
  const bound = (pick, name) => components.reduce((most, { box }) => pick(most, box[name]), components[0].box[name]);
  return {
    top: bound(Math.min, "top"),
    bottom: bound(Math.max, "bottom"),
    left: bound(Math.min, "left"),
    right: bound(Math.max, "right"),
  };
}

/** Mark in `picture` what a part of it, with these bounds, marks. */
function put(picture, part, box) {
  for (let y = 0, from = 0; y < part.height; y++) {
    const start = (box.top + y) * picture.width + box.left;
    for (let x = 0; x < part.width; x++) picture.data[start + x] |= part.data[from++];
  }
}

function large(components) {
  const sides = components.map((c) => Math.max(heightOf(c.box), widthOf(c.box)));
  const least = Math.max(MIN_SIDE_PX, MIN_SHARE * sides.reduce((most, side) => Math.max(most, side), 0));
  return components.filter((_, k) => sides[k] >= least);
}

/** The components that may be rulings; none where there is too much of them. */
function suspectsOf(labels, components) {
  const suspects = [];
  let covered = 0;
  for (const one of large(components)) {
    if (!isThin(one, labels, 1.3 * THIN)) continue;
    covered += heightOf(one.box) * widthOf(one.box);
    if (suspects.push(one) > MAX_SUSPECTS || covered > MAX_COVERED * labels.data.length) return [];
  }
  return suspects;
}

function anyThin(labels, components) {
  return large(components).some((component) => isThin(component, labels));
}

function isThin(component, labels, thin = THIN) {
  const longer = Math.max(heightOf(component.box), widthOf(component.box));
  return strokeWidth(cutOf(component, labels)) <= thin * longer;
}

/**
 * The pixels of one component that are rulings.
 * @param {Plane} own uint8, the component, cut at its bounds
 * @param {number} othersPx the height of the highest component beside it
 * @returns {Plane} uint8
 */
function rulingsOf(own, othersPx) {
  const none = plane(own.width, own.height, Uint8Array);
  const levelFound = findLines(own, LEVEL * own.width);
  const upright = levelFound.length ? findLines(transpose(own), TOOTH * own.height) : [];
  const [level, edges] = findEdges(own, levelFound, upright);
  const [shorter, longer] = [Math.min(own.width, own.height), Math.max(own.width, own.height)];
  const [rest, restPx] = restOf(own, level, edges);
  const leftPx = Math.max(othersPx, restPx);
  const little = countOf(rest.data) <= 0.1 * countOf(own.data);
  const mixed = Math.min(level.length, edges.length) >= SQUARED || (restPx > 0.25 * shorter && !little);
  if (leftPx < MIN_REST * longer || !(othersPx || mixed)) return none;
  if (mixed && !isPrint(level, edges, leftPx, strokeWidth(rest))) return none;
  const alone = level.length === 1 && little;
  const ruling = level.filter((line) => isRuling(line, edges, leftPx, alone));
  return withoutPen(own, ruling, edges.filter((line) => ruling.some((other) => meet(line, other))));
}

/**
 * The pixels that are rulings of a row whose level lines are so faint that they fell to pieces.
 * @param {Plane} own uint8, the row and all that is in it
 * @param {number} highPx the height of the highest part that may be lines
 * @returns {Plane} uint8
 */
function dashedRulingsOf(own, highPx) {
  const oneRow = own.height <= ROW * highPx;
  const levelFound = oneRow ? findDashedLines(own, LEVEL_GAP, highPx, WHOLE * own.width) : [];
  if (!levelFound.length) return plane(own.width, own.height, Uint8Array);
  const upright = findDashedLines(transpose(own), UPRIGHT_GAP, highPx, TOOTH * own.height);
  const [level, edges] = findEdges(own, levelFound, upright);
  const [, restPx] = restOf(own, level, edges);
  const whole = level.filter((line) => line.length >= WHOLE_ROW * restPx);
  if (restPx < MIN_REST * Math.max(own.width, own.height) || !whole.length) {
    return plane(own.width, own.height, Uint8Array);
  }
  return withoutPen(own, whole, edges.filter((line) => whole.some((other) => meet(line, other))));
}

/** What is left without lines, and the height of the highest part of it. */
function restOf(own, level, edges) {
  const rest = without(own, bandOf(own, level), transpose(bandOf(turned(own), edges)));
  return [rest, findComponents(rest).components.reduce((most, c) => Math.max(most, heightOf(c.box)), 0)];
}

/** The shape of the transposed picture. */
function turned({ width, height }) {
  return { width: height, height: width };
}

/** What is left of a mask without any of others. */
function without(mask, ...others) {
  const left = { ...mask, data: mask.data.slice() };
  for (const { data } of others) for (let k = 0; k < data.length; k++) if (data[k]) left.data[k] = 0;
  return left;
}

/** Tell lines that a digit touches from its own strokes: thinner, longer than a digit, or a whole box or grid. */
function isPrint(level, edges, leftPx, penPx) {
  if (level.some((line) => line.length >= WHOLE_ROW * leftPx)) return true;
  const thickness = [...level, ...edges].map((line) => line.thickness);
  if (!thickness.length || medianOf(thickness) <= PRINT * penPx) return true;
  return level.filter((line) => edges.filter((edge) => meet(edge, line)).length >= 2).length >= 2;
}

function isRuling(line, edges, leftPx, alone) {
  if (line.length >= LONG * leftPx) return true;
  const meeting = edges.filter((edge) => meet(edge, line));
  const longest = Math.max(line.length, ...meeting.map((edge) => edge.length));
  if (meeting.length >= 2 && longest >= FRAMING * leftPx) return true;
  return alone && line.length >= 0.4 * leftPx;
}

/** All that lies within half a thickness, and `more` pixels, of the lines' middles. */
function bandOf({ width, height }, lines, more = 0) {
  const band = plane(width, height, Uint8Array);
  for (const line of lines) {
    const half = 0.5 * line.thickness + 1 + more;
    line.centre.forEach((row, k) => {
      markColumn(band, line.start + k, row, half);
    });
  }
  return band;
}

/** Mark the rows of a column that are within `reach` of a row. */
function markColumn({ width, height, data }, column, row, reach) {
  const first = Math.max(0, Math.floor(row - reach) - 1);
  const last = Math.min(height - 1, Math.ceil(row + reach) + 1);
  for (let y = first; y <= last; y++) if (Math.abs(y - row) <= reach) data[y * width + column] = 1;
}

/** The rulings but where the pen crosses them: where ink goes on beside them. */
function withoutPen(own, level, upright) {
  const bands = [bandOf(own, level), transpose(bandOf(turned(own), upright))];
  const across = without(own, transpose(bandOf(turned(own), upright, 2)));
  const along = without(own, bandOf(own, level, 2));
  const pen = [penOf(across, level), transpose(penOf(transpose(along), upright))];
  const data = bands[0].data.map((x, k) => ((x || bands[1].data[k]) && !pen[0].data[k] && !pen[1].data[k] ? 1 : 0));
  return { ...own, data };
}

/** The parts of level lines above or below which there is ink. */
function penOf(ink, lines) {
  const { width, height } = ink;
  const pen = plane(width, height, Uint8Array);
  for (const line of lines) {
    const beside = 0.5 * line.thickness + 2;
    line.centre.forEach((row, k) => {
      const column = line.start + k;
      const here = [rint(row - beside), rint(row + beside)].some(
        (y) => y >= 0 && y < height && ink.data[clip(y, 0, height - 1) * width + column],
      );
      if (here) markColumn(pen, column, row, beside);
    });
  }
  return { ...pen, data: pen.data.map((x, k) => (x && ink.data[k] ? 1 : 0)) };
}

/** The foreground without `taken`. */
function takenOut(foreground, taken) {
  const strength = { ...foreground.strength, data: foreground.strength.data.map((x, k) => (taken.data[k] ? 0 : x)) };
  return { ...foreground, strength, mask: without(foreground.mask, taken) };
}
