"""What a device's side of a connection sends: lines of JSON behind a mark, each one of four records."""

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any

from digitrec_edge.records import load_json, parse

MARK = "digitrec-edge:"


@dataclass(frozen=True)
class PrintedLine:
    """A line that the program on the device printed."""

    line: str


@dataclass(frozen=True)
class FetchedFile:
    """A file that was asked for.

    Attributes:
        file: its name.
        data: its contents in base64.
    """

    file: str
    data: str
    sha256: str

    def content(self) -> bytes:
        """Return the contents.

        Raises:
            ValueError: they are not those that were sent.
        """
        try:
            content = base64.b64decode(self.data, validate=True)
        except binascii.Error:
            content = b""
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise ValueError(f"the file {self.file} came damaged")
        return content


@dataclass(frozen=True)
class Refusal:
    """Why a request cannot be met; the kinds are those of agent.py."""

    kind: str
    message: str


@dataclass(frozen=True)
class _Refused:
    error: Refusal


@dataclass(frozen=True)
class Done:
    """The last message: what the request came to, still to be parsed by who knows what was asked."""

    done: Any


def read_message(text: str) -> PrintedLine | FetchedFile | Refusal | Done:
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
    return parse(FetchedFile, raw, "message") if "file" in raw else parse(PrintedLine, raw, "message")


@dataclass
class Answer:
    """The messages of one request, as far as they came.

    Attributes:
        files: contents by name.
        last: None when the connection broke.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    last: Done | Refusal | None = None


def listen(stream: IO[bytes], on_line: Callable[[str], None]) -> Answer:
    """Read messages to the last one; what a login's own files print, or half a line, is passed over.

    Raises:
        ValueError: one is no message of this version.
    """
    answer = Answer()
    for raw in stream:
        text = raw.decode(errors="replace")
        if not text.startswith(MARK) or not text.endswith("\n"):
            continue
        message = read_message(text[len(MARK) :])
        if isinstance(message, PrintedLine):
            answer.lines.append(message.line)
            on_line(message.line)
        elif isinstance(message, FetchedFile):
            answer.files[message.file] = message.content()
        else:
            answer.last = message
            break
    return answer
