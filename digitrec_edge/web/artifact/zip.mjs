/** ZIP archives behind a model, and the arrays in them, as far as an artifact has such. */
import { inflated } from "../encoding.mjs";

const END = 0x06054b50,
  END_BYTES = 22;
const DEFLATED = 8;
const NPY_START = 10;

/**
 * @param {Uint8Array} bytes a file with an archive at its end
 * @returns {Promise<{files: Object<string, Uint8Array>, start: number}>} start is where the archive begins
 */
export async function unzip(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - END_BYTES;
  while (end >= 0 && view.getUint32(end, true) !== END) end--;
  if (end < 0) throw new Error("there is no archive");
  const files = {};
  let entry = view.getUint32(end + 16, true),
    start = bytes.length;
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    const nameBytes = view.getUint16(entry + 28, true),
      local = view.getUint32(entry + 42, true);
    const name = new TextDecoder().decode(bytes.subarray(entry + 46, entry + 46 + nameBytes));
    const from = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    const content = bytes.subarray(from, from + view.getUint32(entry + 20, true));
    files[name] = view.getUint16(entry + 10, true) === DEFLATED ? await inflated(content, "deflate-raw") : content;
    start = Math.min(start, local);
    entry += 46 + nameBytes + view.getUint16(entry + 30, true) + view.getUint16(entry + 32, true);
  }
  return { files, start };
}

/** The numbers of a .npy file, of a kind: little-endian, in C order. */
export function numbersOf(npy, Kind) {
  return new Kind(npy.slice(NPY_START + (npy[8] | (npy[9] << 8))).buffer);
}
