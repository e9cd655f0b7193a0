"""A command that is given readings: lines of JSON on its standard input."""

import json
import os
import shlex
import subprocess
import time
from collections.abc import Callable
from typing import IO

from digitrec_edge.child import describe_end
from digitrec_edge.errors import PublishError
from digitrec_edge.watching.readings import Reading

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
"""Before a command that has ended is started again, with the next reading."""

END_S = 5.0
"""How long a command may take to end when its input is closed, before it is stopped."""

_GONE_S = 0.2
"""How long a command that takes no more may take to have ended: its input closes a little before."""


class CommandOutput:
    """A running command; one that ends is told and started again, and then gets what is known now.

    It is run without a shell. Watching never waits for it: of what it does not read in time it gets the newest of each
    region, later.

    Args:
        command: words as in a shell.
        output: where the command's own standard output goes.
        tell: is told in one line what goes wrong.

    Raises:
        PublishError: it cannot be started.
    """

    def __init__(self, command: str, output: IO[str], tell: Callable[[str], None]) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as cause:
            raise PublishError(f"--to-command {command!r} cannot be taken apart: {cause}") from None
        if not self._words:
            raise PublishError("--to-command is empty; give a command, such as --to-command 'tee readings.jsonl'")
        self._output, self._tell = output, tell
        self._wait_s, self._due_s, self._stuck = FIRST_WAIT_S, 0.0, False
        self._waiting: dict[str, Reading] = {}
        self._process: subprocess.Popen[bytes] | None = self._start()
        self._leaving: subprocess.Popen[bytes] | None = None

    def _start(self) -> "subprocess.Popen[bytes]":
        try:
            process = subprocess.Popen(self._words, stdin=subprocess.PIPE, stdout=self._output.fileno(), bufsize=0)
        except OSError as cause:
            raise PublishError(f"cannot start {self._words[0]!r}: {cause.strerror}") from None
        assert process.stdin
        os.set_blocking(process.stdin.fileno(), False)
        self._started_s = time.monotonic()
        return process

    def send(self, reading: Reading) -> None:
        """Give a reading to the command; what it does not take now waits, the newest of each region."""
        self._waiting[reading.region] = reading
        self.flush()

    def flush(self) -> None:
        """Give what waits to the command, and start it again where it is time."""
        while self._waiting and (self._process is not None or self._restart()):
            region = next(iter(self._waiting))
            try:
                if not self._write((json.dumps(self._waiting[region].as_json()) + "\n").encode()):
                    return
                del self._waiting[region]
            except BrokenPipeError:
                self._ended()

    def _write(self, line: bytes) -> bool:
        """Write a line whole or not at all, as the system does with pipes and lines of up to 4,096 bytes."""
        assert self._process
        assert self._process.stdin
        try:
            os.write(self._process.stdin.fileno(), line)
        except BlockingIOError:
            if not self._stuck:
                self._tell(f"{self._words[0]} does not read: it will miss what changes meanwhile")
            self._stuck = True
            return False
        self._stuck = False
        return True

    def _ended(self) -> None:
        assert self._process
        self._close_input()
        try:
            status = self._process.wait(_GONE_S)
            how = describe_end(status, "") if status < 0 else f"it ended with status {status}"
        except subprocess.TimeoutExpired:
            self._process.terminate()
            self._leaving, how = self._process, "it closed its input"
        if time.monotonic() - self._started_s > LONGEST_WAIT_S:
            self._wait_s = FIRST_WAIT_S
        self._process, self._due_s = None, time.monotonic() + self._wait_s
        self._tell(f"{self._words[0]} takes no more readings: {how}; starting it again in {self._wait_s:.0f} s")
        self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)

    def _restart(self) -> bool:
        if time.monotonic() < self._due_s:
            return False
        self._see_off()
        try:
            self._process = self._start()
        except PublishError as error:
            self._tell(str(error))
            self._due_s = time.monotonic() + self._wait_s
            self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
            return False
        self._stuck = False
        return True

    def _see_off(self) -> None:
        if self._leaving:
            self._leaving.kill()
            self._leaving.wait()
        self._leaving = None

    def _close_input(self) -> None:
        assert self._process
        assert self._process.stdin
        self._process.stdin.close()

    def close(self) -> None:
        """Close the command's input and wait until it has ended."""
        if self._process is not None:
            self._close_input()
            _end(self._process)
            self._process = None
        self._see_off()


def _end(process: "subprocess.Popen[bytes]") -> int:
    for stop in (process.terminate, process.kill):
        try:
            return process.wait(END_S)
        except subprocess.TimeoutExpired:
            stop()
    return process.wait()
