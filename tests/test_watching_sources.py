"""Sources: each kind gives its frames, says in one line what is wrong, and shows no password."""

import io
import itertools
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from digitrec_edge.errors import NotInstalledError, SourceError
from digitrec_edge.watching import mjpeg
from digitrec_edge.watching.addresses import credentials, from_file, shown
from digitrec_edge.watching.frames import LONGEST_WAIT_S, Frame, Missing, paced, reopened
from digitrec_edge.watching.newest import newest
from digitrec_edge.watching.sources import SOURCES, Asked, find, open_source
from tests.an_rtsp_server import rtsp_server
from tests.made_videos import write_video
from tests.streams import LOGIN, jpeg, serving

GREYS = [np.full((48, 64, 3), grey, np.uint8) for grey in (30, 90, 150, 210)]


def means(events: Any, count: int | None = None) -> list[int]:
    """How bright frames are, to the next 10."""
    frames = [event for event in itertools.islice(events, count) if isinstance(event, Frame)]
    return [round(float(frame.pixels.mean()), -1) for frame in frames]  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("camera:pi", "Pi camera"), ("picamera", "Pi camera"), ("/dev/video0", "camera"), ("camera:2", "camera"),
        ("rtsp://a/b", "RTSP"), ("RTSPS://a/b", "RTSP"), ("http://a", "MJPEG or snapshot"),
        ("https://a", "MJPEG or snapshot"),
    ],
)  # fmt: skip
def test_each_kind_is_recognised(text: str, name: str) -> None:
    assert find(text).name == name


def test_what_is_no_source_is_told_with_all_that_are() -> None:
    for text in ("nowhere.mp4", "ftp://user:secret@host/x"):
        with pytest.raises(SourceError) as refused:
            find(text)
        assert "secret" not in str(refused.value)
        assert all(row.help in str(refused.value) for row in SOURCES)


def test_no_password_is_shown() -> None:
    assert shown("rtsp://user:p%40ss@cam:554/live?pwd=x#y") == "rtsp://cam:554/live"
    assert shown("http://user:a@b@cam/") == "http://cam/"
    assert shown("http://cam?password=x") == "http://cam"
    assert shown("video.mp4") == "video.mp4"
    assert credentials("http://a%20b:p%40@cam/") == ("a b", "p@")
    assert credentials("http://cam/") is None


def test_an_address_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "address").write_text("rtsp://user:secret@cam/live\nmore\n")
    assert from_file(f"@{tmp_path / 'address'}") == "rtsp://user:secret@cam/live"
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(SourceError, match="the first line of .* is empty"):
        from_file(f"@{tmp_path / 'empty'}")


def save(folder: Path, *numbers: int) -> None:
    for number in numbers:
        Image.fromarray(GREYS[number]).save(folder / f"{number}.png")


def test_a_folder_gives_its_pictures_by_name_and_says_which_cannot_be_read(tmp_path: Path) -> None:
    save(tmp_path, 2, 0)
    (tmp_path / "1.png").write_bytes(b"no picture")
    events = [*open_source(str(tmp_path), Asked())]
    assert [type(event) for event in events] == [Frame, Missing, Frame]
    assert means(iter(events)) == [30, 150]
    assert "is not a picture" in getattr(events[1], "detail", "")


def test_an_empty_folder_is_told_unless_it_is_followed(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="add --follow"):
        next(open_source(str(tmp_path), Asked()))


def test_a_followed_folder_gives_pictures_as_they_appear_and_when_they_are_whole(tmp_path: Path) -> None:
    save(tmp_path, 0)
    events = open_source(str(tmp_path), Asked(follow=True))
    assert means(events, 1) == [30]
    stream = io.BytesIO()
    Image.fromarray(GREYS[1]).save(stream, "PNG")
    threading.Timer(0.1, (tmp_path / "1.png").write_bytes, [stream.getvalue()]).start()
    assert means(events, 1) == [90]
    save(tmp_path, 3)
    assert means(events, 1) == [210]
    Image.fromarray(GREYS[2]).save(tmp_path / "3.png")  # another picture in its place
    assert means(events, 1) == [150]
    events.close()


