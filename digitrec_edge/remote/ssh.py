"""One device over the user's own OpenSSH client: its configuration, agent, jump hosts and known hosts count.

No password is ever asked for and no unknown host key accepted (``BatchMode``). All requests share one
connection, so that a key that asks for a touch asks once.
"""

import base64
import hashlib
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
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from digitrec_edge.errors import NotInstalledError, RemoteError, TimeLimitError
from digitrec_edge.remote.refusals import NO_PYTHON, explain_lost, explain_refusal, explain_ssh

MARK = "digitrec-edge:"
HEARTBEAT_S = 2.0
CONNECT_LIMIT_S = 20
_AGENT = Path(__file__).with_name("agent.py")
_OPTIONS = (
    "-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_LIMIT_S}",
    "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3",
)  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What came of a request.

    Attributes:
        done: what the device's side said last.
        files: contents of the fetched files, by name.
        lines: what the program printed.
    """

    done: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)
    lines: tuple[str, ...] = ()


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

    def facts(self, paths: Sequence[str] = ()) -> dict[str, Any]:
        """Ask what the device is, and which of these paths are there."""
        return self._request({"what": "facts", "paths": list(paths)}).done

    def send(self, files: Sequence[Path], folder: str) -> None:
        """Copy files into a folder of the device; each arrives whole or not at all."""
        entries = [
            {"name": path.name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for path, data in ((path, path.read_bytes()) for path in files)
        ]
        self._request({"what": "receive", "folder": folder, "files": entries}, files)

    def remove(self, *paths: str) -> None:
        """Remove files and folders of the device."""
        self._request({"what": "remove", "paths": list(paths)})

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
    ) -> Answer:
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
        return self._request(request, on_line=on_line, heartbeat=True)

    def _request(
        self,
        request: dict[str, Any],
        files: Sequence[Path] = (),
        *,
        on_line: Callable[[str], None] = lambda line: None,
        heartbeat: bool = False,
    ) -> Answer:
        with tempfile.TemporaryFile() as errors:
            command = [self._ssh, *_OPTIONS, "-o", "ControlMaster=no", "-S", self._socket]
            command += ["-o", "ProxyCommand=false"]  # without the shared connection there shall be none
            process = self._start([*command, "--", self.host, _command_line()], errors, subprocess.PIPE)
            late = threading.Event()

            def end_late() -> None:
                late.set()
                process.kill()

            timer = threading.Timer(self.remaining_s() + 5 * heartbeat, end_late)
            timer.start()
            try:
                with _talking(process.stdin, request, files, heartbeat):
                    answer, refusal = _listen(process.stdout, on_line)
                process.wait()
            finally:
                timer.cancel()
                if process.poll() is None:
                    process.kill()
                    process.wait()
                process.stdout.close()
                self._processes.discard(process)
            if answer is not None:
                return answer
            if late.is_set() or (refusal and refusal["kind"] == "time"):
                raise self._late()
            if refusal and refusal["kind"] != "lost":
                raise explain_refusal(self.host, refusal["kind"], refusal["message"])
            if process.returncode == NO_PYTHON:
                raise explain_refusal(self.host, "no python", "")
            raise explain_lost(self.host, _text(errors))

    def _late(self) -> TimeLimitError:
        return TimeLimitError(f"{self.host}: not done within {self.limit_s:.0f} s; allow more with --timeout")


def _command_line() -> str:
    """Return what the device's login shell is to run: the device's side, whatever that shell is."""
    code = base64.b64encode(zlib.compress(_AGENT.read_bytes(), 9)).decode()
    start = "import sys,zlib,base64;exec(zlib.decompress(base64.b64decode(sys.argv[1])))"
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


def _listen(stdout: IO[bytes], on_line: Callable[[str], None]) -> tuple[Answer | None, dict[str, str] | None]:
    """Read to the end; returns the answer, or the refusal, or neither when it was cut off."""
    files: dict[str, bytes] = {}
    lines: list[str] = []
    for raw in stdout:
        text = raw.decode(errors="replace")
        if not text.startswith(MARK) or not text.endswith("\n"):
            continue  # what the login's own files print, or half a line
        message = json.loads(text[len(MARK) :])
        if "line" in message:
            lines.append(message["line"])
            on_line(message["line"])
        elif "file" in message:
            data = base64.b64decode(message["data"])
            if hashlib.sha256(data).hexdigest() == message["sha256"]:
                files[message["file"]] = data
        elif "error" in message:
            return None, message["error"]
        elif "done" in message:
            return Answer(message["done"], files, tuple(lines)), None
    return None, None


def _text(errors: IO[bytes]) -> str:
    errors.seek(0)
    return errors.read().decode(errors="replace")
