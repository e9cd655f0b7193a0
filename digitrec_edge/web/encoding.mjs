/** Bytes that travel in a page as text, and bytes that are packed. */

const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%.()*+-;,=>?@^_`{|}~";
const VALUES = new Uint8Array(128);
for (let k = 0; k < LETTERS.length; k++) VALUES[LETTERS.charCodeAt(k)] = k;

/**
 * Bytes from base 85, five letters for four bytes: a sixteenth shorter than base 64. The letters are those of Python's
 * b85encode, but for < and &, which mean something in a page: they are , and . here.
 *
 * @returns {Uint8Array}
 */
export function fromBase85(text) {
  const words = Math.ceil(text.length / 5),
    bytes = new DataView(new ArrayBuffer(4 * words));
  const whole = text.padEnd(5 * words, "~");
  for (let word = 0, at = 0; word < words; word++) {
    let value = 0;
    for (const end = at + 5; at < end; at++) value = 85 * value + VALUES[whole.charCodeAt(at) & 127];
    bytes.setUint32(4 * word, value);
  }
  return new Uint8Array(bytes.buffer, 0, 4 * words - (whole.length - text.length));
}

/**
 * @param {Uint8Array} bytes
 * @param {"deflate"|"deflate-raw"} how
 * @returns {Promise<Uint8Array>}
 */
export async function inflated(bytes, how = "deflate") {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(how));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
