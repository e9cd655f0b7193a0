"""The protobuf wire format, as far as ONNX needs it: fields of a message, and a field to append.

https://protobuf.dev/programming-guides/encoding/: a message is a run of (tag, value); the tag is a
varint of ``field number << 3 | wire type``. Messages can be extended by appending fields.
"""

from collections.abc import Iterator

import numpy as np

from digitrec_edge.formats.budget import Meter
from digitrec_edge.formats.graph import MalformedError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_UINT64 = (1 << 64) - 1
_FIXED = {_FIXED64: 8, _FIXED32: 4}


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data) and shift < 70:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return value & _UINT64, position  # as protobuf cuts it
        shift += 7
    raise MalformedError("a number is cut off or too long")


def fields(data: memoryview, meter: Meter | None = None) -> Iterator[tuple[int, int | memoryview, int]]:
    """Yield ``(field number, value, start of the field)`` of one message.

    Varints come as int, everything else as memoryview.

    Raises:
        MalformedError: the bytes are no protobuf message, or it has too many fields.
    """
    count = (meter or Meter()).count
    position, end = 0, len(data)
    while position < end:
        count()
        start, tag = position, data[position]
        if tag < 0x80:  # as nearly all tags are
            position += 1
        else:
            tag, position = _varint(data, position)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise MalformedError("field number 0")
        if wire == _VARINT:
            value, position = _varint(data, position)
            yield number, value, start
            continue
        if wire == _BYTES:
            size = data[position] if position < end else 0x80
            if size < 0x80:
                position += 1
            else:
                size, position = _varint(data, position)
        elif wire in _FIXED:
            size = _FIXED[wire]
        else:
            raise MalformedError(f"wire type {wire} does not exist")
        if size > end - position:
            raise MalformedError(f"field {number} is cut off: {size:,} bytes, {end - position:,} are left")
        yield number, data[position : position + size], start
        position += size


class Message:
    """One parsed message: fields by number."""

    def __init__(self, data: memoryview, meter: Meter | None = None) -> None:
        self._fields: dict[int, list[int | memoryview]] = {}
        self._fixed: set[int] = set()
        self._meter = meter or Meter()
        for number, value, start in fields(data, self._meter):
            self._fields.setdefault(number, []).append(value)
            if data[start] & 7 in _FIXED:
                self._fixed.add(number)

    def has(self, number: int) -> bool:
        """Whether the field is present."""
        return number in self._fields

    def number(self, number: int, default: int = 0) -> int:
        """Read the last varint of a field."""
        value = self._fields.get(number, [default])[-1]
        if not isinstance(value, int):
            raise MalformedError(f"field {number} is not a number")
        return value

    def signed(self, number: int) -> int:
        """Read the last varint of a field as a signed 64-bit number; 0 when absent."""
        return _signed(self.number(number))

    def numbers(self, number: int) -> list[int]:
        """Read all varints of a repeated field, packed or not, as signed 64-bit numbers."""
        found: list[int] = []
        for value in self._values(number):
            if isinstance(value, int):
                found.append(_signed(value))
                continue
            self._meter.decode(len(value))
            position = 0
            while position < len(value):
                item, position = _varint(value, position)
                found.append(_signed(item))
        return found

    def count(self, number: int) -> int:
        """Count the varints of a repeated field, packed or not."""
        return sum(
            1 if isinstance(value, int) else int(np.count_nonzero(np.frombuffer(value, np.uint8) < 0x80))
            for value in self._values(number)
        )

    def _values(self, number: int) -> list[int | memoryview]:
        """Varints and byte strings; protobuf passes over a field of another kind than its schema says."""
        if number in self._fixed:
            raise MalformedError(f"field {number} has a fixed width, as only floats have")
        return self._fields.get(number, [])

    def chunks(self, number: int) -> list[memoryview]:
        """Read all byte strings of a field."""
        return _bytes_alone(number, self._values(number))

    def floats(self, number: int) -> list[memoryview]:
        """Read the bytes of a repeated field of floats, packed or not."""
        return _bytes_alone(number, self._fields.get(number, []))

    def messages(self, number: int) -> list["Message"]:
        """Read all messages of a field."""
        return [Message(chunk, self._meter) for chunk in self.chunks(number)]

    def message(self, number: int) -> "Message | None":
        """Read the one message of a field, None when absent.

        Raises:
            MalformedError: it is there twice; protobuf would merge the two.
        """
        chunks = self.chunks(number)
        if len(chunks) > 1:
            raise MalformedError(f"field {number} stands there {len(chunks)} times, once is allowed")
        return Message(chunks[0], self._meter) if chunks else None

    def text(self, number: int) -> str:
        """Read a string; empty when absent."""
        chunks = self.chunks(number)
        return self._text(chunks[-1]) if chunks else ""

    def texts(self, number: int) -> tuple[str, ...]:
        """Read all strings of a field."""
        return tuple(self._text(chunk) for chunk in self.chunks(number))

    def _text(self, chunk: memoryview) -> str:
        self._meter.decode(len(chunk))
        return bytes(chunk).decode("utf-8", "replace")


def _bytes_alone(number: int, values: list[int | memoryview]) -> list[memoryview]:
    found = [value for value in values if not isinstance(value, int)]
    if len(found) < len(values):
        raise MalformedError(f"field {number} is a number, bytes were expected")
    return found


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def encode_bytes(number: int, value: bytes) -> bytes:
    """Encode one field of bytes."""
    return _encode_varint(number << 3 | _BYTES) + _encode_varint(len(value)) + value


def _encode_varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
