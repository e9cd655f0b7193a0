"""The Raspberry Pi's camera as a source, through picamera2, which comes with Raspberry Pi OS."""

import time
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from typing import Any

from digitrec_edge.errors import NotInstalledError, SourceError
from digitrec_edge.watching.frames import Events, Frame
from digitrec_edge.watching.newest import newest
from digitrec_edge.watching.sources import Asked

SIZE = (1280, 720)
"""Width and height that are asked for; the camera may give others."""

TIMEOUT_S = 10.0


def frames(text: str, asked: Asked) -> Events:
    """Yield the newest frames of the camera.

    Raises:
        NotInstalledError: picamera2 is not there.
        SourceError: there is no camera, or it fails.
    """
    try:
        camera = import_module("picamera2").Picamera2
    except ModuleNotFoundError:
        raise NotInstalledError(
            "camera:pi needs picamera2, which comes with Raspberry Pi OS; type: sudo apt install python3-picamera2, "
            "and use a virtual environment that was made with --system-site-packages"
        ) from None
    try:
        for pixels in newest(_frames(camera), asked.interval_s, TIMEOUT_S):
            yield Frame(pixels[..., 2::-1].copy(), "frame", time.monotonic())  # its RGB888 is blue, green, red
    except (RuntimeError, IndexError, OSError) as cause:  # IndexError: there is no camera
        raise SourceError(f"camera:pi fails: {cause}; rpicam-hello --list-cameras shows what there is") from cause
    raise SourceError("camera:pi gives no frames any more")


def _frames(open_camera: Any) -> Iterator[Any]:
    """Yield what the camera captures; it is opened, used and closed in one thread."""
    with closing(open_camera()) as camera:
        camera.configure(camera.create_video_configuration(main={"size": SIZE, "format": "RGB888"}))
        camera.start()
        try:
            while True:
                yield camera.capture_array("main")
        finally:
            camera.stop()
