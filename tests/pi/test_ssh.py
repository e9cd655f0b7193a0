"""The ssh transport against a real server: what works, and every way in which it can fail."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from emulated_pi.boards import PI5
from emulated_pi.machine import Machine
from emulated_pi.sshd import Server, session_end
from emulated_pi.userland import BOOKWORM, BUILD

from digitrec_edge.errors import (
    ConnectionLostError,
    HostKeyError,
    LoginRefusedError,
    RemoteError,
    TimeLimitError,
    UnfitDeviceError,
    UnreachableError,
)
from digitrec_edge.remote.extras import extras_for
from digitrec_edge.remote.ssh import Connection

pytestmark = [pytest.mark.pi, pytest.mark.checkout]

LIMIT_S = 60.0
SLEEPER = "import time; print('running', flush=True); time.sleep({seconds})"

# What stands in for a machine that is not as it should be: the same login with another python3 on its PATH.
ANOTHER_PYTHON = """
exec python3.11 -c '
import sys, platform
{change}
code, sys.argv = sys.argv[2], ["-c", *sys.argv[3:]]
exec(code, {{"__name__": "__main__"}})
' "$@"
"""
OLD_PYTHON = ANOTHER_PYTHON.format(change='sys.version_info = (3, 9); platform.python_version = lambda: "3.9.2"')
OTHER_PROCESSOR = ANOTHER_PYTHON.format(change='platform.machine = lambda: "s390x"')


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("sshd"))
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(autouse=True)
def _client(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", server.environment()["PATH"])


@pytest.fixture
def login(server: Server, tmp_path: Path) -> Callable[..., list[str]]:
    """Make a login on this machine itself, with a home folder and programs of its own."""

    def make(python: str | None = None, *, without_python: bool = False) -> list[str]:
        home, programs = tmp_path / "home", tmp_path / "programs"
        home.mkdir(exist_ok=True)
        programs.mkdir(exist_ok=True)
        path = f"{programs}:{os.defpath}"
        if without_python:
            for name in ("sh", "cat"):
                (programs / name).symlink_to(shutil.which(name) or name)
            path = str(programs)
        if python:
            (programs / "python3").write_text(f"#!/bin/sh\n{python}")
            (programs / "python3").chmod(0o755)
        return ["/usr/bin/env", "-i", f"HOME={home}", f"PATH={path}", "/bin/sh", "-c"]

    return make


@pytest.fixture
def host(server: Server, login: Callable[..., list[str]], request: pytest.FixtureRequest) -> str:
    """A login on this machine itself, with its own name."""
    name = f"native-{abs(hash(request.node.name))}"
    server.add_host(name, login())
    return name


def test_files_arrive_whole_and_programs_answer(host: str, tmp_path: Path) -> None:
    data = tmp_path / "data.bin"
    data.write_bytes(os.urandom(300_000))
    with Connection(host, LIMIT_S) as connection:
        connection.send([data], "~/there/deeper")
        copy = "import shutil; shutil.copy('data.bin', 'copy.bin'); print('copied')"
        answer = connection.run(["python3", "-c", copy], "~/there/deeper", fetch=["copy.bin", "missing"])
        assert answer.status == 0
        assert answer.lines == ("copied",)
        assert answer.files == {"copy.bin": data.read_bytes()}
        connection.remove("~/there", "~/never-was")
        assert connection.examine(["~/there"]).there == ()


def test_a_device_tells_what_it_is(host: str) -> None:
    with Connection(host, LIMIT_S) as connection:
        device = connection.examine()
    assert device.machine.machine == os.uname().machine
    assert device.machine.python.startswith("3.11.")
    assert device.free_bytes > 0
    assert extras_for(host, device, [Path("a.tflite"), Path("a.onnx")]) == ("tflite", "onnx")


def test_an_unreachable_device_is_named_with_the_likely_cause(server: Server) -> None:
    server.add_host("closed", ["false"], port=1)
    with (
        pytest.raises(UnreachableError, match="closed: it is there, but has no ssh server running"),
        Connection("closed", LIMIT_S),
    ):
        pass


def test_a_name_that_nobody_knows_is_unreachable() -> None:
    with pytest.raises(UnreachableError, match="no such name"), Connection("no-such-host.invalid", LIMIT_S):
        pass


def test_a_refused_key_says_how_to_send_one(server: Server, login: Callable[..., list[str]]) -> None:
    server.add_host("stranger", login(), authorised=False)
    with pytest.raises(LoginRefusedError, match="ssh-copy-id stranger"), Connection("stranger", LIMIT_S):
        pass


def test_an_unknown_host_key_is_not_waved_through(server: Server, host: str) -> None:
    server.forget(host)
    with pytest.raises(HostKeyError, match=f"unknown here.*ssh {host}"), Connection(host, LIMIT_S):
        pass
    assert host not in (server.folder / "known_hosts").read_text()


def test_a_changed_host_key_is_not_waved_through(server: Server, host: str) -> None:
    server.forget(host, (server.folder / f"key-{host}.pub").read_text())
    with pytest.raises(HostKeyError, match="not the one you know.*ssh-keygen -R"), Connection(host, LIMIT_S):
        pass


@pytest.mark.parametrize("name", ["", "-oProxyCommand=touch /tmp/x", "two words"])
def test_what_is_no_host_never_reaches_ssh(name: str) -> None:
    with pytest.raises(RemoteError, match="is no host"):
        Connection(name, LIMIT_S)


def test_a_device_without_python_says_what_to_install(server: Server, login: Callable[..., list[str]]) -> None:
    server.add_host("bare", login(without_python=True))
    with Connection("bare", LIMIT_S) as connection, pytest.raises(UnfitDeviceError, match="has no python3"):
        connection.examine()


def test_a_python_that_is_too_old_is_named(server: Server, login: Callable[..., list[str]]) -> None:
    server.add_host("old", login(OLD_PYTHON))
    with (
        Connection("old", LIMIT_S) as connection,
        pytest.raises(UnfitDeviceError, match="python3 is 3.9.2; Python 3.11"),
    ):
        connection.examine()


def test_a_processor_without_runtimes_is_named(server: Server, login: Callable[..., list[str]]) -> None:
    server.add_host("mainframe", login(OTHER_PROCESSOR))
    with Connection("mainframe", LIMIT_S) as connection:
        device = connection.examine()
        with pytest.raises(UnfitDeviceError, match="s390x"):
            extras_for("mainframe", device, [Path("a.tflite")])


def test_a_full_disk_is_named_and_leaves_nothing_half_written(server: Server, tmp_path: Path) -> None:
    board = Machine(BOOKWORM, PI5, BUILD / "homes" / "full", disk="1m")
    server.add_host("full", board.login())
    big = tmp_path / "big.bin"
    big.write_bytes(bytes(3 << 20))
    with Connection("full", LIMIT_S) as connection, pytest.raises(UnfitDeviceError, match="disk is full"):
        connection.send([big], "~")


def test_what_a_login_prints_by_itself_does_no_harm(server: Server, login: Callable[..., list[str]]) -> None:
    talkative = [*login()[:-2], "/bin/sh", "-c", 'echo "Welcome to your Pi"; eval "$1"', "login"]
    server.add_host("talkative", talkative)
    with Connection("talkative", LIMIT_S) as connection:
        assert connection.examine().machine.system == "linux"


def _running(marker: str) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if marker.encode() in (folder / "cmdline").read_bytes().split(b"\0")[-2:][0]:
                    found.append(int(folder.name))
            except (OSError, IndexError):
                continue
    return found


def _wait_until_gone(marker: str, limit_s: float = 20) -> list[int]:
    end = time.monotonic() + limit_s
    while _running(marker) and time.monotonic() < end:
        time.sleep(0.1)
    return _running(marker)


@pytest.mark.parametrize("how", ["server", "client"])
def test_a_killed_connection_ends_the_program_there_and_counts_as_no_answer(
    server: Server, host: str, how: str
) -> None:
    marker = SLEEPER.format(seconds=1000 + os.getpid() % 1000 + 0.125 * (how == "server"))
    started = threading.Event()
    with Connection(host, LIMIT_S) as connection:

        def cut() -> None:
            started.wait(20)
            if how == "server":
                for session in server.sessions():
                    session_end(session)
            else:
                for process in list(connection._processes):
                    os.kill(process.pid, signal.SIGKILL)

        thread = threading.Thread(target=cut)
        thread.start()
        with pytest.raises(ConnectionLostError, match="broke halfway"):
            connection.run(["python3", "-c", marker], "~", passing=False, on_line=lambda line: started.set())
        thread.join()
    assert started.is_set()
    assert _wait_until_gone(marker) == []


def test_a_folder_of_a_run_that_was_cut_off_is_removed(server: Server, host: str, tmp_path: Path) -> None:
    marker = SLEEPER.format(seconds=2000 + os.getpid() % 1000)
    (tmp_path / "home" / "run").mkdir()
    started = threading.Event()
    with Connection(host, LIMIT_S) as connection:

        def cut() -> None:
            started.wait(20)
            for session in server.sessions():
                session_end(session)

        thread = threading.Thread(target=cut)
        thread.start()
        with pytest.raises(ConnectionLostError):
            connection.run(["python3", "-c", marker], "~/run", passing=True, on_line=lambda line: started.set())
        thread.join()
    assert _wait_until_gone(marker) == []
    end = time.monotonic() + 10
    while (tmp_path / "home" / "run").exists() and time.monotonic() < end:
        time.sleep(0.1)
    assert not (tmp_path / "home" / "run").exists()


def test_a_time_limit_ends_the_program_there(host: str) -> None:
    marker = SLEEPER.format(seconds=3000 + os.getpid() % 1000)
    with Connection(host, 4) as connection, pytest.raises(TimeLimitError, match="not done within 4 s.*--timeout"):
        connection.run(["python3", "-c", marker], "~")
    assert _wait_until_gone(marker) == []


def test_a_second_program_waits_for_its_turn(host: str) -> None:
    started = threading.Event()
    with Connection(host, LIMIT_S) as first, Connection(host, LIMIT_S) as second:
        program = ["python3", "-c", SLEEPER.format(seconds=4)]
        thread = threading.Thread(
            target=lambda: first.run(program, "~", lock="~/lock", on_line=lambda line: started.set())
        )
        thread.start()
        assert started.wait(20)
        with pytest.raises(RemoteError, match="another digitrec-edge is at work there"):
            second.run(["python3", "-c", "pass"], "~", lock="~/lock")
        thread.join()
        assert second.run(["python3", "-c", "pass"], "~", lock="~/lock").status == 0
