/** From a picture file to its pixels, by the browser's own decoder. */
import { readColour } from "../preprocess/index.mjs";

const MOST_PIXELS = 100_000_000;
const AS_IT_IS = { imageOrientation: "from-image", colorSpaceConversion: "none", premultiplyAlpha: "none" };
const SHOWN = 1600; // pixels of the longer side that are kept to be looked at
// Digits are sought on pictures of no longer side, reduced by a whole number: WORKING_PX in digitrec_edge/preprocess.
const SOUGHT = 1024;

/**
 * @param {File} file
 * @returns {Promise<{grey: Uint8Array, width: number, height: number, picture: HTMLCanvasElement}>}
 */
export async function openPhotograph(file) {
  const bitmap = await createImageBitmap(file, AS_IT_IS)
    .catch(() => createImageBitmap(file)) // by an older browser, which knows other words for it
    .catch(() => {
      throw new Error(`${file.name || "this file"} is no picture that this browser can open`);
    });
  try {
    return photographOf(bitmap);
  } finally {
    bitmap.close(); // its pixels are many, and no garbage collector counts them
  }
}

function photographOf(bitmap) {
  if (bitmap.width * bitmap.height > MOST_PIXELS) {
    throw new Error(`the picture has ${bitmap.width} x ${bitmap.height} pixels, ${MOST_PIXELS / 1e6} million fit`);
  }
  const longer = Math.max(bitmap.width, bitmap.height);
  const read = scaled(bitmap, 1 / Math.ceil(longer / SOUGHT)),
    { width, height } = read;
  const { data } = read.getContext("2d", { willReadFrequently: true }).getImageData(0, 0, width, height);
  const picture = scaled(bitmap, Math.min(1, SHOWN / longer));
  return { grey: readColour(data, width, height), width, height, picture };
}

/** A canvas with a bitmap on it, at a scale. */
function scaled(bitmap, scale) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
}
