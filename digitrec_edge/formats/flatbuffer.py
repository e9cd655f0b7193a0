"""A reader for flatbuffers that checks every offset before it follows it, and counts what it decodes.

Layout after https://flatbuffers.dev/internals/: a table starts with a signed offset back to its
vtable; the vtable has its own length, the table's length and one offset per field; strings, vectors
and tables are reached by unsigned offsets. All numbers are little-endian.
"""

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.formats.budget import Meter
from digitrec_edge.formats.graph import MalformedError

_MAX_VTABLE_BYTES = 256
"""126 fields; TFLite's largest table has 15, and no schema in use has more than 40."""

_KINDS = {kind: struct.Struct(f"<{kind}") for kind in "bBhHiIqQfd"}
_INT32, _UINT16, _UINT32 = (_KINDS[kind].unpack_from for kind in "iHI")


def _outside(data: bytes, position: int) -> MalformedError:
    return MalformedError(f"an offset points outside the file (to byte {position:,} of {len(data):,})")


def _uint32(data: bytes, position: int) -> int:
    try:
        value: int = _UINT32(data, position)[0]
    except struct.error:
        raise _outside(data, position) from None
    return value


class Table:
    """One table of a flatbuffer; fields are named by their slot, in the order of the schema."""

    __slots__ = ("_aligned", "_data", "_meter", "_position", "_table_bytes", "_vtable")

    def __init__(self, data: bytes, position: int, meter: Meter, aligned: bool) -> None:
        meter.count()
        if not 0 <= position <= len(data) - 4:
            raise _outside(data, position)
        vtable = position - _INT32(data, position)[0]
        if aligned and (position % 4 or vtable % 2):
            raise MalformedError("a table is not aligned")
        if not 0 <= vtable <= len(data) - 4:
            raise MalformedError("a table's vtable lies outside the file")
        size_bytes = _UINT16(data, vtable)[0]
        if not 4 <= size_bytes <= _MAX_VTABLE_BYTES or size_bytes % 2 or vtable + size_bytes > len(data):
            raise MalformedError(f"a vtable has the impossible length {size_bytes:,}")
        self._vtable: tuple[int, ...] = struct.unpack_from(f"<{size_bytes // 2}H", data, vtable)
        self._table_bytes = self._vtable[1]
        if self._table_bytes < 4 or position + self._table_bytes > len(data):
            raise MalformedError("a table reaches outside the file")
        self._data, self._position, self._meter, self._aligned = data, position, meter, aligned

    @classmethod
    def root(cls, data: bytes, *, aligned: bool = False) -> "Table":
        """Read the table that the file starts with.

        Args:
            data: the file.
            aligned: refuse what a reader in place would stumble over.

        Raises:
            MalformedError: it is none, here or in whatever is read from it.
        """
        return cls(data, _uint32(data, 0), Meter(), aligned)

    def _field(self, slot: int, size: int) -> int | None:
        if slot + 2 >= len(self._vtable):
            return None
        offset = self._vtable[slot + 2]
        if offset == 0:
            return None
        if offset < 4 or offset + size > self._table_bytes:
            raise MalformedError("a field lies outside its table")
        if self._aligned and (self._position + offset) % size:
            raise MalformedError("a field is not aligned")
        return self._position + offset

    def has(self, slot: int) -> bool:
        """Whether a field is present."""
        return slot + 2 < len(self._vtable) and self._vtable[slot + 2] != 0

    def holds(self, slot: int, size: int) -> bool:
        """Whether a number of so many bytes is present, in its place."""
        return self._field(slot, size) is not None

    def number(self, slot: int, kind: str, default: int = 0) -> int:
        """Read a number of the struct type ``kind``; absent fields have their ``default``."""
        reader = _KINDS[kind]
        position = self._field(slot, reader.size)
        return default if position is None else reader.unpack_from(self._data, position)[0]

    def _target(self, slot: int) -> int | None:
        position = self._field(slot, 4)
        return None if position is None else position + _uint32(self._data, position)

    def table(self, slot: int) -> "Table | None":
        """Read a table, or None when absent."""
        target = self._target(slot)
        return None if target is None else Table(self._data, target, self._meter, self._aligned)

    def tables(self, slot: int) -> list["Table"]:
        """Read a vector of tables; empty when absent."""
        return [Table(self._data, position, self._meter, self._aligned) for position in self._positions(slot)]

    def vector(self, slot: int, dtype: str) -> NDArray[Any]:
        """Read a vector of numbers as a view into the file; empty when absent."""
        target = self._target(slot)
        if target is None:
            return np.empty(0, dtype)
        size = np.dtype(dtype).itemsize
        count = self._count(target, size)
        if size > 1:  # single bytes are weights, which nobody turns into a list
            self._meter.decode(count * size)
        return np.frombuffer(self._data, dtype, count, target + 4)

    def bytes_at(self, offset: int, size: int) -> NDArray[np.uint8]:
        """Return so many bytes of the file, counted from its start, as a view.

        Raises:
            MalformedError: they do not lie in the file.
        """
        if offset + size > len(self._data):
            raise _outside(self._data, offset)
        return np.frombuffer(self._data, np.uint8, size, offset)

    def length(self, slot: int, size: int = 1) -> int:
        """Count the entries, of so many bytes, of a vector; 0 when absent."""
        target = self._target(slot)
        return 0 if target is None else self._count(target, size)

    def text(self, slot: int) -> str:
        """Read a string; empty when absent."""
        target = self._target(slot)
        return "" if target is None else self._text_at(target)

    def texts(self, slot: int) -> list[str]:
        """Read a vector of strings; empty when absent."""
        return [self._text_at(position) for position in self._positions(slot)]

    def _count(self, target: int, size: int) -> int:
        """How many items the vector at ``target`` has; all of them lie inside the file."""
        count = _uint32(self._data, target)
        if self._aligned and (target % 4 or (target + 4) % size):
            raise MalformedError("a vector is not aligned")
        if count * size > len(self._data) - target - 4:
            raise MalformedError(f"a vector of {count:,} entries reaches outside the file")
        return count

    def _positions(self, slot: int) -> list[int]:
        """Where the tables or strings of a vector begin."""
        target = self._target(slot)
        if target is None:
            return []
        count = self._count(target, 4)
        self._meter.count(count)
        offsets = struct.unpack_from(f"<{count}I", self._data, target + 4)
        return [target + 4 + 4 * k + offset for k, offset in enumerate(offsets)]

    def _text_at(self, start: int) -> str:
        size_bytes = _uint32(self._data, start)
        end = start + 4 + size_bytes
        if end >= len(self._data) or self._data[end] != 0:
            raise MalformedError("a string reaches outside the file or is not closed")
        self._meter.decode(size_bytes)
        return self._data[start + 4 : end].decode("utf-8", "replace")
