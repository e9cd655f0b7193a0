/** A flatbuffer, read as far as a model needs it: https://flatbuffers.dev/internals/. */

/** A table: a number of slots, each empty or a value. A DataView refuses what lies outside the file. */
export class Table {
  /**
   * @param {DataView} view the whole file
   * @param {number} at where the table lies
   */
  constructor(view, at) {
    this.view = view;
    this.at = at;
  }

  /** @param {DataView} view */
  static root(view) {
    return new Table(view, view.getUint32(0, true));
  }

  /** Where the value of a slot lies, 0 where the slot is empty. */
  place(slot) {
    const layout = this.at - this.view.getInt32(this.at, true);
    const inside = 4 + 2 * slot < this.view.getUint16(layout, true);
    const offset = inside ? this.view.getUint16(layout + 4 + 2 * slot, true) : 0;
    return offset && this.at + offset;
  }

  /** Where that lies to which the value of a slot points, 0 where the slot is empty. */
  follow(slot) {
    const place = this.place(slot);
    return place && place + this.view.getUint32(place, true);
  }

  /** @param {"Int8"|"Uint8"|"Int32"|"Uint32"} kind */
  number(slot, kind, otherwise = 0) {
    const place = this.place(slot);
    return place ? this.view[`get${kind}`](place, true) : otherwise;
  }

  /** @returns {Table|null} */
  table(slot) {
    const place = this.follow(slot);
    return place ? new Table(this.view, place) : null;
  }

  /** @returns {Table[]} */
  tables(slot) {
    const place = this.follow(slot);
    const count = place ? this.view.getUint32(place, true) : 0;
    return Array.from({ length: count }, (_, k) => {
      const entry = place + 4 + 4 * k;
      return new Table(this.view, entry + this.view.getUint32(entry, true));
    });
  }

  /** A copy of the numbers of a slot, as a typed array of a kind; none where the slot is empty. */
  vector(slot, Kind) {
    const place = this.follow(slot);
    if (!place) return new Kind(0);
    const count = this.view.getUint32(place, true);
    const start = this.view.byteOffset + place + 4;
    if (place + 4 + count * Kind.BYTES_PER_ELEMENT > this.view.byteLength)
      throw new RangeError("a vector ends outside the file");
    return new Kind(this.view.buffer.slice(start, start + count * Kind.BYTES_PER_ELEMENT));
  }
}
