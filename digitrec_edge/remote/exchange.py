"""A request to a client process and what comes back: whatever is waited for or kept is bounded.

The other end may be anybody's: it may send an endless line, endless lines, a byte now and then or nothing, and it may
not read what it is sent. One loop does the reading and the writing, so nothing of that blocks anything.
"""

import os
import selectors
import subprocess
import time
from collections.abc import Generator, Iterable, Iterator

from digitrec_edge.remote.messages import MARK

HEARTBEAT_S = 2.0
SILENCE_S = 60.0
"""The device's side says every few seconds that it is there; so long without a message or ``STEP_BYTES`` is its end."""

STEP_BYTES = 4096
LINE_BYTES = 1 << 20
STDERR_BYTES = 1 << 20
_CHUNK = 1 << 16
_TICK_S = 0.25
_TAIL_BYTES = 1 << 14


class Notes:
    """What a process says on standard error: the end of it is kept."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stderr
        self._descriptor = process.stderr.fileno()
        os.set_blocking(self._descriptor, False)
        self._tail, self._bytes = b"", 0

    def read(self) -> bool:
        """Take what is there now; False at its end.

        Raises:
            ValueError: it is more than ``STDERR_BYTES``.
        """
        try:
            while data := os.read(self._descriptor, _CHUNK):
                self._tail = (self._tail + data)[-_TAIL_BYTES:]
                self._bytes += len(data)
                if self._bytes > STDERR_BYTES:
                    raise ValueError(f"more than {STDERR_BYTES:,} bytes on standard error")
        except BlockingIOError:
            return True
        return False

    @property
    def text(self) -> str:
        """What was read last."""
        return self._tail.decode(errors="replace")


class Exchange:
    """Sends to a process and reads its lines.

    Args:
        process: with unbuffered pipes.
        outgoing: what to send.
        heartbeat: whether to keep sending a sign of life after that.
        end: when ``time.monotonic()`` has got there, time is over.
        limit_bytes: of all that the process may answer.
    """

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        outgoing: Iterable[bytes],
        *,
        heartbeat: bool,
        end: float,
        limit_bytes: int,
    ) -> None:
        assert process.stdin
        assert process.stdout
        self._process, self._stdin, self._stdout = process, process.stdin, process.stdout
        self.notes = Notes(process)
        self._outgoing, self._unsent = iter(outgoing), b""
        self._heartbeat, self._end, self._left = heartbeat, end, limit_bytes
        self._limit_bytes = limit_bytes
        self._line = bytearray()
        self._heard = self._beaten = time.monotonic()
        self._since = 0

    def lines(self) -> Generator[bytes, None, None]:
        """Yield each line that the process answers, with its end, until it closes its standard output or is gone.

        Raises:
            TimeoutError: time is over.
            ValueError: it is silent, or over a limit; says which.
        """
        os.set_blocking(self._stdin.fileno(), False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._stdout, selectors.EVENT_READ)
            selector.register(self.notes._descriptor, selectors.EVENT_READ)
            selector.register(self._stdin, selectors.EVENT_WRITE)
            while True:
                self._check_time()
                events = selector.select(_TICK_S)
                if not events and self._process.poll() is not None:  # what it started may hold the pipe for ever
                    return
                for key, _ in events:
                    if key.fileobj is self._stdout:
                        data = os.read(key.fd, _CHUNK)
                        if not data:
                            return
                        yield from self._split(data)
                    elif not (self._send() if key.fileobj is self._stdin else self.notes.read()):
                        selector.unregister(key.fileobj)
                if self._stdin not in selector.get_map():
                    self._beat()

    def _check_time(self) -> None:
        now = time.monotonic()
        if now > self._end:
            raise TimeoutError
        if now - self._heard > SILENCE_S:
            raise ValueError(f"no message for {SILENCE_S:.0f} s")

    def _split(self, data: bytes) -> Iterator[bytes]:
        self._left -= len(data)
        if self._left < 0:
            raise ValueError(f"more than {self._limit_bytes:,} bytes")
        self._since += len(data)
        if self._since >= STEP_BYTES:
            self._live()
        *ends, rest = data.split(b"\n")
        for end in ends:
            line = bytes(self._line) + end
            self._line.clear()
            if line.startswith(MARK.encode()):
                self._live()
            yield line + b"\n"
        self._line += rest
        if len(self._line) > LINE_BYTES:
            raise ValueError(f"a line of more than {LINE_BYTES:,} bytes")

    def _live(self) -> None:
        self._heard, self._since = time.monotonic(), 0

    def _send(self) -> bool:
        """Send a part; False when there is nothing left to send, or nobody to send it to."""
        try:
            self._unsent = self._unsent or next(self._outgoing, b"")
            self._unsent = self._unsent[os.write(self._stdin.fileno(), self._unsent) :] if self._unsent else b""
        except BlockingIOError:
            return True
        except BrokenPipeError:  # it has answered already, or is gone: what was read tells
            self._unsent, self._heartbeat = b"", False
            return False
        return bool(self._unsent) or self._refill()

    def _refill(self) -> bool:
        self._unsent = next(self._outgoing, b"")
        return bool(self._unsent)

    def _beat(self) -> None:
        if self._heartbeat and time.monotonic() - self._beaten >= HEARTBEAT_S:
            self._beaten = time.monotonic()
            try:
                os.write(self._stdin.fileno(), b"\n")
            except BlockingIOError:
                return
            except BrokenPipeError:
                self._heartbeat = False
