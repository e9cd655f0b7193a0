"""The bound of a collection: its file, SQLite's log beside it, and what goes when there is no room."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from digitrec_edge.collection import schema
from digitrec_edge.errors import CollectionError, CollectionFullError

SMALLEST_BYTES = 1 << 20
LOG_SHARE = 4
"""One part in so many of the limit is for SQLite's log (-wal, -shm), the rest for the file."""

FOR_CORRECTIONS = 64
"""Pages that nothing but corrections may take: about 2,000 of them fit."""

_ROW_PAGES = 16
"""A row and its indices change at most so many pages beside its blobs."""

_INDEX_BYTES = 48 << 10
"""Of the -shm file, which finds pages in the log."""

_PAUSE_S = 0.005
_AT_ONCE = 8
"""So many items are removed in one transaction, which keeps the log short."""


class Room:
    """Sees that a collection stays within ``limit_bytes``; None is no limit.

    Raises:
        CollectionError: the limit is below 1 MB.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, limit_bytes: int | None) -> None:
        if limit_bytes is not None and limit_bytes < SMALLEST_BYTES:
            raise CollectionError(
                f"a collection of {limit_bytes:,} bytes is too small; at least {SMALLEST_BYTES:,} are needed"
            )
        self._connection, self._path, self._limit_bytes = connection, path, limit_bytes
        self._page_bytes = self._pragma("page_size")
        log_bytes = (limit_bytes or 0) // LOG_SHARE
        self._log_bytes = log_bytes - _INDEX_BYTES
        self._pages = ((limit_bytes or 0) - log_bytes) // self._page_bytes
        if limit_bytes is not None:
            connection.execute(f"PRAGMA journal_size_limit = {self._log_bytes}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {max(1, self._log_bytes // 2 // self._page_bytes)}")
            self._shrink()
            connection.execute(f"PRAGMA max_page_count = {self._pages}")

    @property
    def largest_bytes(self) -> int | None:
        """How many bytes may be written at once: what the log has room for."""
        return None if self._limit_bytes is None else self._log_bytes // 2 - _ROW_PAGES * self._page_bytes

    @contextlib.contextmanager
    def writing(self, incoming_bytes: int, spare: int) -> Iterator[None]:
        """Hold the file for one transaction; what it did is on disk when the block ends, or nothing is.

        Args:
            incoming_bytes: that it will write at most; the oldest uncorrected items go until they fit. With 0 none go.
            spare: pages that must stay free beside.

        Raises:
            CollectionFullError: corrected ones are left alone.
            CollectionError: somebody reads for so long that the log cannot be written back.
        """
        pages = incoming_bytes // (self._page_bytes - 64) + _ROW_PAGES + spare if incoming_bytes else 0
        self._begin(incoming_bytes, pages)
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def make(self) -> None:
        """Let go the oldest uncorrected, as far as there are any, until there is room for corrections again."""
        if self._limit_bytes is not None:
            with contextlib.suppress(CollectionFullError), self.writing(1, FOR_CORRECTIONS // 2):
                pass

    def _begin(self, incoming_bytes: int, pages: int) -> None:
        """Begin a transaction that has room, in the log and in the file; what makes room is committed before."""
        end = time.monotonic() + schema.BUSY_S
        while True:
            self._connection.execute("BEGIN IMMEDIATE")
            if self._limit_bytes is None:
                return
            if self._log() + incoming_bytes + _ROW_PAGES * self._page_bytes > self._log_bytes:
                self._connection.execute("ROLLBACK")
                self._write_back(end)
            elif self._used() + pages <= self._pages:
                return
            else:
                self._remove_some(pages)

    def _write_back(self, end: float) -> None:
        """Write the log into the file and empty it; others may do so at the time, or read, but not beyond ``end``."""
        (busy, _, _) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy and time.monotonic() > end:
            raise CollectionError(f"{self._path}: its log is full while somebody reads the collection; try again")
        if busy:
            time.sleep(_PAUSE_S)

    def _remove_some(self, pages: int) -> None:
        """Remove some of what came first and end the transaction."""
        removed = 0
        while removed < _AT_ONCE and self._used() + pages > self._pages and self._remove_oldest():
            removed += 1
        self._connection.execute("COMMIT" if removed else "ROLLBACK")
        if not removed:
            raise CollectionFullError(
                f"{self._path} is full: corrected digits, which never go by themselves, fill its {self._limit_bytes:,} "
                "bytes; bring them home (digitrec-edge collect) and begin another file, or allow more (--keep-mb)"
            )

    def _shrink(self) -> None:
        """Make an older, larger file as small as the limit, as far as that goes without corrected ones."""
        while (before := self._pragma("page_count")) > self._pages:
            self._connection.execute("BEGIN IMMEDIATE")
            removed = [self._remove_oldest() for _ in range(_AT_ONCE)] if self._used() > self._pages else []
            self._connection.execute("COMMIT")
            self._connection.execute(f"PRAGMA incremental_vacuum({_AT_ONCE * _ROW_PAGES})").fetchall()
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            if not any(removed) and self._pragma("page_count") == before:
                return

    def _log(self) -> int:
        with contextlib.suppress(FileNotFoundError):
            return Path(f"{self._path}-wal").stat().st_size
        return 0

    def _used(self) -> int:
        return self._pragma("page_count") - self._pragma("freelist_count")

    def _pragma(self, name: str) -> int:
        (value,) = self._connection.execute(f"PRAGMA {name}").fetchone()
        return int(value)

    def _remove_oldest(self) -> bool:
        """Remove the uncorrected item that came first, and its picture when no other is on it; counts it."""
        row = self._connection.execute(
            "SELECT number, picture FROM items WHERE correction IS NULL ORDER BY number LIMIT 1"
        ).fetchone()
        if row is None:
            return False
        number, picture = row
        self._connection.execute("DELETE FROM items WHERE number = ?", (number,))
        self._connection.execute(
            "DELETE FROM pictures WHERE number = ?1 AND NOT EXISTS (SELECT 1 FROM items WHERE picture = ?1)", (picture,)
        )
        self._connection.execute(
            "INSERT INTO counters VALUES ('removed', 1) ON CONFLICT (name) DO UPDATE SET count = count + 1"
        )
        return True
