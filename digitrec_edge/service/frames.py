"""Frames: what the process that speaks HTTP and those that read pictures say to each other, over a pair of sockets.

A frame is a kind, a line of JSON and two blocks of bytes, each with its length before it.
"""

import json
import socket
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

_HEAD = struct.Struct("!BIII")


class FrameKind(IntEnum):
    """What a frame says."""

    LOAD = 1
    READY = 2
    READ = 3
    ANSWER = 4
    REFUSED = 5
    """The request is wrong: no picture, no digit on it; the line tells the status and why."""
    FAILED = 6
    """The model cannot be used, or the runtime failed."""


@dataclass(frozen=True)
class PipeFrame:
    """A message.

    Attributes:
        line: plain JSON values.
        body, extra: bytes, whatever the kind needs.
    """

    kind: FrameKind
    line: Any
    body: bytes = b""
    extra: bytes = b""

    def pack(self) -> bytes:
        """Return the bytes to send."""
        line = json.dumps(self.line).encode()
        head = _HEAD.pack(self.kind, len(line), len(self.body), len(self.extra))
        return b"".join((head, line, self.body, self.extra))


def size(data: bytes | bytearray) -> int:
    """Return how many bytes the frame has that begins so; 0 when that cannot be told yet."""
    if len(data) < _HEAD.size:
        return 0
    _, *lengths = _HEAD.unpack_from(data)
    return _HEAD.size + sum(lengths)


def unpack(data: bytes | bytearray) -> PipeFrame:
    """Return the frame of which these are all bytes."""
    kind, line, body, extra = _HEAD.unpack_from(data)
    ends = (_HEAD.size + line, _HEAD.size + line + body, _HEAD.size + line + body + extra)
    content = json.loads(data[_HEAD.size : ends[0]])
    return PipeFrame(FrameKind(kind), content, bytes(data[ends[0] : ends[1]]), bytes(data[ends[1] : ends[2]]))


def receive(link: socket.socket) -> PipeFrame | None:
    """Wait for a frame; None when the other end is closed."""
    data = bytearray()
    while not (whole := size(data)) or len(data) < whole:
        part = link.recv(max(1 << 16, whole - len(data)))
        if not part:
            return None
        data += part
    return unpack(data)
