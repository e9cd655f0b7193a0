"""MJPEG and snapshots over http: from a server on loopback, hostile ones included."""

import io
import itertools
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest

from digitrec_edge.errors import SourceError
from digitrec_edge.watching import mjpeg
from digitrec_edge.watching.frames import Frame, Missing
from digitrec_edge.watching.sources import Asked, open_source
from tests.streams import LOGIN, STALLED_S, jpeg, serving

GREYS = [np.full((48, 64, 3), grey, np.uint8) for grey in (30, 90, 150, 210)]


def means(events: Any, count: int | None = None) -> list[int]:
    """How bright frames are, to the next 10."""
    frames = [event for event in itertools.islice(events, count) if isinstance(event, Frame)]
    return [round(float(frame.pixels.mean()), -1) for frame in frames]  # type: ignore[misc]


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


def test_a_picture_that_stalls_is_a_source_that_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mjpeg, "TIMEOUT_S", STALLED_S / 5)
    with serving([b""]) as host, pytest.raises(SourceError, match="stalling broke off: timed out"):
        next(mjpeg.frames(f"http://{host}/stalling", Asked()))


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


def test_a_login_is_not_told_to_another_host_that_an_address_leads_to() -> None:
    login = ":".join(quote(part, safe="") for part in LOGIN)
    with serving([jpeg(GREYS[0])]) as host, serving([jpeg(GREYS[0])]) as other:
        events = open_source(f"http://{login}@{host}/leads?/private", Asked())
        assert means(events, 1) == [30]
        events.close()
        with pytest.raises(SourceError, match="answers with status 401"):
            next(open_source(f"http://{login}@{host}/leads?http://{other}/private", Asked()))


def test_what_is_no_stream_of_pictures_is_told() -> None:
    with serving([b"<html>"]) as host:
        with pytest.raises(SourceError, match="answers with text/html"):
            next(open_source(f"http://{host}/page", Asked()))
        with pytest.raises(SourceError, match="is not a picture"):
            next(open_source(f"http://{host}/stream", Asked()))
    with pytest.raises(SourceError, match="cannot be reached"):
        next(open_source(f"http://{host}/stream", Asked()))


@pytest.mark.parametrize("address", ["http://user:s3/cret@127.0.0.1:1/x", "http://[foo/x"])
def test_what_is_no_address_is_told_without_its_password(address: str) -> None:
    with pytest.raises(SourceError, match="is no address; .* are written as %2F and %40") as refused:
        next(mjpeg.frames(address, Asked()))
    assert "s3" not in str(refused.value)
    assert "cret" not in str(refused.value)


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
