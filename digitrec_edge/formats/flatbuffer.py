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

MAX_TABLES = 100_000
"""Of one file; a recogniser has about 100. Bounds the work on a file whose offsets run in circles."""

MAX_DEPTH = 64


def _read(kind: str, data: bytes, position: int) -> int:
    if position < 0:
        raise MalformedError("an offset points before the file")
    try:
        value: int = struct.unpack_from(f"<{kind}", data, position)[0]
    except struct.error:
        raise MalformedError(f"an offset points outside the file (to byte {position:,} of {len(data):,})") from None
    return value


class Table:
    """One table of a flatbuffer; fields are named by their slot, in the order of the schema."""

    def __init__(self, data: bytes, position: int, aligned: bool = False) -> None:
        self._data = data
        self._aligned = aligned
        self._position = position
        vtable = position - _read("i", data, position)
        if aligned and (position % 4 or vtable % 2):
            raise MalformedError("a table is not aligned")
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
    def root(cls, data: bytes, *, aligned: bool = False) -> "Table":
        """The table that the file starts with; ``aligned`` refuses what a reader in place would stumble over."""
        return cls(data, _read("I", data, 0), aligned)

    def _field(self, slot: int, size: int) -> int | None:
        entry = 4 + 2 * slot
        if entry + 2 > self._vtable_bytes:
            return None
        offset = _read("H", self._data, self._vtable + entry)
        if offset == 0:
            return None
        if offset < 4 or offset + size > self._table_bytes:
            raise MalformedError("a field lies outside its table")
        if self._aligned and (self._position + offset) % size:
            raise MalformedError("a field is not aligned")
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
        return None if target is None else Table(self._data, target, self._aligned)

    def tables(self, slot: int) -> list["Table"]:
        """Read a vector of tables; empty when absent."""
        target = self._target(slot)
        if target is None:
            return []
        offsets = self.vector(slot, "<u4")
        if len(offsets) > MAX_TABLES:
            raise MalformedError(f"a vector of {len(offsets):,} tables")
        return [Table(self._data, target + 4 + 4 * k + int(offset), self._aligned) for k, offset in enumerate(offsets)]

    def vector(self, slot: int, dtype: str) -> NDArray[Any]:
        """Read a vector of numbers as a view into the file; empty when absent."""
        target = self._target(slot)
        if target is None:
            return np.empty(0, dtype)
        count = _read("I", self._data, target)
        size = np.dtype(dtype).itemsize
        if self._aligned and (target % 4 or (target + 4) % size):
            raise MalformedError("a vector is not aligned")
        if count * size > len(self._data) - target - 4:
            raise MalformedError(f"a vector of {count:,} entries reaches outside the file")
        return np.frombuffer(self._data, dtype, count, target + 4)

    def text(self, slot: int) -> str:
        """Read a string; empty when absent."""
        target = self._target(slot)
        return "" if target is None else self._text_at(target)

    def texts(self, slot: int) -> list[str]:
        """Read a vector of strings; empty when absent."""
        target = self._target(slot)
        if target is None:
            return []
        offsets = self.vector(slot, "<u4").tolist()
        if len(offsets) > MAX_TABLES:
            raise MalformedError(f"a vector of {len(offsets):,} strings")
        return [self._text_at(target + 4 + 4 * k + offset) for k, offset in enumerate(offsets)]

    def _text_at(self, start: int) -> str:
        end = start + 4 + _read("I", self._data, start)
        if end >= len(self._data) or self._data[end] != 0:
            raise MalformedError("a string reaches outside the file or is not closed")
        return self._data[start + 4 : end].decode("utf-8", "replace")
