"""The sources: where frames come from, one row each."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from digitrec_edge.errors import SourceError
from digitrec_edge.watching.addresses import from_file, shown
from digitrec_edge.watching.frames import Events, reopened


@dataclass(frozen=True)
class Asked:
    """What is asked of a source.

    Attributes:
        follow: of a folder, whether pictures that appear later are waited for.
        per_second: how many frames at most; None for all, and for ``LIVE_PER_SECOND`` of a live source.
    """

    follow: bool = False
    per_second: float | None = None

    @property
    def interval_s(self) -> float:
        """Seconds between two frames, at the least."""
        return 1 / self.per_second if self.per_second else 0.0


@dataclass(frozen=True)
class SourceRow:
    """A kind of source.

    Attributes:
        name: what it is called.
        help: how it is written on the command line.
        recognises: whether a text names one.
        opener: ``module:function`` that takes the text and an :class:`Asked` and gives frames.
        live: it has no end, and is opened again when it is lost.
    """

    name: str
    help: str
    recognises: Callable[[str], bool]
    opener: str
    live: bool


def _starts(*beginnings: str) -> Callable[[str], bool]:
    return lambda text: text.lower().startswith(beginnings)


def _matches(pattern: str) -> Callable[[str], bool]:
    return lambda text: re.fullmatch(pattern, text) is not None


LIVE_PER_SECOND = 5.0
"""Frames of a live source that are read, where nothing is said."""

_HERE = "digitrec_edge.watching"
SOURCES = (
    SourceRow("Pi camera", "camera:pi", _matches("camera:pi|picamera"), f"{_HERE}.picamera:frames", True),
    SourceRow(
        "camera", "/dev/video0 or camera:0", _matches(r"(/dev/video|camera:)\d+"), f"{_HERE}.capture:camera", True
    ),
    SourceRow("RTSP", "rtsp://HOST/PATH", _starts("rtsp://", "rtsps://"), f"{_HERE}.capture:stream", True),
    SourceRow("MJPEG or snapshot", "http://HOST/PATH", _starts("http://", "https://"), f"{_HERE}.mjpeg:frames", True),
    SourceRow("folder", "a folder of pictures", lambda text: Path(text).is_dir(), f"{_HERE}.folder:frames", False),
    SourceRow("video", "a video file", lambda text: Path(text).is_file(), f"{_HERE}.capture:video", False),
)
"""In the order in which a text is compared with them."""


def find(text: str) -> SourceRow:
    """Return the row of a source.

    Raises:
        SourceError: the text names none.
    """
    for row in SOURCES:
        if row.recognises(text):
            return row
    allowed = ", ".join(row.help for row in SOURCES)
    what = "an address of another kind" if "://" in text else "no file and no folder"
    raise SourceError(f"cannot watch {shown(text)}: {what}; give {allowed}")


def open_source(text: str, asked: Asked) -> Events:
    """Open a source and give its frames; one that is live is opened again whenever it is lost.

    Args:
        text: names it; ``@FILE`` stands for the first line of a file.
        asked: of it.

    Raises:
        SourceError: it cannot be opened, or gives no frame; later, one that is not live cannot be read further.
        NotInstalledError: it needs a package that is not installed.
    """
    text = from_file(text)
    row = find(text)
    module, _, function = row.opener.partition(":")
    opener: Callable[[str, Asked], Events] = getattr(import_module(module), function)
    if not row.live:
        return opener(text, asked)
    asked = replace(asked, per_second=asked.per_second or LIVE_PER_SECOND)
    return reopened(lambda: opener(text, asked))
