/** A picture turned by quarters: phones that lie flat above paper do not know which way is up. */

/**
 * @param {{grey: Uint8Array, width: number, height: number, picture: HTMLCanvasElement}} photograph
 * @param {number} degrees 90, 180 or 270, clockwise
 */
export function turned({ grey, width, height, picture }, degrees) {
  const upright = degrees === 180,
    [across, down] = upright ? [width, height] : [height, width];
  const pixels = new Uint8Array(grey.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const row = upright ? height - 1 - y : degrees === 90 ? x : width - 1 - x;
      const column = upright ? width - 1 - x : degrees === 90 ? height - 1 - y : y;
      pixels[row * across + column] = grey[y * width + x];
    }
  }
  return { grey: pixels, width: across, height: down, picture: turnedCanvas(picture, degrees) };
}

function turnedCanvas(picture, degrees) {
  const canvas = document.createElement("canvas"),
    upright = degrees === 180;
  canvas.width = upright ? picture.width : picture.height;
  canvas.height = upright ? picture.height : picture.width;
  const context = canvas.getContext("2d");
  context.translate(canvas.width / 2, canvas.height / 2);
  context.rotate((degrees * Math.PI) / 180);
  context.drawImage(picture, -picture.width / 2, -picture.height / 2);
  return canvas;
}
