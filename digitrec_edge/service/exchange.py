"""The exchange of the model: the file is watched, and a new artifact answers once it has proved itself here.

Until then the old one answers, and it goes after its last picture. A new one that is damaged, not signed as it must be
or fails its self-test is refused, and the old one stays.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from digitrec_edge import artifact
from digitrec_edge.artifact import Artifact, signature
from digitrec_edge.artifact.card import Card
from digitrec_edge.errors import DigitrecError
from digitrec_edge.files import sha256
from digitrec_edge.history import Happened
from digitrec_edge.service.home import page_of
from digitrec_edge.service.settings import Settings
from digitrec_edge.service.staff import Staff

LOG = logging.getLogger("digitrec_edge.service")
TICK_S = 1.0

Seen = tuple[int, int, int] | None


@dataclass(frozen=True)
class Serving:
    """An artifact that answers.

    Attributes:
        staff: its readers.
        page: of its own, with the same recogniser in the browser.
        since: Unix time.
    """

    staff: Staff
    page: bytes
    since: float

    @property
    def card(self) -> Card:
        """The artifact's: a file without one carries no sample to test readers with, and was refused."""
        card = self.staff.artifact.card
        assert card
        return card


@dataclass(frozen=True)
class Happening:
    """Something that happened to an artifact.

    Attributes:
        name: as :mod:`digitrec_edge.history` calls it.
        text: a line for people.
        artifact: whom it happened to; its path where it could not be read.
        why: reason of a refusal, else empty.
    """

    name: Happened
    text: str
    artifact: Artifact | Path
    why: str = ""

    @property
    def sha256(self) -> str:
        """Of its file; empty where it could not be read."""
        return sha256(self.artifact.data) if isinstance(self.artifact, Artifact) else ""


Tell = Callable[[Happening], None]


class ModelExchange:
    """Holds the artifact that answers; ``serving`` is another one from one moment to the next."""

    def __init__(self, settings: Settings, tell: Tell, on_loss: Callable[[], None]) -> None:
        self._settings, self._tell, self._on_loss = settings, tell, on_loss
        self._serving: Serving | None = None
        self._seen: Seen = None
        self._pending: Seen = None
        self._asked = asyncio.Event()
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def serving(self) -> Serving:
        """What answers now."""
        assert self._serving
        return self._serving

    async def start(self) -> None:
        """Load the first artifact.

        Raises:
            DigitrecError: it cannot be served.
        """
        self._seen = self._pending = _look(self._settings.artifact)
        self._serving = await self._open(await asyncio.to_thread(self._read))
        staff = self._serving.staff
        self._tell(Happening("serving", f"serving {staff.artifact.path}, sha256 {staff.sha256[:12]}", staff.artifact))

    def ask(self) -> None:
        """Look at the file now, whether it seems to have changed or not: for SIGHUP."""
        self._asked.set()

    async def watch(self) -> None:
        """Look at the file about once a second, until cancelled; one that is still being written is left alone."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self._asked.wait()
            now, asked = _look(self._settings.artifact), self._asked.is_set()
            self._asked.clear()
            settled, self._pending = now == self._pending, now
            if asked or (settled and now != self._seen):
                self._seen = now
                await self._try()

    async def _try(self) -> None:
        found: Artifact | Path = self._place()
        try:
            found = await asyncio.to_thread(self._read)
            old = self.serving
            if sha256(found.data) == old.staff.sha256:
                return
            self._serving = await self._open(found)
        except DigitrecError as error:
            self._tell(Happening("refused", f"refused: {error}; the old one goes on", found, str(error)))
            return
        except Exception:  # whatever it was, the old one goes on, and so does the watch
            LOG.exception("the exchange failed")
            return
        new = self.serving.staff
        self._leave(old.staff)
        self._tell(Happening("exchanged", f"exchanged {old.staff.sha256[:12]} for {new.sha256[:12]}", found))

    def _read(self) -> Artifact:
        found = artifact.read(self._place())
        signature.check(found, self._settings.key)
        return found

    def _place(self) -> Path:
        """Where a link leads, for its file and the signature there belong together; one in circles leads to itself."""
        return Path(os.path.realpath(self._settings.artifact))

    async def _open(self, found: Artifact) -> Serving:
        staff = Staff(found, self._settings.runtime, self._settings.workers, self._on_loss)
        await staff.hire()
        page = await asyncio.to_thread(page_of, found)
        return Serving(staff, page, time.time())

    def _leave(self, staff: Staff) -> None:
        task = asyncio.get_running_loop().create_task(staff.retire())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        """Let all readers go."""
        if self._serving:
            found = self._serving.staff.artifact
            self._tell(Happening("stopped", f"stopped serving {found.path}", found))
        await asyncio.gather(*self._leaving, return_exceptions=True)
        if self._serving:
            await self._serving.staff.close()


def _look(path: Path) -> Seen:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
