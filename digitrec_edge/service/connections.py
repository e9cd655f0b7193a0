"""Connections: how many there may be, and how long each may keep us waiting; uvicorn has no limits of the kind.

When there are as many as may be, the one that has kept us waiting longest goes, so that clients who send nothing, or
take no answer, starve nobody who does. Where none waits, the new one is told to come back later.
"""

import asyncio
import json
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from digitrec_edge.service.settings import ServiceLimits

HEAD_BYTES = 32 << 10
"""Of the head of a request; browsers send 1 or 2 KB."""

SWEEP_S = 1.0


def protocol(limits: ServiceLimits) -> type[HttpToolsProtocol]:
    """Return the class of connections within these limits."""

    class Bounded(BoundedConnection):
        """A connection of one service."""

    Bounded.limits = limits
    return Bounded


class BoundedConnection(HttpToolsProtocol):
    """A connection that is given up when its client sends nothing, or too long a head."""

    limits: ServiceLimits
    _since: float | None = None
    """Since when it has kept us waiting for a whole request; None while one is being answered."""
    _stuck: float | None = None
    """Since when it takes nothing of an answer; None while it does."""
    _in_head = True
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or refuse it."""
        if len(self.connections) >= self.limits.connections and not self._make_room():
            self._refuse(transport, 503, "too many connections; come back in a moment")
            return
        super().connection_made(transport)
        self._since = self.loop.time()

    def _make_room(self) -> bool:
        known = [one for one in self.connections if isinstance(one, BoundedConnection)]
        waits = {one: since for one in known if (since := one._waits()) is not None}
        if not waits:
            return False
        longest = min(waits, key=lambda one: waits[one])
        longest.transport.abort()
        self.connections.discard(longest)
        return True

    def _waits(self) -> float | None:
        """Return since when its client has kept us waiting: for a request, or with an answer that it does not take."""
        if self._stuck is not None and self.loop.time() - self._stuck > SWEEP_S:
            return self._stuck
        return self._since

    def pause_writing(self) -> None:
        """Note that the client takes nothing for now."""
        self._stuck = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Go on."""
        self._stuck = None
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        """Take bytes of a request."""
        if self.parser is None or self.transport is None:  # refused, or gone
            return
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_BYTES:
            self._refuse(self.transport, 431, f"the head of a request may have {HEAD_BYTES:,} bytes")

    def on_headers_complete(self) -> None:
        """Begin to answer; what comes from now on is the body."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of the request is here; of one that was refused before, this is what was still on its way."""
        self._since = self.loop.time() if self.cycle.response_complete else None
        self._in_head, self._head_bytes = True, 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._since = self.loop.time()
        super().on_response_complete()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Give up a client that will send no more before its request is whole; one whose request is whole is answered.

        Returns:
            Whether the connection stays open for the answer, after which it is closed; with TLS it cannot.
        """
        if self._since is not None or self.cycle is None:
            return False
        self.cycle.keep_alive = False
        return self.scheme != "https"

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self.transport is not None:
            super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        self._refuse(self.transport, 400, "this is no request of HTTP/1.1")

    def overdue(self, now: float) -> None:
        """Give the connection up when its client takes longer than it may."""
        if self._stuck is not None and now - self._stuck > 2 * self.limits.head_s:
            self.transport.abort()
            return
        if self._since is None or now - self._since < self.limits.head_s:
            return
        if self.transport.is_closing():
            if now - self._since > 2 * self.limits.head_s:  # it does not take what it asked for
                self.transport.abort()
        elif self._in_head and self._head_bytes:
            self._refuse(self.transport, 408, f"the head of the request took longer than {self.limits.head_s:g} s")
        elif self._in_head or self.cycle.response_complete:
            self.transport.close()

    def _refuse(self, transport: asyncio.Transport, status: int, text: str) -> None:
        content = json.dumps({"error": text}).encode()
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(content)
        transport.write(b"".join([STATUS_LINE[status], head, content]))
        transport.close()


async def sweep(connections: set[Any]) -> None:
    """Give up what is overdue, about once a second, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(SWEEP_S)
        for one in list(connections):
            if isinstance(one, BoundedConnection):
                one.overdue(loop.time())
