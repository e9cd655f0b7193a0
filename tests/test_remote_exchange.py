"""A conversation with the true device's side, by a client in the place of ssh that runs it on this machine."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from digitrec_edge.errors import ConnectionLostError, RemoteError, TimeLimitError
from digitrec_edge.remote import exchange
from digitrec_edge.remote.ssh import Connection
from tests import a_device
from tests.test_child import running, wait_for

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder of the login on the device."""
    programs, home = tmp_path / "programs", tmp_path / "home"
    for folder in (programs, home):
        folder.mkdir()
    for name, text in (
        ("ssh", a_device.client(a_device.SHELL)),
        ("python3", f'#!/bin/sh\nexec {sys.executable} "$@"\n'),
    ):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.defpath}")
    monkeypatch.setenv("HOME", str(home))
    return home


def test_a_client_that_starts_while_the_connection_is_closed_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    start, started = subprocess.Popen, []
    connection = Connection("pi", 60)
    closing = threading.Thread(target=connection.close)

    def closed_meanwhile(*arguments: Any, **options: Any) -> "subprocess.Popen[bytes]":
        closing.start()
        closing.join(0.5)
        started.append(start(["sleep", "600"]))
        return started[0]

    monkeypatch.setattr(subprocess, "Popen", closed_meanwhile)
    connection._start(["ssh"])
    monkeypatch.undo()
    closing.join()
    assert started[0].wait(10) != 0


def test_files_go_there_and_results_come_back(tmp_path: Path, home: Path) -> None:
    content = os.urandom(300_000)
    (tmp_path / "a").write_bytes(content)
    lines: list[str] = []
    with Connection("pi", 60) as connection:
        assert connection.examine(["~", "~/none"]).there == ("~",)
        connection.send([tmp_path / "a"], "~/run")
        assert (home / "run" / "a").read_bytes() == content
        argv = ["sh", "-c", "echo one; cp a b; printf '%20000s' x; exit 3"]
        done = connection.run(argv, "~/run", fetch=["b", "absent"], on_line=lines.append)
        assert (done.status, done.files) == (3, {"b": content})
        assert lines == [*done.lines]
        assert lines[0] == "one"
        assert len("".join(lines[1:])) == 20_000
        connection.remove("~/run")
    assert not (home / "run").exists()


def test_halves_of_a_process_that_is_dead_are_removed_and_no_others(tmp_path: Path, home: Path) -> None:
    (tmp_path / "a").write_bytes(b"new")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (home / "run").mkdir()
    others = [f".part-{os.getpid()}-b", ".part-number-b", f".part-{10**30}-b", "b"]
    for name in (f".part-{ended.pid}-c", *others):
        (home / "run" / name).touch()
    with Connection("pi", 60) as connection:
        connection.send([tmp_path / "a"], "~/run")
    assert sorted(os.listdir(home / "run")) == sorted(["a", *others])


def test_a_program_that_says_nothing_for_long_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "SILENCE_S", 7.0)
    with Connection("pi", 60) as connection:
        assert connection.run(["sleep", "9"], "~").status == 0


def test_a_line_is_bounded_by_itself() -> None:
    command = [sys.executable, "-c", "print('x' * (3 << 20))"]
    with subprocess.Popen(command, bufsize=0, stdin=-1, stdout=-1, stderr=-1) as process:
        talk = exchange.Exchange(process, iter(()), heartbeat=False, end=time.monotonic() + 60, limit_bytes=1 << 30)
        with pytest.raises(ValueError, match="a line of more than 1,048,576 bytes"):
            list(talk.lines())
        process.kill()


def test_a_program_ends_with_the_time(home: Path) -> None:
    with Connection("pi", 3) as connection, pytest.raises(TimeLimitError, match="pi: not done within 3 s"):
        connection.run(["sh", "-c", "echo $$ > pid; exec sleep 600"], "~")
    note = home / "pid"  # on a very busy machine the time may be over before the program is started
    assert not note.exists() or wait_for(lambda: not running(int(note.read_text())))


def test_whoever_closes_a_connection_ends_the_waiting_of_others(home: Path) -> None:
    started = threading.Event()
    with ThreadPoolExecutor(1) as pool, Connection("pi", 50) as connection:
        argv = ["sh", "-c", "echo $$ > pid; echo started; exec sleep 600"]
        waiting = pool.submit(connection.run, argv, "~", on_line=lambda line: started.set())
        assert started.wait(30)
        closed = time.monotonic()
        connection.close()
        with pytest.raises(ConnectionLostError):
            waiting.result(60)
        assert time.monotonic() - closed < 20
    assert wait_for(lambda: not running(int((home / "pid").read_text())))


def test_a_fetched_file_may_be_no_larger_than_is_allowed(home: Path) -> None:
    with Connection("pi", 60) as connection, pytest.raises(RemoteError, match="'b' has more than 1,000 bytes"):
        connection.run(["sh", "-c", "head -c 2000 /dev/zero > b"], "~", fetch=["b"], fetch_bytes=1000)


def test_a_login_without_the_program_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "programs" / "python3").write_text("#!/bin/sh\necho 'Traceback' >&2\necho 'out of luck' >&2\nexit 1\n")
    with Connection("pi", 60) as connection, pytest.raises(ConnectionLostError, match=r"broke halfway \(out of luck\)"):
        connection.examine()
