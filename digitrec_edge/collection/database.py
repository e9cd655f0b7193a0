"""A collection's open file: one connection, used by one thread at a time, whose errors are one line each."""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from digitrec_edge.collection import schema
from digitrec_edge.collection.room import Room
from digitrec_edge.errors import CollectionError, CollectionFullError, OutputError


class Database:
    """An open file and its room.

    Where the file was removed, or made anew by another process since, that one is opened before anything is done, made
    again where ``create`` says so: SQLite would go on writing into a file that nobody finds any more.

    Raises:
        CollectionError: see :class:`digitrec_edge.collection.Collection`.
        OutputError: it cannot be made.
    """

    def __init__(self, path: Path, limit_bytes: int | None, *, create: bool) -> None:
        self.path, self._limit_bytes, self._create = path, limit_bytes, create
        self._lock = threading.RLock()
        self._open()

    def _open(self) -> None:
        connection = schema.open_file(self.path, create=self._create)
        try:
            with self._told():
                room = Room(connection, self.path, self._limit_bytes)
            file: os.stat_result | None = self.path.stat()
        except BaseException:
            connection.close()
            raise
        self._connection, self.room, self._file = connection, room, file

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file = None
            self._connection.close()

    def _follow(self) -> None:
        """Open the file that is in the place now; nothing is done where it is the same, or within a transaction."""
        if self._file is None or self._connection.in_transaction:
            return
        with contextlib.suppress(OSError):
            if os.path.samestat(self._file, self.path.stat()):
                return
        old = self._connection
        try:
            self._open()
        except (OutputError, OSError) as cause:
            raise CollectionError(str(cause)) from cause
        old.close()

    @contextlib.contextmanager
    def writing(self, incoming_bytes: int, spare: int = 0) -> Iterator[None]:
        """Hold the file for one transaction, see :meth:`Room.writing`."""
        with self._alone(), self.room.writing(incoming_bytes, spare):
            yield

    def make_room(self) -> None:
        """Let go what has to, see :meth:`Room.make`."""
        with self._alone():
            self.room.make()

    def all(self, sql: str, *values: Any) -> list[Any]:
        """Return all rows."""
        with self._alone():
            return self._connection.execute(sql, values).fetchall()

    def one(self, sql: str, *values: Any) -> Any:
        """Return the first row; None without one."""
        with self._alone():
            return self._connection.execute(sql, values).fetchone()

    def change(self, sql: str, *values: Any) -> int:
        """Change rows; returns how many."""
        with self._alone():
            return self._connection.execute(sql, values).rowcount

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with self._lock:
            self._follow()
            with self._told():
                yield

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Say in one line what SQLite raises."""
        try:
            yield
        except sqlite3.ProgrammingError as cause:
            raise CollectionError(f"{self.path} is closed") from cause
        except sqlite3.Error as cause:
            name = getattr(cause, "sqlite_errorname", "")
            meaning = next((text for start, text in _MEANINGS.items() if name.startswith(start)), "")
            kind = CollectionFullError if name == "SQLITE_FULL" else CollectionError
            raise kind(f"{self.path}: {meaning} ({cause})" if meaning else f"{self.path}: {cause}") from cause


_MEANINGS = {
    "SQLITE_BUSY": f"another process wrote for more than {schema.BUSY_S:.0f} s; try again",
    "SQLITE_CORRUPT": "the file is damaged; what can be read of it: sqlite3 FILE .recover",
    "SQLITE_NOTADB": "the file is damaged",
    "SQLITE_READONLY": "no permission to write",
    "SQLITE_FULL": "no room left, on the disk or in the collection (--keep-mb)",
    "SQLITE_IOERR": "the disk fails",
}
