"""The parts of a service by themselves: frames, forms, values of a query, and the times of connections."""

import asyncio
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from starlette.requests import Request

from digitrec_edge import artifact, pretrained
from digitrec_edge.service.connections import BoundedConnection
from digitrec_edge.service.frames import FrameKind, PipeFrame, receive, size, unpack
from digitrec_edge.service.guard import HttpRefusal
from digitrec_edge.service.home import page_of
from digitrec_edge.service.multipart import BodyError, picture_of
from digitrec_edge.service.parameters import Body, BodyRoom, read_query
from digitrec_edge.service.routes import ROUTES
from digitrec_edge.service.settings import ServiceLimits
from digitrec_edge.service.staff import BusyError, Staff, TooSlowError
from tests.serving import png

READ = next(route for route in ROUTES if route.path == "/v1/read")


def test_a_frame_comes_out_as_it_went_in_whatever_the_pieces() -> None:
    sent = PipeFrame(FrameKind.ANSWER, {"a": [1, None]}, bytes(200_000), b"extra")
    data = sent.pack()
    assert size(data[:3]) == 0
    assert size(data[:20]) == len(data)
    assert unpack(data) == sent
    one, other = socket.socketpair()
    with one, other:
        one.settimeout(60)
        other.setblocking(True)
        one.sendall(data[:50_000])

        def send_the_rest() -> None:
            one.sendall(data[50_000:])
            one.close()

        rest = threading.Thread(target=send_the_rest)
        rest.start()
        assert receive(other) == sent
        assert receive(other) is None
        rest.join()


def form(*files: bytes, boundary: bytes = b"x", end: bytes = b"--\r\n") -> bytes:
    parts = [b'Content-Disposition: form-data; name="f"; filename="n"\r\n\r\n' + one for one in files]
    field = b'Content-Disposition: form-data; name="text"\r\n\r\nno file'
    return b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in (field, *parts)) + b"--" + boundary + end


def test_the_file_of_a_form_is_taken_byte_for_byte() -> None:
    picture = bytes(range(256)) * 40 + b"\r\n--not the boundary\r\n"
    assert picture_of(form(picture), "multipart/form-data; boundary=x") == picture
    assert picture_of(form(picture, boundary=b"a b"), 'Multipart/Form-Data; boundary="a b"') == picture
    assert picture_of(picture, "image/png") == picture
    assert picture_of(picture, "") == picture


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (form(), "multipart/form-data; boundary=x", "0 files"),
        (form(b"a", b"b"), "multipart/form-data; boundary=x", "2 files"),
        (form(b"a", end=b"\r\n"), "multipart/form-data; boundary=x", "ends before"),
        (form(b"a"), "multipart/form-data; boundary=y", "cannot be read"),
        (form(b"a"), "multipart/form-data", "boundary"),
        (b"--x\r\n" + b"A: b\r\n" * 100 + b"\r\n\r\n--x--\r\n", "multipart/form-data; boundary=x", "cannot be read"),
        (b"", "multipart/form-data; boundary=x", "ends before"),
    ],
)
def test_a_form_that_is_none_is_told(body: bytes, kind: str, words: str) -> None:
    with pytest.raises(BodyError, match=words):
        picture_of(body, kind)


def test_values_of_a_query_are_read_as_the_table_says() -> None:
    assert read_query(READ, b"") == {"multi": False, "min_confidence": 0.0, "accept_anything": False}
    assert read_query(READ, b"multi=1&min_confidence=0.5")["min_confidence"] == 0.5
    for query in (
        b"multi=2",
        b"min_confidence=1.1",
        b"min_confidence=inf",
        b"min_confidence=",
        b"x=1",
        b"&" * 100 + b"a=1",
    ):
        with pytest.raises(HttpRefusal) as refused:
            read_query(READ, query)
        assert refused.value.status == 400


def body_of(parts: list[bytes], limits: ServiceLimits, room: BodyRoom, *, stall: bool = False) -> Body:
    waiting = list(parts)

    async def more() -> dict[str, Any]:
        if not waiting and stall:
            await asyncio.sleep(3600)
        part = waiting.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(waiting) or stall}

    return Body(Request({"type": "http", "headers": [], "method": "POST"}, more), limits, room)


