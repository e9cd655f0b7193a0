"""What a device's side of a connection sends: lines of JSON behind a mark, each one of a few records.

A device may be anybody's. A message that is none of these, a file that nobody asked for and more than is expected of
anything are errors of this one device.
"""

import base64
import binascii
import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from digitrec_edge.records import Name, Text, Within, load_json, parse

MARK = "digitrec-edge:"
MESSAGES_LIMIT = 100_000
"""In one answer; a benchmark of a thousand cases prints some 50,000 lines."""

KEPT_LINES = 1000
FILE_BYTES = 32 << 20
"""Of a fetched file, unless the request allows more; the results of a thousand cases take 8 MB."""


@dataclass(frozen=True)
class Alive:
    """A sign of life."""

    alive: Literal[True]


@dataclass(frozen=True)
class PrintedLine:
    """A line that the program on the device printed."""

    line: Annotated[str, Within(0, 1 << 16)]


@dataclass(frozen=True)
class FilePart:
    """The next bytes of a file that was asked for, in base64."""

    file: Name
    data: str

    def content(self) -> bytes:
        """Return the bytes.

        Raises:
            ValueError: there are none.
        """
        try:
            return base64.b64decode(self.data, validate=True)
        except binascii.Error:
            raise ValueError(f"the file {self.file!r} came damaged") from None


@dataclass(frozen=True)
class FileEnd:
    """All parts of a file have been sent; ``sha256`` is that of the whole."""

    file: Name
    sha256: str


@dataclass(frozen=True)
class Refusal:
    """Why a request cannot be met; the kinds are those of agent.py."""

    kind: Literal["lost", "damaged", "busy", "time", "python", "disk", "system"]
    message: Text


@dataclass(frozen=True)
class _Refused:
    error: Refusal


@dataclass(frozen=True)
class Done:
    """The last message: what the request came to, still to be parsed by who knows what was asked."""

    done: Any


Message = Alive | PrintedLine | FilePart | FileEnd | Refusal | Done
_RECORDS: tuple[tuple[str, type[Alive | PrintedLine | FilePart | FileEnd]], ...] = (
    ("alive", Alive),
    ("line", PrintedLine),
    ("data", FilePart),
    ("sha256", FileEnd),
)


def read_message(text: str) -> Message:
    """Parse a line without its mark.

    Raises:
        ValueError: it is no message of this version.
    """
    raw = load_json(text)
    if not isinstance(raw, dict):
        raise ValueError(f"a message is {type(raw).__name__}, an object is needed")
    if raw.keys() == {"done"}:
        return Done(raw["done"])
    if "error" in raw:
        return parse(_Refused, raw, "message").error
    return parse(next((kind for name, kind in _RECORDS if name in raw), PrintedLine), raw, "message")


@dataclass
class Answer:
    """The messages of one request, as far as they came.

    Attributes:
        files: contents by name.
        lines: the last ones that the program printed.
        last: None when the connection broke.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    last: Done | Refusal | None = None


def listen(
    lines: Iterable[bytes],
    on_line: Callable[[str], None],
    fetch: Sequence[str] = (),
    file_bytes: int = FILE_BYTES,
) -> Answer:
    """Read messages to the last one; what a login's own files print, or half a line, is passed over.

    Args:
        lines: with their ends.
        on_line: is given each line that the program there prints.
        fetch: names of the files that were asked for.
        file_bytes: that each of them may have.

    Raises:
        ValueError: one is no message of this version, or not of this answer.
    """
    answer, files, count = Answer(), _Files(fetch, file_bytes), 0
    for raw in lines:
        text = raw.decode(errors="replace")
        if not text.startswith(MARK) or not text.endswith("\n"):
            continue
        message, count = read_message(text[len(MARK) :]), count + 1
        if count > MESSAGES_LIMIT:
            raise ValueError(f"more than {MESSAGES_LIMIT:,} messages")
        if isinstance(message, PrintedLine):
            if "\n" in message.line:
                raise ValueError("message.line has more than one line")
            answer.lines.append(message.line)
            on_line(message.line)
        elif isinstance(message, FilePart | FileEnd):
            files.take(message)
        elif isinstance(message, Done | Refusal):
            answer.last = message
            break
    answer.files = files.whole
    return answer


class _Files:
    """Files on their way: only those that were asked for, each once and bounded."""

    def __init__(self, asked: Sequence[str], limit_bytes: int) -> None:
        self._open = {name: bytearray() for name in asked}
        self._asked, self._limit_bytes = asked, limit_bytes
        self.whole: dict[str, bytes] = {}

    def take(self, message: FilePart | FileEnd) -> None:
        name = message.file
        if name not in self._open:
            raise ValueError(f"the file {name!r} {'came twice' if name in self._asked else 'was not asked for'}")
        if isinstance(message, FilePart):
            self._open[name] += message.content()
            if len(self._open[name]) > self._limit_bytes:
                raise ValueError(f"the file {name!r} has more than {self._limit_bytes:,} bytes")
            return
        content = bytes(self._open.pop(name))
        if hashlib.sha256(content).hexdigest() != message.sha256:
            raise ValueError(f"the file {name!r} came damaged")
        self.whole[name] = content
