/** The result as a picture: to another app where the browser can, else to a file. */
import { download } from "./elements.mjs";
import { sentence, shownAll } from "./words.mjs";

const WIDTH = 1080,
  HEIGHT = 1350,
  MARGIN = 60;

/**
 * @param {HTMLCanvasElement} pad as it is seen
 * @param {import("../reading.mjs").Reading} reading
 * @param {string[]} labels
 */
export async function share(pad, reading, labels) {
  const blob = await new Promise((done) => {
    draw(pad, reading, labels).toBlob(done, "image/png");
  });
  const file = new File([blob], "digits.png", { type: "image/png" });
  if (!navigator.canShare?.({ files: [file] })) return download(blob, file.name);
  try {
    await navigator.share({ files: [file] });
  } catch (cause) {
    const wanted = ["AbortError", "InvalidStateError"].includes(cause.name); // it was given up, or is open already
    if (!wanted) download(blob, file.name);
  }
}

function draw(pad, reading, labels) {
  const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT });
  const context = canvas.getContext("2d"),
    style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name),
    side = WIDTH - 2 * MARGIN;
  context.fillStyle = colour("--surface");
  context.fillRect(0, 0, WIDTH, HEIGHT);
  context.fillStyle = colour("--paper");
  context.beginPath();
  context.roundRect(MARGIN, MARGIN, side, side, 54);
  context.fill();
  context.save();
  context.clip();
  context.drawImage(pad, MARGIN, MARGIN, side, side);
  context.restore();
  context.fillStyle = colour("--accent");
  context.font = "700 150px system-ui, sans-serif";
  context.fillText(shownAll(reading.digits, labels), MARGIN, side + MARGIN + 170, side);
  context.fillStyle = colour("--muted");
  context.font = "34px system-ui, sans-serif";
  context.fillText(`${sentence(reading, labels)} By digitrec-edge, on this device.`, MARGIN, HEIGHT - 60, side);
  return canvas;
}
