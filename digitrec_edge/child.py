"""Child processes of this Python: a function is asked questions there and answers each with a line of JSON.

A process of its own keeps cases apart: tflite-runtime cannot be loaded beside TensorFlow, memory and caches of one case
do not help or hurt the next, and a runtime that crashes takes only itself down. The child ends when its parent does.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Any

from digitrec_edge.errors import DigitrecError
from digitrec_edge.records import load_json

ANSWER_LIMIT_BYTES = 64 << 20
"""All answers of one child; the largest is the logits of a test set, half a megabyte."""

_START = "import sys; sys.path[:] = sys.argv[1].split('\\n'); from digitrec_edge.child import main; main(sys.argv[2])"

_CAUSES = {
    "SIGILL": ", because the processor lacks an instruction that a library was built with",
    "SIGKILL": ", stopped from outside, perhaps because memory ran out",
}


def ask(function: str, request: Any, timeout_s: float, error: type[DigitrecError]) -> Any:
    """Put one question to a function in a fresh process.

    Args:
        function: ``package.module:name``; takes and returns plain JSON values.
        request: plain JSON values.
        timeout_s: how long the child may take.
        error: what to raise.

    Raises:
        error: the function refused with one line, or the child died or gave no answer in time.
    """
    answers, end = ask_each(function, [request], timeout_s)
    if not answers:
        raise error(end)
    (reply,) = answers
    if isinstance(reply, dict) and reply.keys() == {"error"}:
        raise error(str(reply["error"]))
    if not isinstance(reply, dict) or reply.keys() != {"answer"}:
        raise error("the process gave no readable answer")
    return reply["answer"]


def ask_each(function: str, requests: Sequence[Any], timeout_s: float) -> tuple[list[Any], str]:
    """Put questions to a function in one fresh process, one after another.

    Returns:
        The replies that came, ``{"answer": ...}`` or ``{"error": "one line"}``, and what ended the child early;
        empty when all came.
    """
    path = "\n".join(filter(None, sys.path))  # not the working directory, where a file may have a package's name
    command = [sys.executable, "-c", _START, path, function]
    with tempfile.TemporaryFile() as errors, _running(command, errors) as child, _Reader(child, timeout_s) as reader:
        reader.send(requests)
        output = reader.finish()
        lines = [line for line in output.splitlines(keepends=True) if line.endswith(b"\n")][: len(requests)]
        try:
            replies = [load_json(line) for line in lines]
        except ValueError as cause:
            return [], f"the process gave no readable answer: {cause}"
        if len(replies) == len(requests):
            return replies, ""
        errors.seek(0)
        return replies, reader.problem or describe_end(child.returncode, errors.read().decode(errors="replace"))


@contextmanager
def _running(command: list[str], errors: Any) -> "Iterator[subprocess.Popen[bytes]]":
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
    try:
        yield child
    finally:
        child.kill()  # before the pipes are closed: that waits for whoever reads them, and they wait for the child
        with child:
            pass


class _Reader:
    """Talks with a child: bounded in time and bytes, whatever the child does."""

    def __init__(self, child: "subprocess.Popen[bytes]", timeout_s: float) -> None:
        self._child, self._timeout_s = child, timeout_s
        self._output = bytearray()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        self.problem = ""

    def __enter__(self) -> "_Reader":
        return self

    def __exit__(self, *cause: object) -> None:
        self._child.kill()
        self._thread.join()

    def _read(self) -> None:
        with contextlib.suppress(ValueError):  # closed by a Ctrl-C before there was anybody to wait for this thread
            self._read_all()

    def _read_all(self) -> None:
        assert self._child.stdout
        while chunk := self._child.stdout.read1(1 << 16):  # type: ignore[attr-defined]
            self._output += chunk
            if len(self._output) > ANSWER_LIMIT_BYTES:
                self.problem = f"the process answered more than {ANSWER_LIMIT_BYTES:,} bytes"
                self._child.kill()
                return

    def send(self, requests: Sequence[Any]) -> None:
        """Send the questions; the pipe stays open, for its end is how the child learns that we are gone."""
        assert self._child.stdin
        try:
            self._child.stdin.write(b"".join(json.dumps(request).encode() + b"\n" for request in requests) + b"\n")
            self._child.stdin.flush()
        except OSError:
            return  # it is dead already; its exit status says why

    def finish(self) -> bytes:
        """Wait for the end of the answers, and of the child."""
        self._thread.join(self._timeout_s)
        if self._thread.is_alive():
            self.problem = f"no answer within {self._timeout_s:.0f} s"
            self._child.kill()
            self._thread.join()
        self._child.wait()
        return bytes(self._output)


def describe_end(status: int, stderr: str) -> str:
    """Say in one line what an exit status and the last words of a process mean."""
    if status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
        return f"the process died of {name}{_CAUSES.get(name, '')}"
    lines = stderr.strip().splitlines() or ["no message"]
    return f"the process ended with {status}: {lines[-1][:200]}"


def ending_with_parent(command: Sequence[str]) -> list[str]:
    """Return a command that the system ends when this process ends, where it can; not every program watches for it."""
    return [*_setpriv(), *command]


@cache
def _setpriv() -> tuple[str, ...]:
    """Ask for util-linux' setpriv, 2.33 or newer; it sets PR_SET_PDEATHSIG and becomes the program."""
    found = shutil.which("setpriv")
    if found is None:
        return ()
    told = subprocess.run([found, "--help"], capture_output=True, text=True, errors="replace", check=False)
    return (found, "--pdeathsig", "KILL", "--") if "--pdeathsig" in told.stdout else ()


def main(function: str) -> None:
    """Answer the questions that come on standard input, until an empty line; the child's side of :func:`ask_each`."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a runtime prints must not mix with the answers
    module, _, name = function.partition(":")
    requests = [load_json(line) for line in iter(sys.stdin.readline, "\n")]
    threading.Thread(target=_end_with_parent, daemon=True).start()
    answer: Callable[[Any], Any] = getattr(import_module(module), name)
    for request in requests:
        try:
            reply = {"answer": answer(request)}
        except DigitrecError as error:
            reply = {"error": str(error)}
        print(json.dumps(reply), file=answers, flush=True)
    answers.close()
    os._exit(0)  # what a runtime does when it is torn down is nobody's question


def _end_with_parent() -> None:
    """Standard input ends when the parent does."""
    while os.read(0, 1):
        pass
    os._exit(1)
