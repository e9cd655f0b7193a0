"""A collection's open file: one connection, used by one thread at a time, whose errors are one line each."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from digitrec_edge.collection import schema
from digitrec_edge.collection.room import Room
from digitrec_edge.errors import CollectionError, CollectionFullError


class Database:
    """An open file and its room.

    Raises:
        CollectionError: see :class:`digitrec_edge.collection.Collection`.
        OutputError: it cannot be made.
    """

    def __init__(self, path: Path, limit_bytes: int | None, *, create: bool) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection = schema.open_file(path, create=create)
        try:
            with self._alone():
                self.room = Room(self._connection, path, limit_bytes)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

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
