// Twin of digitrec_edge/preprocess/reading.py, from decoded pixels on: browsers decode and turn pictures themselves.

import { plane, rint } from "./arrays.mjs";
import { hueIfClearer } from "./colour.mjs";
import { PictureError } from "./errors.mjs";
import { luma } from "./pillow.mjs";

const f = Math.fround;

const MIN_SIDE = 4;
const MAX_ASPECT = 100;

/**
 * Refuse pictures that no digit fits on.
 * @param {string} name what the error calls the picture
 * @throws {PictureError} too small or too thin
 */
export function checkSize(width, height, name) {
  const [shorter, longer] = [Math.min(width, height), Math.max(width, height)];
  if (shorter >= MIN_SIDE && longer <= MAX_ASPECT * shorter) return;
  throw new PictureError(
    `${name} has ${grouped(width)} x ${grouped(height)} pixels; a digit needs ${MIN_SIDE} or more each way, ` +
      `and no side ${MAX_ASPECT} times the other`,
  );
}

/** A whole number with a comma before each three digits, whatever the language. */
function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

/**
 * Make colours grey, transparent parts on a contrasting background.
 * @param {Uint8Array|Uint8ClampedArray} pixels row by row: red, green, blue and, of 4 channels, opacity
 * @param {number} channels 3 or 4
 * @returns {Plane} uint8, as bright as the picture
 */
export function toGrey(pixels, width, height, channels) {
  if (channels === 4) return fromTransparent(pixels, width, height);
  return hueIfClearer(pixels, width, height, channels) || lumaOf(pixels, width, height, channels);
}

/** Whether RGBA is opaque everywhere. */
export function isOpaque(pixels) {
  for (let k = 3; k < pixels.length; k += 4) if (pixels[k] !== 255) return false;
  return true;
}

/**
 * Make RGBA as a canvas gives it grey: an opaque picture is one of three colours, whose hues may show its ink.
 * @param {Uint8Array|Uint8ClampedArray} pixels
 * @returns {Plane} uint8
 */
export function canvasToGrey(pixels, width, height) {
  if (!isOpaque(pixels)) return fromTransparent(pixels, width, height);
  return hueIfClearer(pixels, width, height, 4) || lumaOf(pixels, width, height, 4);
}

function lumaOf(pixels, width, height, channels) {
  const grey = plane(width, height, Uint8Array);
  for (let k = 0, at = 0; k < grey.data.length; k++, at += channels) {
    grey.data[k] = luma(pixels[at], pixels[at + 1], pixels[at + 2]);
  }
  return grey;
}

function fromTransparent(pixels, width, height) {
  const grey = lumaOf(pixels, width, height, 4);
  let [seen, bright, least] = [0, 0, 255];
  for (let k = 0; k < grey.data.length; k++) {
    const opacity = pixels[4 * k + 3];
    if (opacity < least) least = opacity;
    if (opacity <= 127) continue;
    seen++;
    bright += grey.data[k];
  }
  const background = least < 128 && seen && bright / seen > 127 ? 0 : 255;
  for (let k = 0; k < grey.data.length; k++) {
    const share = f(pixels[4 * k + 3] / 255);
    grey.data[k] = rint(f(f(grey.data[k] * share) + f(background * f(1 - share))));
  }
  return grey;
}
