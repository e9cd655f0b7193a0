"""What a service answers: what predict answers, and one clear line to everything that is not as it must be."""

import contextlib
import io
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from PIL import Image, ImageDraw

from digitrec_edge import mnist, pretrained
from digitrec_edge.preprocess.reading import open_picture
from digitrec_edge.recognition import How, recognise
from runtimes import load

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from digitrec_edge.service.routes import ROUTES
from tests.serving import LIMIT_S, Serving, png, serving, wait_for


@pytest.fixture(scope="module")
def images() -> list[bytes]:
    return [png(image) for image in mnist.load("test").images[:20]]


@pytest.fixture(scope="module")
def service() -> Iterator[Serving]:
    with serving("--runtime", "native", "--workers", "2", "--max-body-mb", "1", "--max-connections", "12") as found:
        yield found


def timeless(content: dict[str, object]) -> dict[str, object]:
    return {k: v for k, v in content.items() if k not in ("latency_us", "file_to_digit_ms")}


@pytest.mark.parametrize("query", ["", "?multi=1", "?min_confidence=1&accept_anything=true"])
def test_the_answer_is_that_of_predict(service: Serving, images: list[bytes], query: str) -> None:
    how = How("multi" in query, 1.0 if "min" in query else 0.0, "accept" in query)
    with load(pretrained.DEFAULT, "native") as model:
        for picture in images:
            expected = recognise(model, "picture", lambda picture=picture: open_picture(picture, ""), how).as_json()  # type: ignore[misc]
            reply = service.read(picture, query)
            assert reply.status == 200
            assert timeless(reply.json) == timeless(expected)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (130, "3 digits found where one is expected; read them all with ?multi=1"),
        (82, "no digit found: nothing has a digit's shape; digits that touch are read with ?multi=1"),
    ],
    ids=["apart", "touching"],
)
def test_advice_is_a_parameter_of_the_request_and_no_option_of_the_command_line(
    service: Serving, step: int, words: str
) -> None:
    picture = Image.new("L", (430, 200), 255)
    for x in (40, 40 + step, 40 + 2 * step):
        ImageDraw.Draw(picture).ellipse((x, 50, x + 90, 150), outline=0, width=10)
    data = io.BytesIO()
    picture.save(data, "PNG")
    reply = service.read(data.getvalue())
    assert (reply.status, reply.json["error"]) == (422, f"picture: {words}")
    assert len(service.read(data.getvalue(), "?multi=1").json["text"]) >= 3


def test_a_form_with_one_file_is_a_picture(service: Serving, images: list[bytes]) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="picture"; filename="../a.png"\r\n\r\n'
        + images[0]
        + b"\r\n--x--\r\n"
    )
    reply = service.read(body, Content_Type="multipart/form-data; boundary=x")
    assert (reply.status, reply.json["digit"], reply.json["picture"]) == (200, 7, "picture")


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "words"),
    [
        ("POST", "/v1/read", b"not a picture", {}, 422, "is not a picture"),
        ("POST", "/v1/read", b"", {}, 400, "empty"),
        ("POST", "/v1/read", bytes((1 << 20) + 1), {}, 413, "1,048,576"),
        ("POST", "/v1/read?multi=maybe", b"x", {}, 400, "multi is 'maybe', allowed is 1 or 0"),
        ("POST", "/v1/read?min_confidence=nan", b"x", {}, 400, "0 to 1"),
        ("POST", "/v1/read?other=1", b"x", {}, 400, "multi, min_confidence, accept_anything"),
        ("POST", "/v1/read?multi=%ff", b"x", {}, 400, "UTF-8"),
        ("POST", "/v1/read", b"--x--\r\n", {"Content_Type": "multipart/form-data; boundary=x"}, 400, "0 files"),
        ("POST", "/v1/read", b"--x", {"Content_Type": "multipart/form-data; boundary=x"}, 400, "form"),
        ("POST", "/v1/read", b"x", {"Content_Type": "multipart/form-data"}, 400, "boundary"),
        ("GET", "/v1/read", None, {}, 405, "allowed: POST"),
        ("GET", "/../../etc/passwd", None, {}, 404, "there is no"),
        ("GET", "/healthz", None, {"Host": "evil.example"}, 421, "'evil.example'"),
        ("GET", "/healthz", None, {"Host": "10.1.2.3"}, 421, "'10.1.2.3'"),
        ("POST", "/v1/read", b"x", {"Origin": "http://evil.example"}, 403, "'http://evil.example'"),
        ("POST", "/v1/read", b"x", {"Origin": "null"}, 403, "'null'"),
        ("GET", "/v1/collection", None, {}, 404, "--keep"),
        ("GET", "/v1/collection/picture", None, {}, 400, "needs id"),
    ],
)
def test_a_refusal_is_one_line_with_its_own_status(
    service: Serving, method: str, path: str, body: bytes | None, headers: dict[str, str], status: int, words: str
) -> None:
    reply = service.ask(method, path, body, **headers)
    assert reply.status == status
    assert words in reply.json["error"]
    assert reply.json.keys() == {"error"}
    assert "\n" not in reply.json["error"]


def test_too_many_pixels_are_refused_before_they_are_decoded(service: Serving) -> None:
    from tests import hostile_pictures

    reply = service.read(hostile_pictures.png(30_000, 30_000, data=b""))
    assert reply.status == 422
    assert "30,000 x 30,000 pixels; at most 33,554,432 are read of a PNG file" in reply.json["error"]


