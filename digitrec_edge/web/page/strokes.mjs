/**
 * Strokes become grey pixels here and not in a canvas, so that equal strokes are equal pixels on every device.
 *
 * A field is a square of paper. A stroke is a list of points on it, each a pair of whole steps of an eighth of a pixel.
 */

export const SIDE = 280; // ten pixels for one of the recogniser's
export const RADIUS = 11; // of the pen
const STEPS = 8;
const PAPER = 255;

/** @returns {number[]} a point on the field, kept inside it */
export function point(x, y) {
  return [x, y].map((at) => Math.min(SIDE * STEPS, Math.max(0, Math.round(at * STEPS))));
}

/** A point in pixels. */
export const place = ([x, y]) => [x / STEPS, y / STEPS];

/** @returns {Uint8Array} an empty field, SIDE x SIDE */
export const blank = () => new Uint8Array(SIDE * SIDE).fill(PAPER);

/** Draw the way from one point to the next onto a field: each pixel is as dark as the pen covers it. */
export function draw(field, from, to) {
  const [ax, ay] = place(from),
    [bx, by] = place(to);
  const dx = bx - ax,
    dy = by - ay,
    length = dx * dx + dy * dy,
    reach = RADIUS + 1;
  const span = (a, b) => [
    Math.max(0, Math.floor(Math.min(a, b) - reach)),
    Math.min(SIDE - 1, Math.ceil(Math.max(a, b) + reach)),
  ];
  const [left, right] = span(ax, bx),
    [top, bottom] = span(ay, by);
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const px = x + 0.5 - ax,
        py = y + 0.5 - ay; // the pixel's middle
      const along = length ? Math.min(1, Math.max(0, (px * dx + py * dy) / length)) : 0;
      const ex = px - along * dx,
        ey = py - along * dy;
      const covered = Math.min(1, Math.max(0, RADIUS + 0.5 - Math.sqrt(ex * ex + ey * ey)));
      const grey = Math.round(PAPER * (1 - covered)),
        at = y * SIDE + x;
      if (grey < field[at]) field[at] = grey;
    }
  }
}

/** @returns {Uint8Array} the field with these strokes on it */
export function drawn(strokes) {
  const field = blank();
  for (const stroke of strokes) stroke.forEach((one, k) => draw(field, stroke[Math.max(0, k - 1)], one));
  return field;
}

/** @returns {Uint8Array} a picture of 28 x 28, bright ink, as dark ink on the field */
export function enlarged(image) {
  const scale = SIDE / 28;
  return blank().map((paper, at) => {
    const x = at % SIDE,
      y = (at - x) / SIDE;
    return paper - image[Math.floor(y / scale) * 28 + Math.floor(x / scale)];
  });
}
