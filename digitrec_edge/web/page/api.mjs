/** `window.digitrec`, for scripts and tests: docs/mobile.md says what it offers. */
import { logitsOf } from "../engine/index.mjs";
import { readPicture } from "../reading.mjs";

/**
 * @param {import("../engine/index.mjs").Model} model
 * @param {(picture: Uint8Array) => import("../recogniser.mjs").Answer} answer
 */
export function offer(model, answer) {
  Object.assign(globalThis.digitrec, {
    kernel: model.kernel,
    logits: (picture, kernel = model.kernel) => {
      if (!Object.hasOwn(model.kernels, kernel))
        throw new TypeError(`no kernel is called ${kernel}; there is ${Object.keys(model.kernels).join(", ")}`);
      return logitsOf(model, picture, kernel);
    },
    classify: (picture) => answer(picture).digit,
    read: (grey, width, height) => {
      if (!(grey instanceof Uint8Array && grey.length === width * height && width > 0 && height > 0)) {
        throw new TypeError(
          `a picture is a Uint8Array of width times height, not ${grey?.length} of ${width} x ${height}`,
        );
      }
      return readPicture(grey, width, height, answer).digits.map(({ answer: one, box }) => ({
        digit: one.digit,
        probability: one.probability,
        box: { left: box.left, top: box.top, right: box.right, bottom: box.bottom },
      }));
    },
  });
}
