"""Video files, cameras and RTSP streams as sources, through OpenCV."""

import shlex
import time
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import Any

from digitrec_edge.errors import NotInstalledError, SourceError
from digitrec_edge.pip_lines import install_extra
from digitrec_edge.preprocess.reading import SUFFIXES
from digitrec_edge.watching.addresses import shown
from digitrec_edge.watching.frames import Events, Frame, paced
from digitrec_edge.watching.newest import newest
from digitrec_edge.watching.sources import Asked

OPEN_MS, READ_MS = 10_000, 10_000
"""How long a stream may take to answer, and then to give a frame."""

USUAL_RATE = 25.0
"""Frames a second of a video that does not say."""

_MODULE = "cv2"


def video(text: str, asked: Asked) -> Events:
    """Yield the frames of a video file, as fast as they are read, at most so many a second of the video's clock.

    Raises:
        SourceError: the file is no video.
    """
    return paced(_of_file(text), asked.per_second)


def _of_file(text: str) -> Events:
    cv2 = _opencv(text)
    capture = _opened(cv2, text, lambda: cv2.VideoCapture(str(Path(text).resolve()), cv2.CAP_FFMPEG))
    rate, number = capture.get(cv2.CAP_PROP_FPS) or USUAL_RATE, 0
    with closing(_frames(capture)) as found:
        for number, pixels in enumerate(found, 1):
            yield Frame(_coloured(cv2, pixels), f"frame {number}", (number - 1) / rate)
    if not number:
        raise SourceError(f"{text} holds no frame that can be read")


def camera(text: str, asked: Asked) -> Events:
    """Yield the newest frames of a camera, by number or device."""
    cv2 = _opencv(text)
    number = int(text.rpartition("camera:")[2] if "camera:" in text else text.removeprefix("/dev/video"))
    return _newest(cv2, text, asked, lambda: cv2.VideoCapture(number, cv2.CAP_V4L2))


def stream(text: str, asked: Asked) -> Events:
    """Yield the newest frames of an RTSP stream."""
    cv2 = _opencv(text)
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_MS]
    return _newest(cv2, text, asked, lambda: cv2.VideoCapture(text, cv2.CAP_FFMPEG, limits))


def _opencv(text: str) -> Any:
    try:
        import cv2
    except ModuleNotFoundError as missing:
        if missing.name != _MODULE:
            raise
        instead = ""
        if Path(text).suffix.lower() in SUFFIXES:
            instead = f"; one picture needs none: digitrec-edge predict {shlex.quote(text)}, or watch its folder"
        raise NotInstalledError(
            f"{shown(text)} needs OpenCV, which is not installed; type: {install_extra('watch')}{instead}"
        ) from None
    return cv2


def _opened(cv2: Any, text: str, open_capture: Callable[[], Any]) -> Any:
    capture = open_capture()
    if not capture.isOpened():
        capture.release()
        raise SourceError(f"cannot open {shown(text)} as a video, a stream or a camera")
    return capture


def _coloured(cv2: Any, pixels: Any) -> Any:
    """Return red, green and blue in this order, and grey as it is."""
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB) if pixels.ndim == 3 else pixels


def _newest(cv2: Any, text: str, asked: Asked, open_capture: Callable[[], Any]) -> Events:
    capture = _opened(cv2, text, open_capture)
    for pixels in newest(_frames(capture), asked.interval_s, READ_MS / 1000):
        yield Frame(_coloured(cv2, pixels), "frame", time.monotonic())
    raise SourceError(f"{shown(text)} gives no frames any more")


def _frames(capture: Any) -> Generator[Any, None, None]:
    try:
        while (found := capture.read())[0]:
            yield found[1]
    finally:
        capture.release()
