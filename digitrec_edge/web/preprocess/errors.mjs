// Twin of PictureError in digitrec_edge/errors.py.

/** A picture that cannot be read as a digit; its message is the sentence that Python's PictureError has. */
export class PictureError extends Error {
  /** @param {string} message one sentence */
  constructor(message) {
    super(message);
    this.name = "PictureError";
  }
}
