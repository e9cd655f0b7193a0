"""A command gets lines of JSON; one that ends or does not read is told, and watching goes on."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import IO

import pytest

from digitrec_edge.errors import PublishError
from digitrec_edge.watching import command
from digitrec_edge.watching.command import CommandOutput
from digitrec_edge.watching.readings import Reading

READING = Reading("2026-01-01T00:00:00.000Z", "a", "012", Decimal(12), 0.99, 3, None, None, "frame 1", "int8", "0" * 64)


@pytest.fixture
def errors() -> Iterator[IO[str]]:
    with Path(os.devnull).open("w") as stream:
        yield stream


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def values(path: Path) -> list[str]:
    return [json.loads(line)["value"] for line in path.read_text().splitlines()] if path.exists() else []


def script(path: Path, text: str) -> str:
    path.write_text(text)
    return f"{sys.executable} {path}"


def test_a_command_gets_each_reading_as_a_line(tmp_path: Path, errors: IO[str]) -> None:
    told: list[str] = []
    output = CommandOutput(f"tee '{tmp_path / 'two words'}'", errors, told.append)
    output.send(READING)
    output.send(replace(READING, value=None, number=None, reason="too dark"))
    output.close()
    lines = [json.loads(line) for line in (tmp_path / "two words").read_text().splitlines()]
    assert lines == [READING.as_json(), {**READING.as_json(), "value": None, "number": None, "reason": "too dark"}]
    assert told == []


@pytest.mark.parametrize("text", ["", "'open", "no-such-command-here --x"])
def test_what_is_no_command_is_told_at_once(text: str, errors: IO[str]) -> None:
    with pytest.raises(PublishError, match=r"^[^\n]+$"):
        CommandOutput(text, errors, print)


def test_a_command_that_ended_is_told_and_started_again_with_the_newest(
    tmp_path: Path, errors: IO[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    clock = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    got = tmp_path / "got"
    line = script(
        tmp_path / "one.py", f"import sys\nopen({str(got)!r}, 'a').write(sys.stdin.readline())\nsys.exit(3)\n"
    )
    output = CommandOutput(line, errors, told.append)
    output.send(READING)
    monkeypatch.undo()
    process = output._process
    assert process
    process.wait(60)
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    output.send(replace(READING, value="2"))
    output.send(replace(READING, value="3"))
    assert told == [f"{sys.executable} takes no more readings: it ended with status 3; starting it again in 1 s"]
    assert values(got) == ["012"]
    clock += 1.1
    output.flush()
    monkeypatch.undo()
    until(lambda: values(got) == ["012", "3"])
    output.close()


def test_a_command_that_closes_its_input_and_lives_on_is_not_waited_for(tmp_path: Path) -> None:
    told: list[str] = []
    line = script(
        tmp_path / "stays.py",
        "import os, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nos.close(0)\nprint(flush=True)\n"
        "while True: time.sleep(1)\n",
    )
    with (tmp_path / "out").open("w") as out:
        output = CommandOutput(line, out, told.append)
    first = output._process
    assert first
    until(lambda: (tmp_path / "out").read_text() != "")
    start = time.monotonic()
    output.send(READING)
    assert time.monotonic() - start < command.END_S / 2
    assert told == [f"{sys.executable} takes no more readings: it closed its input; starting it again in 1 s"]
    output.close()
    assert first.poll() == -signal.SIGKILL


def test_a_command_that_does_not_read_is_told_once_and_watching_goes_on(tmp_path: Path, errors: IO[str]) -> None:
    told: list[str] = []
    line = script(tmp_path / "deaf.py", "import time\nwhile True: time.sleep(1)\n")
    output = CommandOutput(line, errors, told.append)
    try:
        for k in range(2000):
            output.send(replace(READING, value=str(k)))
        assert told == [f"{sys.executable} does not read: it will miss what changes meanwhile"]
    finally:
        assert output._process
        output._process.kill()
        output.close()
