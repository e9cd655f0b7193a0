// Twin of digitrec_edge/preprocess/explain.py: the pictures of its tiles, which a page draws in its own way.

import { clip, plane, rint } from "./arrays.mjs";
import { SIDE } from "./normalise.mjs";

const f = Math.fround;

/**
 * Every stage that was reached, with its picture.
 * @param {Stages} stages
 * @returns {{name: string, picture: Plane}[]} uint8: the picture, its background, foreground and so on, and the digits
 */
export function picturesOf(stages) {
  const tiles = [{ name: "picture", picture: stages.grey }];
  if (stages.repaired) tiles.push({ name: "repaired", picture: stages.repaired });
  if (stages.foreground) tiles.push(...foregroundPictures(stages.foreground));
  if (stages.cleaned) tiles.push({ name: "without frames", picture: shown(stages.cleaned.mask, (x) => (x ? 255 : 0)) });
  for (const digit of stages.found) {
    tiles.push({ name: `${SIDE} x ${SIDE}`, picture: { width: SIDE, height: SIDE, data: digit.image } });
  }
  return tiles;
}

function foregroundPictures({ background, strength, mask }) {
  return [
    { name: "background", picture: shown(background, (x) => Math.trunc(clip(x, 0, 255))) },
    { name: "foreground", picture: shown(strength, (x) => rint(f(255 * x))) },
    { name: "components", picture: shown(mask, (x) => (x ? 255 : 0)) },
  ];
}

function shown({ width, height, data }, grey) {
  const picture = plane(width, height, Uint8Array);
  for (let k = 0; k < data.length; k++) picture.data[k] = grey(data[k]);
  return picture;
}
