"""Sources: each kind gives its frames, says in one line what is wrong, and shows no password."""

import io
import itertools
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from digitrec_edge.errors import NotInstalledError, SourceError
from digitrec_edge.preprocess.reading import read
from digitrec_edge.watching.addresses import credentials, from_file, shown
from digitrec_edge.watching.frames import Frame, Missing
from digitrec_edge.watching.sources import SOURCES, Asked, find, open_source
from tests.an_rtsp_server import rtsp_server
from tests.made_videos import write_video
from tests.streams import jpeg

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
    assert shown("rtsp://admin:pa/ss@cam/live") == "rtsp://...cam/live"
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


def test_every_picture_of_a_folder_is_read_however_slowly_they_are_asked_for(tmp_path: Path) -> None:
    for number in range(4):
        save(tmp_path, number)
    assert means(open_source(str(tmp_path), Asked(per_second=20))) == [30, 90, 150, 210]


def test_a_picture_after_one_that_took_long_to_read_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow_at_first(path: Path) -> Any:
        time.sleep(0.15 if path.name.startswith("0") else 0)
        return read(path)

    monkeypatch.setattr("digitrec_edge.watching.folder.read", slow_at_first)
    for number in range(4):
        save(tmp_path, number)
    assert means(open_source(str(tmp_path), Asked(per_second=20))) == [30, 90, 150, 210]


def test_a_followed_folder_that_goes_is_told_once_and_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    save(folder, 0)
    events = open_source(str(folder), Asked(follow=True))
    next(events)
    folder.rename(tmp_path / "gone")
    lost = next(events)
    assert isinstance(lost, Missing)
    assert (lost.reason, lost.detail) == ("source lost", f"no such folder: {folder}; waiting for it")
    save(tmp_path / "gone", 2)
    threading.Timer(0.6, (tmp_path / "gone").rename, [folder]).start()
    assert means(events, 1) == [150]  # 0.png was read before
    events.close()


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


@pytest.mark.parametrize("udp", [False, True])
def test_an_rtsp_stream_gives_frames_and_is_lost_when_it_ends(udp: bool) -> None:
    pytest.importorskip("cv2")
    half = np.zeros((240, 320, 3), np.uint8)
    half[:, :160, 0] = 200
    with rtsp_server([jpeg(half, subsampling=2)] * 60, udp) as host:
        events = open_source(f"rtsp://user:secret@{host}/live", Asked(per_second=100))
        frame = next(events)
        assert isinstance(frame, Frame)
        assert frame.size == (320, 240)
        assert np.abs(frame.pixels[120, 80].astype(int) - (200, 0, 0)).max() < 16
        lost = next(event for event in events if isinstance(event, Missing))
        assert lost.detail == f"rtsp://{host}/live gives no frames any more; trying again in 1 s"
        events.close()


def test_frames_of_which_a_packet_is_lost_do_not_count() -> None:
    """A stream's packets of UDP may be lost; what is given is whole."""
    pytest.importorskip("cv2")
    noise = np.random.default_rng(0).integers(0, 256, (30, 40, 1), np.uint8)
    picture = np.kron(noise, np.ones((8, 8, 3), np.uint8))
    with rtsp_server([jpeg(picture, subsampling=2)] * 250, udp=True, lost=50) as host:
        events = open_source(f"rtsp://{host}/live", Asked(per_second=100))
        frames = [event for event in itertools.islice(events, 10) if isinstance(event, Frame)]
        events.close()
    whole = np.asarray(Image.open(io.BytesIO(jpeg(picture, subsampling=2))))
    assert len(frames) == 10
    assert max(np.abs(frame.pixels.astype(int) - whole).mean() for frame in frames) < 5


def test_without_opencv_the_extra_is_named_and_for_one_picture_what_needs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(NotInstalledError, match="needs OpenCV, which is not installed; type: "):
        next(open_source("camera:0", Asked()))
    save(tmp_path, 0)
    with pytest.raises(NotInstalledError, match="predict .*0.png, or watch its folder"):
        next(open_source(str(tmp_path / "0.png"), Asked()))
