/** The stages between a picture and its answer, to see at which one a reading went wrong. */
import { described, greyCanvas, make } from "./elements.mjs";
import { noun, percent, shown } from "./words.mjs";

const MOST_DIGITS = 12;
const PIXELS = "28 x 28"; // shown with what is read in them

/**
 * @param {HTMLElement} strip where they are shown
 * @param {import("../reading.mjs").Reading} reading
 * @param {string[]} labels
 */
export function showStages(strip, reading, labels) {
  const planes = reading
    .stages()
    .filter(({ name }) => name !== PIXELS)
    .map(({ name, width, height, data }) => figure(greyCanvas(data, width, height), name));
  const digits = reading.digits.slice(0, MOST_DIGITS).map(({ image, answer }) => {
    const label = shown(answer, labels);
    const said = label === "?" ? `no ${noun(labels)}` : `${label}, ${percent(answer.probability)}`;
    return figure(greyCanvas(image, 28, 28, { className: "pixels" }), `28 × 28 pixels: ${said}`);
  });
  const none =
    planes.length || digits.length
      ? []
      : [
          make("p", {
            textContent: "Draw something, or take a picture: every step from it to the answer is shown here.",
          }),
        ];
  strip.replaceChildren(...planes, ...digits, ...none);
}

function figure(canvas, caption) {
  return make("figure", {}, described(canvas, caption), make("figcaption", { textContent: caption }));
}
