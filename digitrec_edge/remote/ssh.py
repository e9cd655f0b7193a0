"""One device over the user's own OpenSSH client: its configuration, agent, jump hosts and known hosts count.

No password is ever asked for and no unknown host key accepted (``BatchMode``). All requests share one
connection, so that a key that asks for a touch asks once.
"""

import base64
import hashlib
import inspect
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, TypeVar

from digitrec_edge.errors import NotInstalledError, RemoteError, TimeLimitError
from digitrec_edge.installation import machine, pythons
from digitrec_edge.records import parse
from digitrec_edge.remote import agent
from digitrec_edge.remote.device import Device
from digitrec_edge.remote.messages import Answer, Done, Refusal, listen
from digitrec_edge.remote.refusals import NO_PYTHON, explain_lost, explain_refusal, explain_ssh

T = TypeVar("T")
HEARTBEAT_S = 2.0
CONNECT_LIMIT_S = 20
_CARRIED = {"machine": machine, "pythons": pythons}
"""Modules that go along with the agent: standard library only."""

_OPTIONS = (
    "-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_LIMIT_S}",
    "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3",
)  # fmt: skip


@dataclass(frozen=True)
class Completed:
    """What came of a program on the device.

    Attributes:
        status: its exit status.
        files: contents of the fetched files, by name.
        lines: what the program printed.
    """

    status: int
    files: dict[str, bytes]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class _Received:
    folder: str


@dataclass(frozen=True)
class _Removed:
    pass


@dataclass(frozen=True)
class _Ended:
    status: int


