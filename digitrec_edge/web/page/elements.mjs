/** Elements of the page, made and found. */

/** @returns {HTMLElement} */
export const by = (id) => document.getElementById(id);

/** An element with properties and children. */
export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** Grey pixels on a canvas of their own. */
export function greyCanvas(grey, width, height, properties = {}) {
  const canvas = make("canvas", { width, height, ...properties });
  const context = canvas.getContext("2d"),
    pixels = context.createImageData(width, height);
  const whole = new Uint32Array(pixels.data.buffer); // red, green, blue and an opacity of 255 at once
  for (let k = 0; k < grey.length; k++) whole[k] = 0xff000000 | (grey[k] * 0x010101);
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** A picture with words for those who do not see it. */
export function described(canvas, words) {
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", words);
  return canvas;
}

/** Let the browser keep bytes as a file. */
export function download(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
