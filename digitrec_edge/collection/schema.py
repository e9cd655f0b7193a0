"""The SQLite file of a collection: its tables by version, how it is made, opened and checked.

A collection may come from anywhere. One is opened only when its tables are, to the letter, those that this package
makes: no view and no trigger of somebody else ever runs.
"""

import os
import sqlite3
from contextlib import ExitStack, closing, suppress
from functools import cache
from pathlib import Path

from digitrec_edge.errors import CollectionError, OutputError
from digitrec_edge.files import locked, make_folder, scratch_folder

APPLICATION_ID = 0x44494749
"""Of SQLite's header, "DIGI": what ``file`` calls the application."""

PAGE_BYTES = 4096
BUSY_S = 30.0
"""So long one process waits for another that writes."""

HELD_S = 5.0
"""So long it waits for one that is at work in the folder, so as not to take the log of what that has just made."""

LARGEST_VALUE = 256 << 20
_LOG = ("-wal", "-shm")
_UNWRITABLE = ("SQLITE_CANTOPEN", "SQLITE_READONLY")
_NO_LOG = "no log can be written beside it; copy it to where you may write"
_MAGIC = b"SQLite format 3\0"

STEPS: dict[int, tuple[str, ...]] = {
    1: (
        """CREATE TABLE pictures (
            number INTEGER PRIMARY KEY,
            sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
            bytes BLOB NOT NULL
        ) STRICT""",
        """CREATE TABLE items (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            picture INTEGER REFERENCES pictures (number),
            image BLOB NOT NULL CHECK (length(image) = 784),
            digit INTEGER,
            candidate INTEGER NOT NULL,
            probability REAL NOT NULL,
            score REAL NOT NULL,
            artifact_sha256 TEXT NOT NULL,
            time TEXT NOT NULL,
            source TEXT NOT NULL,
            box TEXT,
            correction INTEGER
        ) STRICT""",
        """CREATE TABLE corrections (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            item INTEGER NOT NULL REFERENCES items (number) ON DELETE CASCADE,
            digit INTEGER,
            author TEXT NOT NULL,
            time TEXT NOT NULL,
            undone INTEGER NOT NULL DEFAULT 0,
            UNIQUE (item, time, author)
        ) STRICT""",
        "CREATE TABLE counters (name TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT",
        "CREATE INDEX items_picture ON items (picture)",
        "CREATE INDEX items_probability ON items (probability)",
        "CREATE INDEX items_uncorrected ON items (number) WHERE correction IS NULL",
    ),
}
"""Version -> what makes it of the version before. A step, once released, never changes."""


def open_file(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open a collection, made or brought to the newest version when needed.

    Raises:
        CollectionError: missing, damaged, no collection, or of a newer version.
        OutputError: it cannot be made.
    """
    if not path.exists():
        if not create:
            raise CollectionError(f"no such collection: {path}")
        _make(path)
    _check_header(path)
    try:
        connection = _connect(path)
        try:
            _upgrade(connection, path)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as cause:
        why = _NO_LOG if getattr(cause, "sqlite_errorname", "").startswith(_UNWRITABLE) else cause
        raise CollectionError(f"{path} cannot be opened as a collection: {why}") from cause
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_VALUE)
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")
    for pragma in ("synchronous = FULL", "secure_delete = FAST"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    return connection


def _make(path: Path) -> None:
    """Make an empty collection, whole or not at all; one that another process makes meanwhile stays."""
    make_folder(path.parent)
    with scratch_folder(path) as folder:
        made = folder / "collection"
        os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            with closing(sqlite3.connect(made, isolation_level=None)) as connection:
                for pragma in (f"page_size = {PAGE_BYTES}", "auto_vacuum = INCREMENTAL", "journal_mode = WAL"):
                    connection.execute(f"PRAGMA {pragma}")
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                _take_steps(connection, 0)
        except sqlite3.Error as cause:
            raise OutputError(f"cannot write {str(path)!r}: {cause}") from cause
        with ExitStack() as stack:
            with suppress(OutputError):  # one that deploys there may take longer, and wait for this process
                stack.enter_context(locked(path.parent, "making a collection in", HELD_S))
                if not path.exists():
                    _put_log_aside(path, folder)
            try:
                os.link(made, path)
            except FileExistsError:
                return
            except OSError as cause:
                raise OutputError(f"cannot write {str(path)!r}: {cause.strerror or cause}") from cause


def _put_log_aside(path: Path, folder: Path) -> None:
    """Take the log of a file that was removed away, and its index: SQLite would use them for the one in its place."""
    for end in _LOG:
        with suppress(OSError):
            Path(f"{path}{end}").rename(folder / end)


def is_sqlite(path: Path) -> bool:
    """Tell by its first bytes whether a file is SQLite's.

    Raises:
        CollectionError: it is no file, or cannot be read.
    """
    try:
        if not path.is_file():
            raise CollectionError(f"{path} is no file")
        with path.open("rb") as stream:
            return stream.read(len(_MAGIC)) == _MAGIC
    except OSError as cause:
        raise CollectionError(f"cannot read {str(path)!r}: {cause.strerror or cause}") from cause


def _check_header(path: Path) -> None:
    """Refuse what is no SQLite file before SQLite sees it."""
    if not is_sqlite(path):
        raise CollectionError(f"{path} is not a collection: it is no SQLite file")


def _upgrade(connection: sqlite3.Connection, path: Path) -> None:
    """Check whose tables these are, and bring older ones to the newest version."""
    (application,), (version,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in _IDENTITY)
    newest = max(STEPS)
    if application != APPLICATION_ID:
        raise CollectionError(f"{path} is not a collection: it is a SQLite file of something else")
    if version > newest:
        raise CollectionError(
            f"{path} was made by a newer digitrec-edge (collection version {version}): update digitrec-edge"
        )
    if version < 1 or _tables(connection) != _expected(version):
        raise CollectionError(f"{path} is not a collection: its tables are not those of version {version}")
    if version < newest:
        _take_steps(connection, version)
    connection.execute("PRAGMA journal_mode = WAL").fetchone()  # a copy by VACUUM INTO comes without


_IDENTITY = ("application_id", "user_version")


def _take_steps(connection: sqlite3.Connection, version: int) -> None:
    """Go from a version to the newest in one transaction, unless another process just did."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if connection.execute("PRAGMA user_version").fetchone() == (version,):
            for step in range(version + 1, max(STEPS) + 1):
                for statement in STEPS[step]:
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {max(STEPS)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _tables(connection: sqlite3.Connection) -> list[tuple[str, str, str | None]]:
    return connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()


def _expected(version: int) -> list[tuple[str, str, str | None]]:
    return _expected_of(tuple(statement for step in range(1, version + 1) for statement in STEPS[step]))


@cache
def _expected_of(statements: tuple[str, ...]) -> list[tuple[str, str, str | None]]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
        return _tables(connection)