def status_of(body: Body) -> int:
    with pytest.raises(HttpRefusal) as refused:
        asyncio.run(body.read())
    body.release()
    return refused.value.status


def test_a_body_is_bounded_in_size_time_and_with_all_others() -> None:
    room = BodyRoom(200_000)
    limits = ServiceLimits(body_bytes=150_000, body_s=0.05)
    assert status_of(body_of([bytes(100_000)] * 2, limits, room)) == 413
    assert status_of(body_of([b"half"], limits, room, stall=True)) == 408
    first, second = (body_of([bytes(120_000)], limits, room) for _ in range(2))
    assert len(asyncio.run(first.read())) == 120_000
    assert status_of(second) == 503
    first.release()
    assert len(asyncio.run(body_of([bytes(120_000)], limits, room).read())) == 120_000


class Wire:
    """Stands for a transport: remembers what became of it."""

    def __init__(self) -> None:
        self.sent, self.closed, self.aborted = b"", False, False

    def write(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.closed


@pytest.mark.parametrize(
    ("head", "since", "closed", "said"),
    [(0, 0.0, True, b""), (5, 0.0, True, b" 408 "), (5, 95.0, False, b""), (5, None, False, b"")],
)
def test_a_client_that_takes_too_long_is_given_up(head: int, since: float | None, closed: bool, said: bytes) -> None:
    connection = BoundedConnection.__new__(BoundedConnection)
    connection.limits, connection._since, connection._head_bytes = ServiceLimits(), since, head
    connection.transport = wire = Wire()  # type: ignore[assignment]
    connection.overdue(100.0)
    assert wire.closed == closed
    assert said in wire.sent
    assert bool(wire.sent) == bool(said)
    if closed:
        connection.overdue(100.0)
        assert wire.aborted  # it does not take what it asked for


@pytest.mark.parametrize(("stuck", "aborted"), [(79.0, True), (81.0, False), (None, False)])
def test_a_client_that_does_not_take_its_answer_is_given_up(stuck: float | None, aborted: bool) -> None:
    connection = BoundedConnection.__new__(BoundedConnection)
    connection.limits, connection._since, connection._stuck = ServiceLimits(), None, stuck
    connection.transport = wire = Wire()  # type: ignore[assignment]
    connection.overdue(100.0)
    assert wire.aborted == aborted


def test_a_picture_that_takes_too_long_ends_its_reader_and_another_comes() -> None:
    async def run() -> None:
        lost: list[bool] = []
        staff = Staff(artifact.read(pretrained.DEFAULT), "native", 1, lambda: lost.append(True))
        await staff.hire()
        try:
            line = {"multi": False, "min_confidence": 0.0, "accept_anything": False, "type": "", "kept": False}
            from digitrec_edge import mnist

            frame = PipeFrame(FrameKind.READ, line, png(mnist.load("test").images[0]))
            with pytest.raises(TooSlowError):
                await staff.read(frame, 0.0, 4)
            with pytest.raises(BusyError):  # none may wait
                await staff.read(frame, 60.0, 0)
            with pytest.raises(BusyError):  # not so long
                await staff.read(frame, 0.0, 4)
            assert (await staff.read(frame, 60.0, 4)).line == [1, 0, 0]
            assert lost == [True]
        finally:
            await staff.close()

    asyncio.run(run())


def test_the_page_is_that_of_the_artifact_or_says_why_there_is_none() -> None:
    found = artifact.read(pretrained.DEFAULT)
    page = page_of(found)
    again = artifact.parse(page)
    assert (again.card, again.format.name) == (found.card, "html")
    assert page_of(again) == page
    other = page_of(artifact.read(pretrained.BY_FORMAT["onnx"]))
    assert b"needs an int8 .tflite artifact, and this is " in other


def test_an_int8_artifact_that_the_page_does_not_compute_has_no_page_to_draw_on(web_artifacts: Path) -> None:
    page = page_of(artifact.read(web_artifacts / "digitrec-int8-litert-web.tflite"))
    assert b"<canvas" not in page
    assert b"There is no page to draw on: the page takes int8 logits, these are uint8" in page
