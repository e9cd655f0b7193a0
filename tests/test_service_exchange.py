"""The exchange of the model: no request is lost, and what fails its test never answers."""

import dataclasses
import http.client
import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from digitrec_edge import artifact, history, mnist, pretrained
from digitrec_edge.artifact import sample
from digitrec_edge.formats import SAMPLE_FILE

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from tests.serving import LIMIT_S, Serving, png, serving, wait_for


def write_as(path: Path, name: str, *, broken: bool = False) -> None:
    """Write the pretrained artifact under another name, or with a sample that it cannot answer to."""
    found = artifact.read(pretrained.DEFAULT)
    assert found.card
    packed = found.files[SAMPLE_FILE]
    if broken:
        images = sample.unpack(packed, 10)
        packed = sample.pack(dataclasses.replace(images, expected=np.roll(images.expected, 1, axis=1)))
    artifact.write(path, found.payload, dataclasses.replace(found.card, name=name), packed)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """As deploy leaves it: a link that leads to the artifact."""
    write_as(tmp_path / "first.tflite", "first")
    link = tmp_path / history.CURRENT
    link.symlink_to("first.tflite")
    return link


def point(link: Path, name: str) -> None:
    other = link.with_name("next")
    other.symlink_to(name)
    other.replace(link)


@pytest.fixture
def service(place: Path) -> Iterator[Serving]:
    with serving(place, "--runtime", "native", "--workers", "2") as found:
        yield found


class Asking:
    """Asks for readings without pause, over one connection; keeps what went wrong and who answered."""

    def __init__(self, service: Serving) -> None:
        self._place, self._end = service.place, threading.Event()
        self.answered: list[str] = []
        self.wrong: list[object] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Asking":
        self._thread.start()
        return self

    def __exit__(self, *cause: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        picture = png(mnist.load("test").images[0])
        connection = http.client.HTTPConnection(*self._place, timeout=LIMIT_S)
        while not self._end.is_set():
            try:
                connection.request("POST", "/v1/read", picture)
                found = connection.getresponse()
                content = json.loads(found.read())
                self.answered.append(content["artifact"])
                if found.status != 200 or content["digit"] != 7:
                    self.wrong.append(content)
            except (OSError, http.client.HTTPException, KeyError, ValueError) as error:
                self.wrong.append(error)
        connection.close()


def test_a_new_artifact_takes_the_place_of_the_old_one_without_a_lost_request(place: Path, service: Serving) -> None:
    first = service.get("/v1/card").json["sha256"]
    service.process.send_signal(signal.SIGHUP)  # without a new file it changes nothing
    write_as(place.with_name("second.tflite"), "second")
    with Asking(service) as asking:
        wait_for(lambda: asking.answered, "the first answers")
        point(place, "second.tflite")
        wait_for(lambda: "second" in asking.answered, "the second answers")
    assert asking.wrong == []
    assert asking.answered == sorted(asking.answered)  # first, and then second
    card = service.get("/v1/card").json
    assert (card["artifact"], card["file"]) == ("second", "second.tflite")
    assert card["sha256"] != first
    assert service.figure('digitrec_artifacts_total{event="exchanged"}') == 1
    assert service.stop() == 0
    events = [(event.event, event.artifact) for event in history.read(place.parent)]
    assert events == [("serving", "first.tflite"), ("exchanged", "second.tflite"), ("stopped", "second.tflite")]


def test_one_that_fails_is_refused_and_the_old_one_goes_on(place: Path, service: Serving) -> None:
    untrue, cut = place.with_name("untrue.tflite"), place.with_name("cut.tflite")
    write_as(untrue, "untrue", broken=True)
    cut.write_bytes(untrue.read_bytes()[:-1000])
    with Asking(service) as asking:
        for k, name in enumerate([untrue.name, cut.name, "missing.tflite"], 1):
            point(place, name)
            service.process.send_signal(signal.SIGHUP)
            wait_for(lambda k=k: service.figure('digitrec_artifacts_total{event="refused"}') == k, "it is refused")  # type: ignore[misc]
            seen = len(asking.answered)
            wait_for(lambda seen=seen: len(asking.answered) > seen + 5, "the old one goes on")  # type: ignore[misc]
    assert asking.wrong == []
    assert set(asking.answered) == {"first"}
    assert sum(line.startswith("refused: ") for line in service.lines) == 3
    refused = [event for event in history.read(place.parent) if event.event == "refused"]
    assert [event.artifact for event in refused] == ["untrue.tflite", "cut.tflite", "missing.tflite"]
    for event, words in zip(refused, ("fails its self-test", "seal is gone", "no such file"), strict=True):
        assert words in event.why


def test_a_link_that_leads_to_itself_is_refused_and_the_watch_goes_on(place: Path, service: Serving) -> None:
    write_as(place.with_name("second.tflite"), "second")
    point(place, place.name)
    service.process.send_signal(signal.SIGHUP)
    wait_for(lambda: service.figure('digitrec_artifacts_total{event="refused"}') == 1, "it is refused")
    point(place, "second.tflite")
    wait_for(lambda: service.get("/v1/card").json["artifact"] == "second", "the second answers")


def test_what_is_asked_is_answered_before_the_end(service: Serving) -> None:
    connection = http.client.HTTPConnection(*service.place, timeout=LIMIT_S)
    body = png(mnist.load("test").images[0])
    connection.putrequest("POST", "/v1/read")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[:50])
    wait_for(lambda: service.figure("digitrec_connections") >= 2, "the request has come")
    service.process.terminate()
    wait_for(lambda: refuses(service), "nobody new is listened to")
    connection.send(body[50:])
    reply = connection.getresponse()
    assert (reply.status, json.loads(reply.read())["digit"]) == (200, 7)
    connection.close()
    assert service.process.wait(LIMIT_S) == 0


def refuses(service: Serving) -> bool:
    try:
        socket.create_connection(service.place, LIMIT_S).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_reader_that_dies_takes_nobody_with_it(service: Serving) -> None:
    body = png(mnist.load("test").images[0])
    for child in children(service.process.pid):
        os.kill(child, signal.SIGKILL)
    wait_for(lambda: service.read(body).status == 200, "others take their places")
    wait_for(lambda: service.get("/healthz").json.get("readers") == 2, "all of them")


def children(process: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def test_an_artifact_that_fails_its_test_is_not_served_at_all(tmp_path: Path) -> None:
    import subprocess
    import sys

    write_as(tmp_path / "bad.tflite", "bad", broken=True)
    command = [sys.executable, "-m", "digitrec_edge", "serve", "--port", "0", "--runtime", "native", "--workers", "1"]
    done = subprocess.run([*command, str(tmp_path / "bad.tflite")], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "fails its self-test" in done.stderr
    assert "Traceback" not in done.stderr
