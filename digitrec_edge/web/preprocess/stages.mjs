// Twin of digitrec_edge/preprocess/stages.py.

import { boxOf, findComponents } from "./components.mjs";
import { PictureError } from "./errors.mjs";
import { findForeground } from "./foreground.mjs";
import { withoutFrames } from "./frames.mjs";
import { calm, isNoisy } from "./noise.mjs";
import { normalise } from "./normalise.mjs";
import { findDigits, isWide } from "./segmentation.mjs";
import { findSheet, suggestsSheet } from "./sheets.mjs";

/**
 * A digit as the recogniser takes it.
 * @typedef {object} Digit
 * @property {Box} box where it is, in pixels of the original
 * @property {Uint8Array} image 784 pixels, 0 is background, 255 is foreground
 * @property {Plane} strength float32, what the image was made of
 */

/** What reading a picture gave, as far as it got. */
export class Stages {
  /**
   * @param {object} known
   * @param {Plane} known.grey uint8, the picture
   * @param {Foreground|null} known.foreground null when none was found
   * @param {Digit[]} known.found the digits in reading order
   * @param {PictureError|null} known.failure why reading ended before there was a digit
   * @param {Digit[]} known.shapes the digits, and what is too wide to be one
   * @param {Foreground|null} known.cleaned the foreground without frames; null when there are none
   * @param {boolean} known.crowded there is more foreground than a pen writes
   * @param {Plane|null} [known.repaired] uint8, what was read instead of the picture
   * @param {number} [known.reduced] how many pixels of the picture went into one of `repaired`, along each axis
   * @param {[number, number]} [known.corner] where `repaired` begins, top and left in pixels of the picture
   */
  constructor(known) {
    Object.assign(this, { repaired: null, reduced: 1, corner: [0, 0] }, known);
  }

  /** @returns {Digit[]} in reading order, at least one; throws a PictureError when there is none */
  digits() {
    if (this.failure) throw this.failure;
    return this.found;
  }

  /** @returns {Digit[]} in reading order, and shapes too wide for one, which may be several that touch */
  several() {
    return this.shapes.length ? this.shapes : this.digits();
  }

  /** @returns {Digit} the one; throws a PictureError when there is none, or there are several */
  single() {
    const digits = this.digits();
    if (digits.length > 1) {
      throw new PictureError(`${digits.length} digits found where one is expected; read them all with --multi`);
    }
    return digits[0];
  }
}

/**
 * Find and normalise every digit on a picture; a failure is part of the answer.
 * @param {Plane} grey uint8
 * @param {number} [reduction] how many pixels of the original went into one of these, along each axis
 * @returns {Stages}
 */
export function readStages(grey, reduction = 1) {
  let plain = read(grey, reduction);
  const quiet = !plain.shapes.length || isNoisy(grey) ? calm(grey) : null;
  if (quiet) {
    const calmer = read(quiet.grey, reduction * quiet.reduction);
    if (calmer.shapes.length && !(plain.shapes.length && calmer.crowded)) {
      plain = new Stages({ ...calmer, grey, repaired: quiet.grey, reduced: quiet.reduction });
    }
  }
  if (plain.shapes.length && !plain.crowded) return plain;
  const sheet = findSheet(grey);
  if (sheet) {
    const within = read(sheet.grey, reduction, sheet.corner);
    if (within.shapes.length && !isCut(within, sheet, reduction)) {
      return new Stages({ ...within, grey, repaired: sheet.grey, corner: sheet.corner });
    }
  }
  return plain;
}

/** Whether something that was found reaches the edge of the sheet. */
function isCut(stages, sheet, reduction) {
  const [top, left] = sheet.corner;
  const near = 2 * reduction * (stages.foreground ? stages.foreground.reduction : 1);
  const low = [top * reduction + near, left * reduction + near];
  const high = [(top + sheet.grey.height) * reduction, (left + sheet.grey.width) * reduction];
  return stages.shapes.some(
    ({ box }) => box.top < low[0] || box.left < low[1] || box.bottom > high[0] || box.right > high[1],
  );
}

/** Read a picture, or the cut of one whose top and left are given. */
function read(grey, reduction, corner = [0, 0]) {
  const known = { grey, foreground: null, found: [], failure: null, shapes: [], cleaned: null, crowded: false };
  try {
    known.foreground = findForeground(grey);
    const parts = findComponents(known.foreground.mask);
    known.crowded = suggestsSheet(known.foreground.mask, parts.components);
    known.cleaned = withoutFrames(known.foreground, parts);
    const cleanedParts = known.cleaned ? findComponents(known.cleaned.mask) : parts;
    const regions = findDigits(known.cleaned || known.foreground, cleanedParts);
    known.shapes = regions.map((region) => digitOf(region, known.foreground.reduction, reduction, corner));
    known.found = known.shapes.filter((_, k) => !isWide(regions[k]));
    if (!known.found.length) {
      throw new PictureError("no digit found: nothing has a digit's shape; digits that touch are read with --multi");
    }
  } catch (failure) {
    if (!(failure instanceof PictureError)) throw failure;
    known.failure = failure;
    known.found = [];
  }
  return new Stages(known);
}

function digitOf({ box, strength }, reduced, reduction, [top, left]) {
  const place = (edge, start) => (edge * reduced + start) * reduction;
  return {
    box: boxOf(place(box.top, top), place(box.left, left), place(box.bottom, top), place(box.right, left)),
    image: normalise(strength),
    strength,
  };
}
