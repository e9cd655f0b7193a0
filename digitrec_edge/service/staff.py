"""The readers of one artifact: as many processes as there are cores, each with one picture at a time."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from digitrec_edge.artifact import Artifact
from digitrec_edge.artifact.signature import KEY_VARIABLE
from digitrec_edge.errors import ArtifactError
from digitrec_edge.files import sha256
from digitrec_edge.service.frames import FrameKind, PipeFrame, size, unpack

_START = "import sys; sys.path[:] = sys.argv[1].split('\\n'); from digitrec_edge.service.reader import main; main()"
LOAD_S = 120.0
AGAIN_S = 1.0
"""Between two attempts to start a reader in the place of one that died."""


class BusyError(Exception):
    """More pictures wait for their turn than may, or one has waited too long."""


class TooSlowError(Exception):
    """A picture was not read within the time that it may take."""


class ReaderLostError(Exception):
    """The process that read a picture died of it."""


@dataclass(frozen=True)
class Running:
    """What readers told when they were ready: the runtime that they use."""

    runtime: str
    runtime_version: str


class _Reader(asyncio.Protocol):
    """One process, and our end of its socket; asked one thing at a time."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._answer: asyncio.Future[PipeFrame] | None = None
        self._transport: asyncio.Transport | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.on_loss: Callable[[_Reader], None] | None = None

    async def start(self) -> None:
        """Start the process; it loads nothing yet."""
        ours, theirs = socket.socketpair()
        path = "\n".join(filter(None, sys.path))
        environment = {**os.environ, KEY_VARIABLE: ""}  # the signature was checked before, beside the file
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _START, path], stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env=environment
            )
        ours.setblocking(False)
        await asyncio.get_running_loop().create_unix_connection(lambda: self, sock=ours)

    @property
    def lost(self) -> bool:
        return self._transport is None or self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        whole = size(self._buffer)
        if whole and len(self._buffer) >= whole and self._answer and not self._answer.done():
            self._answer.set_result(unpack(self._buffer))
            self._buffer.clear()

    def connection_lost(self, cause: Exception | None) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(ReaderLostError("the process that read it died"))
        if self.on_loss:
            self.on_loss(self)

    async def ask(self, frame: PipeFrame, limit_s: float) -> PipeFrame:
        """Send a frame and wait for the one that answers it; a reader that is not waited for any more is ended.

        Raises:
            TooSlowError: no answer in time.
            ReaderLostError: the process died.
        """
        if self.lost:
            raise ReaderLostError("the process that should read it died")
        assert self._transport
        self._answer = asyncio.get_running_loop().create_future()
        answered = False
        try:
            self._transport.write(frame.pack())
            async with asyncio.timeout(limit_s):
                answer = await self._answer
            answered = True
        except TimeoutError:
            raise TooSlowError from None
        finally:
            self._answer = None
            if not answered:
                self.kill()
        return answer

    def kill(self) -> None:
        """End the process at once."""
        if self._transport:
            self._transport.abort()
        if self.process:
            self.process.kill()

    async def end(self) -> None:
        """Hang up, which ends the process, and wait until it is gone."""
        if self._transport:
            self._transport.close()
        if self.process:
            await asyncio.to_thread(self._reap)

    def _reap(self) -> None:
        assert self.process
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Staff:
    """The readers of one artifact. ``running`` says in which runtime, once they are hired."""

    def __init__(self, found: Artifact, runtime: str, workers: int, on_loss: Callable[[], None]) -> None:
        line = {"path": str(found.path), "runtime": runtime}
        self.artifact, self.sha256 = found, sha256(found.data)
        self._on_loss = on_loss
        self._load = PipeFrame(FrameKind.LOAD, line, found.data)
        self._workers = workers
        self._all: set[_Reader] = set()
        self._idle: asyncio.LifoQueue[_Reader] = asyncio.LifoQueue()
        self._asked = 0
        self._free = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self.running = Running("", "")

    async def hire(self) -> None:
        """Start the readers; each loads and tests the artifact.

        Raises:
            ArtifactError: it fails its self-test, or no runtime runs it; nobody is left.
        """
        try:
            ready = await asyncio.gather(*(self._hire_one() for _ in range(self._workers)))
        except BaseException:
            await self.close()
            raise
        self.running = ready[0]

    async def _hire_one(self) -> Running:
        reader = _Reader()
        self._all.add(reader)
        try:
            await reader.start()
            reply = await reader.ask(self._load, LOAD_S)
            if reply.kind != FrameKind.READY:
                raise ArtifactError(str(reply.line))
        except (ReaderLostError, TooSlowError, OSError) as cause:
            await self._dismiss(reader)
            raise ArtifactError(f"{self.artifact.path} cannot be loaded: its process died, or took too long") from cause
        except BaseException:
            await self._dismiss(reader)
            raise
        reader.on_loss = self._lose
        self._idle.put_nowait(reader)
        return Running(**reply.line)

    async def _dismiss(self, reader: _Reader) -> None:
        self._all.discard(reader)
        reader.kill()
        await reader.end()

    @property
    def waiting(self) -> int:
        """How many pictures are being read or wait for it."""
        return self._asked

    @property
    def present(self) -> int:
        """How many readers there are."""
        return sum(not reader.lost for reader in self._all)

    async def read(self, frame: PipeFrame, limit_s: float, most_waiting: int) -> PipeFrame:
        """Have a picture read by the next reader who is free.

        Raises:
            BusyError: too many wait, or it has waited for so long.
            TooSlowError: it was not read in so long; the reader is ended, and another takes its place.
            ReaderLostError: the reader died of it.
        """
        if self._asked >= most_waiting:
            raise BusyError
        self._asked += 1
        try:
            return await self._read(frame, limit_s)
        finally:
            self._asked -= 1
            if not self._asked:
                self._free.set()

    async def _read(self, frame: PipeFrame, limit_s: float) -> PipeFrame:
        reader = await self._next(asyncio.get_running_loop().time() + limit_s)
        try:
            return await reader.ask(frame, limit_s)
        finally:
            if not reader.lost:
                self._idle.put_nowait(reader)

    async def _next(self, end: float) -> _Reader:
        """Wait for a reader who is free; one that died meanwhile is passed over."""
        while True:
            try:
                reader = self._idle.get_nowait()
            except asyncio.QueueEmpty:
                try:
                    async with asyncio.timeout_at(end):
                        reader = await self._idle.get()
                except TimeoutError:
                    raise BusyError from None
            if not reader.lost:
                return reader

    def _lose(self, reader: _Reader) -> None:
        """Have another one take the place of a reader that died, whatever of."""
        if not self._closed and reader in self._all:
            self._on_loss()
            self._do(self._replace(reader))

    async def _replace(self, reader: _Reader) -> None:
        await self._dismiss(reader)
        while not self._closed:
            with contextlib.suppress(ArtifactError):
                await self._hire_one()
                return
            await asyncio.sleep(AGAIN_S)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def retire(self) -> None:
        """Let them read what they were asked, and then go."""
        while self._asked:
            self._free.clear()
            await self._free.wait()
        await self.close()

    async def close(self) -> None:
        """Let them go; each ends with the picture that it has."""
        self._closed = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(reader.end() for reader in self._all))
        self._all.clear()