class Connection:
    """An open connection; use it as a context manager.

    Raises:
        RemoteError: it cannot be opened: one of its subclasses says why.
        NotInstalledError: this machine has no ssh.
    """

    def __init__(self, host: str, limit_s: float) -> None:
        if not host or host.startswith("-") or any(letter.isspace() for letter in host):
            raise RemoteError(f"{host!r} is no host; name it as for ssh: pi@raspberrypi.local")
        program = shutil.which("ssh")
        if program is None:
            raise NotInstalledError("no ssh on this machine: apt-get install openssh-client")
        self.host = host
        self.limit_s = limit_s
        self._ssh = program
        self._end = time.monotonic() + limit_s
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._closed = False
        self._folder = tempfile.mkdtemp(prefix="digitrec-")
        self._socket = f"{self._folder}/s"

    def __enter__(self) -> "Connection":
        try:
            self._open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, cause: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def remaining_s(self) -> float:
        """Return what is left of the time limit, at least a little."""
        return max(0.01, self._end - time.monotonic())

    def _open(self) -> None:
        master = ["-o", "ControlMaster=yes", "-o", "ControlPersist=no", "-S", self._socket, "-N"]
        with tempfile.TemporaryFile() as errors:
            process = self._start([self._ssh, *_OPTIONS, *master, "--", self.host], errors)
            check = [self._ssh, "-S", self._socket, "-O", "check", "--", self.host]
            while subprocess.run(check, capture_output=True, check=False).returncode:
                if process.poll() is not None:
                    raise explain_ssh(self.host, _text(errors))
                if time.monotonic() > self._end:
                    raise self._late()
                time.sleep(0.05)

    def _start(self, command: Sequence[str], errors: IO[bytes], stdin: int = subprocess.DEVNULL) -> Any:
        """Start a client in a process group of its own: Ctrl-C is for us to act on, not for ssh."""
        if self._closed:
            raise RemoteError(f"{self.host}: interrupted")
        process = subprocess.Popen(
            command,
            stdin=stdin,
            stdout=subprocess.PIPE if stdin == subprocess.PIPE else subprocess.DEVNULL,
            stderr=errors,
            env={**os.environ, "LC_ALL": "C"},  # its messages are recognised by their words
            start_new_session=True,
        )
        self._processes.add(process)
        return process

    def close(self) -> None:
        """End the connection, and with it whatever still runs on the device."""
        self._closed = True
        for process in [*self._processes]:
            process.terminate()
        for process in [*self._processes]:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def examine(self, paths: Sequence[str] = ()) -> Device:
        """Ask what the device is, and which of these paths are there."""
        return self._request(Device, {"what": "facts", "paths": list(paths)})[0]

    def send(self, files: Sequence[Path], folder: str) -> None:
        """Copy files into a folder of the device; each arrives whole or not at all."""
        entries = [
            {"name": path.name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for path, data in ((path, path.read_bytes()) for path in files)
        ]
        self._request(_Received, {"what": "receive", "folder": folder, "files": entries}, files)

    def remove(self, *paths: str) -> None:
        """Remove files and folders of the device."""
        self._request(_Removed, {"what": "remove", "paths": list(paths)})

    def run(
        self,
        argv: Sequence[str],
        folder: str,
        *,
        environment: dict[str, str] | None = None,
        fetch: Sequence[str] = (),
        lock: str | None = None,
        passing: bool = False,
        on_line: Callable[[str], None] = lambda line: None,
    ) -> Completed:
        """Run a program on the device; it ends when the connection does.

        Args:
            argv: program and arguments; ``~`` is the device's home folder.
            folder: where it runs.
            environment: variables beside the login's own.
            fetch: files in ``folder`` to bring home.
            lock: file that only one program at a time may hold.
            passing: ``folder`` is removed there when the connection ends halfway.
            on_line: is given each line that the program prints, as it comes.
        """
        request = {
            "what": "run", "argv": list(argv), "folder": folder, "environment": environment or {},
            "fetch": list(fetch), "lock": lock, "passing": passing, "limit_s": self.remaining_s(),
        }  # fmt: skip
        ended, answer = self._request(_Ended, request, on_line=on_line, heartbeat=True)
        return Completed(ended.status, answer.files, tuple(answer.lines))

    def _request(
        self,
        kind: type[T],
        request: dict[str, Any],
        files: Sequence[Path] = (),
        *,
        on_line: Callable[[str], None] = lambda line: None,
        heartbeat: bool = False,
    ) -> tuple[T, Answer]:
        """Send a request; returns what it came to, and what came before that."""
        with tempfile.TemporaryFile() as errors:
            process = self._start([*self._client(), "--", self.host, _command_line()], errors, subprocess.PIPE)
            late = threading.Event()

            def end_late() -> None:
                late.set()
                process.kill()

            timer = threading.Timer(self.remaining_s() + 5 * heartbeat, end_late)
            timer.start()
            try:
                with _talking(process.stdin, request, files, heartbeat):
                    answer = listen(process.stdout, on_line)
                process.wait()
                if isinstance(answer.last, Done):
                    return parse(kind, answer.last.done, "answer"), answer
            except ValueError as cause:
                raise RemoteError(f"{self.host}: its answer is none that this version knows: {cause}") from cause
            finally:
                timer.cancel()
                if process.poll() is None:
                    process.kill()
                    process.wait()
                process.stdout.close()
                self._processes.discard(process)
            raise self._explain(answer.last, late.is_set(), process.returncode, _text(errors))

    def _client(self) -> list[str]:
        """Return ssh with its options; without the shared connection there shall be none."""
        shared = ["-o", "ControlMaster=no", "-S", self._socket, "-o", "ProxyCommand=false"]
        return [self._ssh, *_OPTIONS, *shared]

    def _explain(self, refusal: Refusal | None, late: bool, status: int, said: str) -> RemoteError:
        """Return the error for a request that was not met."""
        if late or (refusal and refusal.kind == "time"):
            return self._late()
        if refusal and refusal.kind != "lost":
            return explain_refusal(self.host, refusal.kind, refusal.message)
        if status == NO_PYTHON:
            return explain_refusal(self.host, "no python", "")
        return explain_lost(self.host, said)

    def _late(self) -> TimeLimitError:
        return TimeLimitError(f"{self.host}: not done within {self.limit_s:.0f} s; allow more with --timeout")


def _command_line() -> str:
    """Return what the device's login shell is to run: the device's side, whatever that shell is."""
    carried = {name: inspect.getsource(module) for name, module in _CARRIED.items()}
    sources = [inspect.getsource(agent), carried]
    code = base64.b64encode(zlib.compress(json.dumps(sources).encode(), 9)).decode()
    start = "import sys,zlib,base64,json;s=json.loads(zlib.decompress(base64.b64decode(sys.argv[1])).decode());"
    start += "exec(s[0]);main(s[1])"
    return f"sh -c 'command -v python3 >/dev/null || exit {NO_PYTHON}; exec python3 -c \"{start}\" {code}'"


@contextmanager
def _talking(stdin: IO[bytes], request: dict[str, Any], files: Sequence[Path], heartbeat: bool) -> Iterator[None]:
    """Send the request, its files, and then a heartbeat, while the answer is being read."""
    done = threading.Event()

    def talk() -> None:
        try:
            stdin.write(json.dumps(request).encode() + b"\n")
            for path in files:
                stdin.write(path.read_bytes())
            stdin.flush()
            while heartbeat and not done.wait(HEARTBEAT_S):
                stdin.write(b"\n")
                stdin.flush()
        except (BrokenPipeError, ValueError):
            return  # the other side has answered already, or is gone: what was read tells

    speaker = threading.Thread(target=talk, daemon=True)
    speaker.start()
    try:
        yield
    finally:
        done.set()
        speaker.join(10)
        with suppress(BrokenPipeError):
            stdin.close()


def _text(errors: IO[bytes]) -> str:
    errors.seek(0)
    return errors.read().decode(errors="replace")