def test_a_folder_that_goes_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    save(folder, 0)
    events = open_source(str(folder), Asked(follow=True))
    next(events)
    (folder / "0.png").unlink()
    folder.rmdir()
    with pytest.raises(SourceError, match="no such folder"):
        next(events)


def test_a_video_gives_every_frame_on_its_own_clock(tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    for name in ("a.avi", "a.mp4"):
        write_video(tmp_path / name, tuple(GREYS), 10.0)
        events = [*open_source(str(tmp_path / name), Asked())]
        assert means(iter(events)) == [30, 90, 150, 210]
        assert [getattr(event, "clock_s", None) for event in events] == pytest.approx([0.0, 0.1, 0.2, 0.3])
        assert means(open_source(str(tmp_path / name), Asked(per_second=5))) == [30, 150]


def test_red_stays_red(tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    red = np.zeros((48, 64, 3), np.uint8)
    red[..., 0] = 200
    write_video(tmp_path / "red.avi", (red,))
    (frame,) = open_source(str(tmp_path / "red.avi"), Asked())
    assert isinstance(frame, Frame)
    assert frame.pixels.mean(axis=(0, 1)).argmax() == 0


def test_what_is_no_video_is_told(tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    (tmp_path / "a.mp4").write_bytes(b"no video" * 100)
    with pytest.raises(SourceError, match=r"cannot open .*a\.mp4"):
        next(open_source(str(tmp_path / "a.mp4"), Asked()))


def test_a_camera_that_is_not_there_is_told() -> None:
    pytest.importorskip("cv2")
    with pytest.raises(SourceError, match="cannot open camera:77"):
        next(open_source("camera:77", Asked()))


def test_a_stream_that_is_not_there_is_told_without_its_password() -> None:
    pytest.importorskip("cv2")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}/live"
    with pytest.raises(SourceError) as refused:
        next(open_source(f"rtsp://user:secret@{address}", Asked()))
    assert str(refused.value) == f"cannot open rtsp://{address} as a video, a stream or a camera"


def test_an_rtsp_stream_gives_frames_and_is_lost_when_it_ends() -> None:
    pytest.importorskip("cv2")
    half = np.zeros((240, 320, 3), np.uint8)
    half[:, :160, 0] = 200
    with rtsp_server([jpeg(half, subsampling=2)] * 60) as host:
        events = open_source(f"rtsp://user:secret@{host}/live", Asked(per_second=100))
        frame = next(events)
        assert isinstance(frame, Frame)
        assert frame.size == (320, 240)
        assert np.abs(frame.pixels[120, 80].astype(int) - (200, 0, 0)).max() < 16
        lost = next(event for event in events if isinstance(event, Missing))
        assert lost.detail == f"rtsp://{host}/live gives no frames any more; trying again in 1 s"
        events.close()


def test_without_opencv_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(NotInstalledError, match="needs OpenCV, which is not installed; type: "):
        next(open_source("camera:0", Asked()))


@pytest.mark.parametrize("kind", ["stream", "lengthless"])
def test_mjpeg_gives_frames_until_it_ends_and_is_opened_again(kind: str) -> None:
    with serving([jpeg(GREYS[3])]) as host:
        events = open_source(f"http://{host}/{kind}", Asked(per_second=100))
        assert means(events, 1) == [210]
        lost = next(events)
        assert isinstance(lost, Missing)
        assert lost.reason == "source lost"
        assert means(events, 1) == [210]
        events.close()


def test_a_snapshot_is_asked_for_again_and_again() -> None:
    with serving([*map(jpeg, GREYS)]) as host:
        events = open_source(f"http://{host}/snapshot", Asked(per_second=100))
        assert means(events, 5) == [30, 90, 150, 210, 30]
        events.close()


def test_a_login_goes_in_a_header_and_its_want_is_told() -> None:
    with serving([jpeg(GREYS[0])]) as host:
        login = ":".join(quote(part, safe="") for part in LOGIN)
        events = open_source(f"http://{login}@{host}/private", Asked())
        assert means(events, 1) == [30]
        events.close()
        with pytest.raises(
            SourceError, match=f"^http://{host}/private answers with status 401; give user and password"
        ):
            next(open_source(f"http://user:wrong@{host}/private", Asked()))


def test_what_is_no_stream_of_pictures_is_told() -> None:
    with serving([b"<html>"]) as host:
        with pytest.raises(SourceError, match="answers with text/html"):
            next(open_source(f"http://{host}/page", Asked()))
        with pytest.raises(SourceError, match="is not a picture"):
            next(open_source(f"http://{host}/stream", Asked()))
    with pytest.raises(SourceError, match="cannot be reached"):
        next(open_source(f"http://{host}/stream", Asked()))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"--x\r\nContent-Length: 99999999\r\n\r\n", "at most"),
        (b"--x\r\nContent-Length: 50\r\n\r\nshort", "ends within a frame"),
        (b"--x\r\n\r\nnever ended", "ends within a frame"),
        (b"--x\r\n" + b"A: b\r\n" * 40, "too many headers"),
        (b"--x\r\n\r\n" + b"\0" * (mjpeg.LIMIT_BYTES + 9000), "more than"),
        (b"\n" * 9000, "no boundary"),
    ],
)
def test_a_hostile_stream_is_bounded(body: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        [*mjpeg.parts(io.BytesIO(body), "x")]


def test_parts_are_taken_apart_whatever_is_between_them() -> None:
    body = b"hello\r\n--x\r\nContent-length:3\r\n\r\na\nb\r\n--x\r\n\r\nline\r\nline\r\n--x--\r\nend"
    assert [*mjpeg.parts(io.BytesIO(body), "--x")] == [b"a\nb", b"line\r\nline\r\n"]
    with pytest.raises(ValueError, match="no boundary"):
        [*mjpeg.parts(io.BytesIO(body), "")]


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


def test_a_source_that_fails_is_opened_again_after_longer_and_longer_waits() -> None:
    frame, waits, opened = Frame(GREYS[0], "f", 0.0), list[float](), itertools.count()

    def open_it() -> Iterator[Frame]:
        number = next(opened)
        if number in (0, 9):
            yield frame
        raise SourceError("unplugged")

    events = reopened(open_it, waits.append)  # type: ignore[arg-type]
    found = [*itertools.islice(events, 12)]
    assert [isinstance(event, Frame) for event in found] == [k in (0, 10) for k in range(12)]
    assert found[1] == Missing("source lost", "unplugged; trying again in 1 s")
    assert waits == [1, 2, 4, 8, 16, 32, LONGEST_WAIT_S, LONGEST_WAIT_S, LONGEST_WAIT_S]


def test_a_source_that_never_opened_is_an_error() -> None:
    def open_it() -> Iterator[Frame]:
        raise SourceError("no such camera")
        yield

    with pytest.raises(SourceError, match="no such camera"):
        next(reopened(open_it))  # type: ignore[arg-type]


def test_the_newest_is_given_and_the_rest_dropped() -> None:
    step, started = threading.Semaphore(0), threading.Event()

    def items() -> Iterator[int]:
        yield 0
        started.set()
        yield from range(1, 6)
        step.acquire()
        yield 9

    found = newest(items(), 0.0, 60.0)
    first = next(found)
    started.wait(60)
    seen = [first]
    while seen[-1] != 5:
        seen.append(next(found))
    step.release()
    assert seen == sorted(set(seen))
    assert [*found] == [9]


def test_what_fails_or_hangs_ends_the_newest() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise SourceError("unplugged")

    found = newest(failing(), 0.0, 60.0)
    assert next(found) == 1
    with pytest.raises(SourceError, match="unplugged"):
        next(found)
    hang = threading.Event()
    assert [*newest((1 for _ in iter(hang.wait, True)), 0.0, 0.05)] == []
    hang.set()


def test_frames_are_passed_on_at_the_pace_that_is_asked_for() -> None:
    frames = [Frame(GREYS[0], str(k), k / 30) for k in range(90)]
    passed = [*paced((frame for frame in frames), 2)]
    assert [getattr(one, "clock_s", None) for one in passed] == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0, 2.5])
