"""The Pi's camera, by a stub of picamera2: the module is on Raspberry Pi OS alone."""

import sys
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from digitrec_edge.errors import NotInstalledError, SourceError
from digitrec_edge.watching.frames import Frame
from digitrec_edge.watching.sources import Asked, open_source


class StubCamera:
    """picamera2's Picamera2, as far as it is used: https://datasheets.raspberrypi.com/camera/picamera2-manual.pdf."""

    calls: tuple[str, ...] = ()

    def create_video_configuration(self, main: dict[str, Any]) -> dict[str, Any]:
        assert main["format"] == "RGB888"
        return {"main": main}

    def configure(self, configuration: dict[str, Any]) -> None:
        self.size = configuration["main"]["size"]

    def start(self) -> None:
        type(self).calls += ("start",)

    def capture_array(self, name: str) -> Any:
        assert name == "main"
        pixels = np.zeros((self.size[1], self.size[0], 3), np.uint8)
        pixels[..., 2] = 200  # blue, green, red
        return pixels

    def stop(self) -> None:
        type(self).calls += ("stop",)

    def close(self) -> None:
        type(self).calls += ("close",)


def test_the_pi_camera_gives_frames_in_red_green_blue_and_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", SimpleNamespace(Picamera2=StubCamera))
    events = open_source("camera:pi", Asked(per_second=100))
    frame = next(events)
    assert isinstance(frame, Frame)
    assert (frame.size, frame.pixels[0, 0].tolist()) == ((1280, 720), [200, 0, 0])
    events.close()
    end = time.monotonic() + 60
    while StubCamera.calls != ("start", "stop", "close") and time.monotonic() < end:
        time.sleep(0.01)
    assert StubCamera.calls == ("start", "stop", "close")


def test_a_pi_without_a_camera_or_without_picamera2_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_there() -> None:
        raise IndexError("list index out of range")

    monkeypatch.setitem(sys.modules, "picamera2", SimpleNamespace(Picamera2=none_there))
    with pytest.raises(SourceError, match="camera:pi fails: .*list-cameras"):
        next(open_source("camera:pi", Asked()))
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(NotInstalledError, match="apt install python3-picamera2"):
        next(open_source("camera:pi", Asked()))
