/** Bytes that travel in a page as text, and bytes that are packed. */

/** @returns {Uint8Array} */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
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
