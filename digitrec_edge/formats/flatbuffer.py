"""A reader for flatbuffers in which no offset is believed before it is checked.

Layout after https://flatbuffers.dev/internals/: a table starts with a signed offset back to its
vtable; the vtable has its own length, the table's length and one offset per field; strings, vectors
and tables are reached by unsigned offsets. All numbers are little-endian.
"""

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.formats.graph import MalformedError


def _read(kind: str, data: bytes, position: int) -> int:
    try:
        value: int = struct.unpack_from(f"<{kind}", data, position)[0]
    except struct.error:
        raise MalformedError(f"an offset points outside the file (to byte {position:,} of {len(data):,})") from None
    return value


class Table:
    """One table of a flatbuffer; fields are named by their slot, in the order of the schema."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data = data
        self._position = position
        vtable = position - _read("i", data, position)
        if not 0 <= vtable <= len(data) - 4:
            raise MalformedError("a table's vtable lies outside the file")
        self._vtable = vtable
        self._vtable_bytes = _read("H", data, vtable)
        self._table_bytes = _read("H", data, vtable + 2)
        if self._vtable_bytes < 4 or self._vtable_bytes % 2 or vtable + self._vtable_bytes > len(data):
            raise MalformedError("a vtable has an impossible length")
        if self._table_bytes < 4 or position + self._table_bytes > len(data):
            raise MalformedError("a table reaches outside the file")

    @classmethod
    def root(cls, data: bytes) -> "Table":
        """The table that the file starts with."""
        return cls(data, _read("I", data, 0))

    def _field(self, slot: int, size: int) -> int | None:
        entry = 4 + 2 * slot
        if entry + 2 > self._vtable_bytes:
            return None
        offset = _read("H", self._data, self._vtable + entry)
        if offset == 0:
            return None
        if offset < 4 or offset + size > self._table_bytes:
            raise MalformedError("a field lies outside its table")
        return self._position + offset

    def number(self, slot: int, kind: str, default: int = 0) -> int:
        """Read a number of the struct type ``kind``; absent fields have their ``default``."""
        position = self._field(slot, struct.calcsize(kind))
        return default if position is None else _read(kind, self._data, position)

    def _target(self, slot: int) -> int | None:
        position = self._field(slot, 4)
        return None if position is None else position + _read("I", self._data, position)

    def table(self, slot: int) -> "Table | None":
        """Read a table, or None when absent."""
        target = self._target(slot)
        return None if target is None else Table(self._data, target)

    def tables(self, slot: int) -> list["Table"]:
        """Read a vector of tables; empty when absent."""
        offsets = self.vector(slot, "<u4")
        start = self._vector_start(slot)
        return [Table(self._data, start + 4 * k + int(offset)) for k, offset in enumerate(offsets)]

    def _vector_start(self, slot: int) -> int:
        return (self._target(slot) or 0) + 4

    def vector(self, slot: int, dtype: str) -> NDArray[Any]:
        """Read a vector of numbers as a view into the file; empty when absent."""
        target = self._target(slot)
        if target is None:
            return np.empty(0, dtype)
        count = _read("I", self._data, target)
        if count * np.dtype(dtype).itemsize > len(self._data) - target - 4:
            raise MalformedError(f"a vector of {count:,} entries reaches outside the file")
        return np.frombuffer(self._data, dtype, count, target + 4)

    def text(self, slot: int) -> str:
        """Read a string; empty when absent."""
        return bytes(self.vector(slot, "u1")).decode("utf-8", "replace")
