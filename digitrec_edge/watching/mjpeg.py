"""MJPEG over http as a source: a multipart answer without end, or a picture that is asked for again and again."""

import base64
import http.client
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from digitrec_edge.errors import PictureError, SourceError
from digitrec_edge.preprocess.reading import open_picture
from digitrec_edge.watching.addresses import credentials, shown
from digitrec_edge.watching.frames import Events, Frame
from digitrec_edge.watching.newest import newest
from digitrec_edge.watching.sources import Asked

TIMEOUT_S = 10.0
LIMIT_BYTES = 16 << 20
"""Of one frame."""

_LINE_BYTES = 4096
_HEADER_LINES = 32


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows where an address leads, without user and password where that is another host or port."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request and urlsplit(newurl)[:2] != urlsplit(req.full_url)[:2]:
            request.remove_header("Authorization")
        return request


def frames(text: str, asked: Asked) -> Events:
    """Yield the frames of an address; one that answers with a single picture is asked again for each frame.

    Raises:
        SourceError: no answer, another status than 200, or what is neither MJPEG nor a picture.
    """
    while True:
        with _answer(text) as answer:
            kind = answer.headers.get_content_type()
            if kind.startswith("image/"):
                yield from (_frame(data, text) for data in _guarded(_whole(answer), text))
            elif kind.startswith("multipart/"):
                found = _guarded(parts(answer, str(answer.headers.get_param("boundary", ""))), text)
                yield from (_frame(part, text) for part in newest(found, asked.interval_s, TIMEOUT_S))
                raise SourceError(f"{shown(text)} gives no frames any more")
            else:
                raise SourceError(
                    f"{shown(text)} answers with {kind}; multipart/x-mixed-replace or image/jpeg is needed"
                )
        time.sleep(asked.interval_s)


def _answer(text: str) -> Any:
    try:
        request = urllib.request.Request(_bare(text), headers={"User-Agent": "digitrec-edge"})
        if login := credentials(text):
            request.add_header("Authorization", "Basic " + base64.b64encode(":".join(login).encode()).decode())
        return urllib.request.build_opener(_Redirects).open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        error.close()
        hint = "; give user and password as http://USER:PASSWORD@HOST in a file, and its name as @FILE" * (
            error.code == 401
        )
        raise SourceError(f"{shown(text)} answers with status {error.code}{hint}") from None
    except (http.client.InvalidURL, ValueError):  # whose text may be part of a password
        raise SourceError(
            f"{shown(text)} is no address; signs of a user or password such as / and @ are written as %2F and %40"
        ) from None
    except (OSError, http.client.HTTPException) as cause:
        reason = getattr(cause, "reason", None) or cause
        raise SourceError(f"{shown(text)} cannot be reached: {reason}") from None


def _bare(text: str) -> str:
    """Return the address without user and password, which travel in a header."""
    scheme, rest = text.split("://", 1)
    place, slash, path = rest.partition("/")
    return f"{scheme}://{place.rpartition('@')[2]}{slash}{path}"


def _guarded(found: Iterator[bytes], text: str) -> Iterator[bytes]:
    try:
        yield from found
    except (OSError, http.client.HTTPException, ValueError) as cause:
        raise SourceError(f"{shown(text)} broke off: {cause}") from None


def _whole(answer: BinaryIO) -> Iterator[bytes]:
    yield answer.read(LIMIT_BYTES + 1)


def _frame(data: bytes, text: str) -> Frame:
    try:
        return Frame(open_picture(data, "a frame").grey, "frame", time.monotonic())
    except PictureError as error:
        raise SourceError(f"{shown(text)}: {error}") from None


def parts(stream: BinaryIO, boundary: str) -> Iterator[bytes]:
    """Yield the parts of a multipart body; with a Content-Length at once, else when the next boundary has come.

    Raises:
        ValueError: it is not one, or a part is larger than ``LIMIT_BYTES``.
    """
    mark = b"--" + boundary.strip('"').removeprefix("--").encode()
    if len(mark) < 3:
        raise ValueError("no boundary is named")
    more = _skip_to(stream, mark)
    while more:
        length = _content_length(stream)
        if length is None:
            data, more = _until(stream, mark)
            yield data
        else:
            yield _exactly(stream, length)
            more = _skip_to(stream, mark)


def _skip_to(stream: BinaryIO, mark: bytes) -> bool:
    for _ in range(LIMIT_BYTES // _LINE_BYTES):
        line = stream.readline(_LINE_BYTES)
        if not line:
            return False
        if line.strip().startswith(mark):
            return not line.strip().endswith(mark + b"--")
    raise ValueError("no boundary comes")


def _content_length(stream: BinaryIO) -> int | None:
    found = None
    for _ in range(_HEADER_LINES):
        line = stream.readline(_LINE_BYTES).strip()
        if not line:
            if found is not None and found > LIMIT_BYTES:
                raise ValueError(f"a frame of {found:,} bytes; at most {LIMIT_BYTES:,} are read")
            return found
        if match := re.fullmatch(rb"content-length\s*:\s*(\d{1,12})", line, re.IGNORECASE):
            found = int(match[1])
    raise ValueError("a part has too many headers")


def _exactly(stream: BinaryIO, length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise ValueError("it ends within a frame")
    return data


def _until(stream: BinaryIO, mark: bytes) -> tuple[bytes, bool]:
    """Return what comes before the next boundary, which is taken, too; and whether more follows."""
    data = bytearray()
    while line := stream.readline(_LINE_BYTES):
        if line.startswith(mark):
            return bytes(data), not line.strip().endswith(mark + b"--")
        data += line
        if len(data) > LIMIT_BYTES:
            raise ValueError(f"a frame of more than {LIMIT_BYTES:,} bytes")
    raise ValueError("it ends within a frame")