def test_a_page_of_the_same_origin_may_ask(service: Serving, images: list[bytes]) -> None:
    host, port = service.place
    for name in (host, "localhost"):
        reply = service.read(images[0], Host=f"{name}:{port}", Origin=f"http://{name}:{port}")
        assert reply.status == 200


def test_every_route_answers_and_is_counted_under_its_own_name(service: Serving) -> None:
    before = {
        path: service.figure(f'digitrec_requests_total{{route="{path}",status="200"}}') for path in ("/", "/v1/card")
    }
    assert service.get("/").body.startswith(b"<!DOCTYPE html>")
    assert service.get("/v1/card").json["artifact"] == "digitrec-int8"
    assert service.get("/healthz").json == {"status": "ok", "readers": 2}
    assert service.get("/openapi.json").json["openapi"] == "3.1.0"
    assert service.ask("HEAD", "/v1/card").body == b""
    for path, count in before.items():
        more = 2 if path == "/v1/card" else 1
        assert service.figure(f'digitrec_requests_total{{route="{path}",status="200"}}') == count + more
    labels = {
        line.split('route="')[1].split('"')[0]
        for line in service.get("/metrics").body.decode().splitlines()
        if 'route="' in line
    }
    assert labels <= {route.path for route in ROUTES} | {"none"}


def test_readings_are_counted_by_their_kind(service: Serving, images: list[bytes]) -> None:
    kinds = ("digit", "unsure", "no digit")
    before = [service.figure(f'digitrec_readings_total{{answer="{kind}"}}') for kind in kinds]
    service.read(images[0])
    service.read(images[0], "?min_confidence=1")
    scribble = Image.effect_noise((28, 28), 90)
    no_digit = service.read(png_of(scribble))
    assert no_digit.status in (200, 422)
    after = [service.figure(f'digitrec_readings_total{{answer="{kind}"}}') for kind in kinds]
    assert sum(after) - sum(before) == 2 + (no_digit.status == 200)
    assert after[0] > before[0]


def png_of(picture: Image.Image) -> bytes:
    import numpy as np

    return png(np.asarray(picture))


def test_a_chunked_body_is_bounded_too(service: Serving) -> None:
    with socket.create_connection(service.place, LIMIT_S) as client:
        client.sendall(b"POST /v1/read HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(40):
                client.sendall(b"10000\r\n" + bytes(0x10000) + b"\r\n")
        except OSError:
            pass  # it was told to stop
        assert b" 413 " in client.recv(4096)


def test_a_head_without_end_and_nonsense_are_refused(service: Serving) -> None:
    for sent, status in (
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000, b" 431 "),
        (b"\x16\x03\x01 nonsense\r\n\r\n", b" 400 "),
    ):
        with socket.create_connection(service.place, LIMIT_S) as client:
            client.sendall(sent)
            answer = client.recv(4096)
            assert status in answer.split(b"\r\n")[0]
            assert json.loads(answer.split(b"\r\n\r\n")[1])["error"]


def test_a_client_that_says_that_it_has_sent_all_is_answered(service: Serving, images: list[bytes]) -> None:
    with socket.create_connection(service.place, LIMIT_S) as client:
        head = f"POST /v1/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(images[0])}\r\n\r\n"
        client.sendall(head.encode() + images[0])
        client.shutdown(socket.SHUT_WR)  # as nc -N does
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert json.loads(answer.split(b"\r\n\r\n")[1])["digit"] == 7


def test_silent_clients_give_way_to_those_who_ask(service: Serving, images: list[bytes]) -> None:
    """More of them than there may be connections; each new one takes the place of the one that waited longest."""
    silent = [socket.create_connection(service.place, LIMIT_S) for _ in range(30)]
    try:
        for k, client in enumerate(silent[-6:]):
            client.sendall([b"POST /v1/read HTTP/1.1\r\nHost: localhost\r\n", b"G", b""][k % 3])
        assert [service.read(images[k]).status for k in range(5)] == [200] * 5
        wait_for(lambda: service.figure("digitrec_connections") <= 12, "connections are bounded")
    finally:
        for client in silent:
            client.close()


def test_clients_that_take_no_answer_give_way_to_those_who_ask(service: Serving, images: list[bytes]) -> None:
    greedy = [socket.socket() for _ in range(12)]
    try:
        for client in greedy:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(service.place)
        for _ in range(30):  # one after the other, until what the system holds of answers is full
            for client in greedy:
                with contextlib.suppress(OSError):
                    client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            time.sleep(0.1)
        time.sleep(1.5)
        assert [service.read(images[k]).status for k in range(5)] == [200] * 5
    finally:
        for client in greedy:
            client.close()


def test_many_ask_at_once_and_each_gets_the_answer_to_its_own(service: Serving, images: list[bytes]) -> None:
    labels = mnist.load("test").labels[:20]
    found: dict[int, int] = {}

    def ask(k: int) -> None:
        found[k] = service.read(images[k]).json["digit"]

    for start in range(0, 20, 10):
        threads = [threading.Thread(target=ask, args=(k,)) for k in range(start, start + 10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(found[k] == labels[k] for k in range(20)) >= 19
