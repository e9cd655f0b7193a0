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

/**
 * Hand on the file that somebody drops on the page or pastes. Text and links are left to the browser.
 * @param {(file: File) => void} read
 */
export function onFileGiven(read) {
  const give = (event, { files }) => {
    if (!files.length) return;
    event.preventDefault(); // the browser would open the file in place of the page, and what is drawn would be gone
    read(files[0]);
  };
  addEventListener("dragover", (event) => {
    if (event.dataTransfer.types.includes("Files")) event.preventDefault();
  });
  addEventListener("drop", (event) => give(event, event.dataTransfer));
  addEventListener("paste", (event) => give(event, event.clipboardData));
}

function photographOf(bitmap) {
  if (bitmap.width * bitmap.height > MOST_PIXELS) {
    throw new Error(`the picture has ${bitmap.width} x ${bitmap.height} pixels, ${MOST_PIXELS / 1e6} million fit`);
  }
  const longer = Math.max(bitmap.width, bitmap.height);
  const read = scaled(bitmap, 1 / Math.ceil(longer / SOUGHT)),
    { width, height } = read;
  const { data } = read.getContext("2d", { willReadFrequently: true }).getImageData(0, 0, width, height);
  const grey = readColour(data, width, height),
    picture = scaled(bitmap, Math.min(1, SHOWN / longer), paperOf(data, grey));
  return { grey, width, height, picture };
}

/** The background that a picture was read on, which shows where it is most transparent: its ink is seen on it. */
function paperOf(pixels, grey) {
  let [least, at] = [255, 0];
  for (let k = 0; k < grey.length; k++) {
    if (pixels[4 * k + 3] < least) [least, at] = [pixels[4 * k + 3], k];
  }
  return least < 128 && grey[at] < 128 ? "#000" : "#fff";
}

/** A canvas with a bitmap on it, at a scale, and a colour or nothing behind. */
function scaled(bitmap, scale, paper = "transparent") {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.fillStyle = paper;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
}
