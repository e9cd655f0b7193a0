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
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from digitrec_edge.child import ending_with_parent
from digitrec_edge.errors import NotInstalledError, RemoteError, TimeLimitError
from digitrec_edge.installation import machine, pythons
from digitrec_edge.records import parse
from digitrec_edge.remote import agent
from digitrec_edge.remote.device import Device
from digitrec_edge.remote.exchange import Exchange, Notes
from digitrec_edge.remote.messages import FILE_BYTES, Answer, Done, Refusal, listen
from digitrec_edge.remote.refusals import NO_PYTHON, explain_lost, explain_refusal, explain_ssh

T = TypeVar("T")
CONNECT_LIMIT_S = 20
OPEN_LIMIT_S = 120.0
"""For the whole of the connecting: a key may ask for a touch."""

ANSWER_BYTES = 32 << 20
"""All that a device may answer to one request, beside the files that were asked for."""

PATIENCE_S = 5.0
_CHUNK = 1 << 16
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
        lines: the last ones that the program printed.
    """

    status: int
    files: dict[str, bytes]
    lines: tuple[str, ...]

    @property
    def last_line(self) -> str:
        """The last line that it printed; empty where there is none."""
        return self.lines[-1] if self.lines else ""


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
        self._closed, self._starting = False, threading.Lock()
        self._folder = tempfile.mkdtemp(prefix="digitrec-")
        self._socket = f"{self._folder}/s"

    def __enter__(self) -> "Connection":
        try:
            self._open()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, cause: BaseException | None, tb: TracebackType | None) -> None:
        self._leave()

    def _leave(self) -> None:
        self.close()
        for process in [*self._processes]:
            _discard(process)

    def remaining_s(self) -> float:
        """Return what is left of the time limit, at least a little."""
        return max(0.01, self._end - time.monotonic())

    def _open(self) -> None:
        master = ["-o", "ControlMaster=yes", "-o", "ControlPersist=no", "-S", self._socket, "-N"]
        process = self._start([self._ssh, *_OPTIONS, *master, "--", self.host])
        notes, end = Notes(process), min(self._end, time.monotonic() + OPEN_LIMIT_S)
        while not self._is_open():
            try:
                notes.read()
            except ValueError as cause:
                raise self._unreadable(cause) from cause
            if process.poll() is not None:
                notes.read()
                raise explain_ssh(self.host, notes.text)
            if time.monotonic() > end:
                raise TimeLimitError(f"{self.host}: no connection within {min(self.limit_s, OPEN_LIMIT_S):.0f} s")
            time.sleep(0.05)

    def _is_open(self) -> bool:
        check = [self._ssh, "-S", self._socket, "-O", "check", "--", self.host]
        try:
            return not subprocess.run(check, capture_output=True, check=False, timeout=CONNECT_LIMIT_S).returncode
        except subprocess.TimeoutExpired:
            return False

    def _start(self, command: Sequence[str], stdin: int = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
        """Start a client in a process group of its own, for Ctrl-C is for us to act on; it ends when we are killed."""
        with self._starting:
            if self._closed:
                raise RemoteError(f"{self.host}: interrupted")
            process = subprocess.Popen(
                ending_with_parent(command),
                bufsize=0,
                stdin=stdin,
                stdout=subprocess.PIPE if stdin == subprocess.PIPE else subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={**os.environ, "LC_ALL": "C"},  # its messages are recognised by their words
                start_new_session=True,
            )
            self._processes.add(process)
        return process

    def close(self) -> None:
        """End the connection, and with it whatever still runs on the device.

        From another thread, too: a request that waits there meets the end of its client, whose pipes are its own.
        """
        with self._starting:
            self._closed = True
            processes = [*self._processes]
        for process in processes:
            process.terminate()
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE_S)
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
        fetch_bytes: int = FILE_BYTES,
        lock: str | None = None,
        needs: str | None = None,
        passing: bool = False,
        on_line: Callable[[str], None] = lambda line: None,
    ) -> Completed:
        """Run a program on the device; it ends when the connection does.

        Args:
            argv: program and arguments; ``~`` is the device's home folder.
            folder: where it runs.
            environment: variables beside the login's own.
            fetch: files in ``folder`` to bring home.
            fetch_bytes: that each of them may have.
            lock: file that only one program at a time may hold.
            needs: file that must be there once the lock is held: what was begun with it is still one's own.
            passing: ``folder`` is removed there when the connection ends halfway.
            on_line: is given each line that the program prints, as it comes.
        """
        request = {
            "what": "run", "argv": list(argv), "folder": folder, "environment": environment or {},
            "fetch": list(fetch), "lock": lock, "needs": needs, "passing": passing, "limit_s": self.remaining_s(),
        }  # fmt: skip
        ended, answer = self._request(
            _Ended, request, on_line=on_line, heartbeat=True, fetch=fetch, fetch_bytes=fetch_bytes
        )
        return Completed(ended.status, answer.files, tuple(answer.lines))

    def _request(
        self,
        kind: type[T],
        request: dict[str, Any],
        files: Sequence[Path] = (),
        *,
        on_line: Callable[[str], None] = lambda line: None,
        heartbeat: bool = False,
        fetch: Sequence[str] = (),
        fetch_bytes: int = FILE_BYTES,
    ) -> tuple[T, Answer]:
        """Send a request; returns what it came to, and what came before that."""
        process = self._start([*self._client(), "--", self.host, _command_line()], subprocess.PIPE)
        exchange = Exchange(
            process,
            _outgoing(request, files),
            heartbeat=heartbeat,
            end=self._end + 5 * heartbeat,
            limit_bytes=ANSWER_BYTES + 3 * fetch_bytes // 2 * len(fetch),
        )
        try:
            with closing(exchange.lines()) as lines:
                answer = listen(lines, on_line, fetch, fetch_bytes)
            _wait(process)
            exchange.notes.read()
            if isinstance(answer.last, Done):
                return parse(kind, answer.last.done, "answer"), answer
        except TimeoutError:
            raise self._late() from None
        except ValueError as cause:
            raise self._unreadable(cause) from cause
        finally:
            _discard(process)
            self._processes.discard(process)
        raise self._explain(answer.last, process.returncode, exchange.notes.text)

    def _unreadable(self, cause: ValueError) -> RemoteError:
        return RemoteError(f"{self.host}: its answer is none that this version knows: {str(cause)[:300]}")

    def _client(self) -> list[str]:
        """Return ssh with its options; without the shared connection there shall be none."""
        shared = ["-o", "ControlMaster=no", "-S", self._socket, "-o", "ProxyCommand=false"]
        return [self._ssh, *_OPTIONS, *shared]

    def _explain(self, refusal: Refusal | None, status: int, said: str) -> RemoteError:
        """Return the error for a request that was not met."""
        if refusal and refusal.kind == "time":
            return self._late()
        if refusal and refusal.kind != "lost":
            return explain_refusal(self.host, refusal.kind, refusal.message)
        if status == NO_PYTHON:
            return explain_refusal(self.host, "no python", "")
        return explain_lost(self.host, said)

    def _late(self) -> TimeLimitError:
        return TimeLimitError(f"{self.host}: not done within {self.limit_s:.0f} s; allow more with --timeout")


@cache
def _command_line() -> str:
    """Return what the device's login shell is to run: the device's side, whatever that shell is."""
    carried = {name: inspect.getsource(module) for name, module in _CARRIED.items()}
    sources = [inspect.getsource(agent), carried]
    code = base64.b64encode(zlib.compress(json.dumps(sources).encode(), 9)).decode()
    start = "import sys,zlib,base64,json;s=json.loads(zlib.decompress(base64.b64decode(sys.argv[1])).decode());"
    start += "exec(s[0]);main(s[1])"
    return f"sh -c 'command -v python3 >/dev/null || exit {NO_PYTHON}; exec python3 -c \"{start}\" {code}'"


def _outgoing(request: dict[str, Any], files: Sequence[Path]) -> Iterator[bytes]:
    yield json.dumps(request).encode() + b"\n"
    for path in files:
        with path.open("rb") as stream:
            yield from iter(lambda: stream.read(_CHUNK), b"")


def _wait(process: "subprocess.Popen[bytes]") -> None:
    """Wait for the end of a process that is told nothing more and heard no more, and not for long."""
    for stream in (process.stdin, process.stdout):
        if stream:
            stream.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE_S)


def _discard(process: "subprocess.Popen[bytes]") -> None:
    """End a process, if it has not ended, and close its pipes."""
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()
