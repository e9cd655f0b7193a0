"""A collection: what a device answered, kept in one SQLite file until somebody looks at it.

What :meth:`Collection.keep` and :meth:`Collection.correct` returned from is on disk: SQLite's log is synced at every
commit (WAL, ``synchronous = FULL``), so neither ``kill -9`` nor a power cut takes it back. Several processes and
threads may write at once; a forked process opens its own.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from types import TracebackType

from digitrec_edge.collection import listing
from digitrec_edge.collection.database import Database
from digitrec_edge.collection.items import Item, Kept, Said, later, utc_now
from digitrec_edge.collection.listing import Counts, Order
from digitrec_edge.collection.room import FOR_CORRECTIONS
from digitrec_edge.errors import CollectionError, NoItemError

ITEM_BYTES = 2048
"""What an item or a correction takes beside its picture, at most."""


class Collection:
    """An open collection; use it as a context manager.

    Args:
        path: of the file; made when it is missing.
        limit_bytes: that the file and SQLite's log beside it may have; the oldest uncorrected items go first. None is
            no limit.
        create: False refuses a missing file.

    Raises:
        CollectionError: damaged, no collection, of a newer version, or the limit is below 1 MB.
        OutputError: it cannot be made.
    """

    def __init__(self, path: str | Path, limit_bytes: int | None = None, *, create: bool = True) -> None:
        self._database = Database(Path(path), limit_bytes, create=create)

    def __enter__(self) -> "Collection":
        return self

    def __exit__(self, kind: type[BaseException] | None, cause: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    def close(self) -> None:
        """Close the file; what was kept stays."""
        self._database.close()

    def keep(self, kept: Kept) -> str:
        """Keep one digit; returns its id. One that is there already stays as it is.

        Raises:
            CollectionFullError: corrected ones fill the collection.
            CollectionError: its picture is too large, or the file cannot be written.
        """
        return self.keep_all([kept])[0]

    def keep_all(self, digits: Sequence[Kept]) -> list[str]:
        """Keep the digits of one picture, all or none of them; a picture that they share is kept once.

        Raises:
            CollectionError: see :meth:`keep`.
        """
        named = [(kept.id, kept) for kept in digits]
        self.put(named)
        return [name for name, _ in named]

    def put(self, named: Sequence[tuple[str, Kept]]) -> int:
        """Keep digits under ids that they have already; returns how many are new.

        Raises:
            CollectionError: see :meth:`keep`.
        """
        incoming = sum(map(len, {kept.picture for _, kept in named})) + ITEM_BYTES * len(named)
        largest = self.at_once_bytes
        if incoming > largest:
            raise CollectionError(
                f"{self.path}: {incoming:,} bytes are too many to keep at once, at most {largest:,} are; "
                "keep a smaller picture, or allow more (--keep-mb)"
            )
        if all(self._number(name) is not None for name, _ in named):
            return 0
        with self._database.writing(incoming, FOR_CORRECTIONS):
            new = {name: kept for name, kept in named if self._number(name) is None}
            for name, kept in new.items():
                self._insert(name, kept)
        return len(new)

    @property
    def at_once_bytes(self) -> int:
        """How much :meth:`put` keeps at once: of each item its picture and ``ITEM_BYTES``."""
        largest = self._database.room.largest_bytes
        return sys.maxsize if largest is None else largest

    def correct(self, name: str, digit: int | None, by: str) -> None:
        """Say what an item shows; None is "no digit". The answer itself, said again, confirms it.

        Raises:
            CollectionError: there is no such item, or what is said is nothing that can be.
        """
        correction = Said(digit, by, utc_now())
        with self._database.writing(0):
            self._enter(name, correction, newest=True)
        self._database.make_room()

    def put_corrections(self, said: Sequence[tuple[str, Said, bool]]) -> int:
        """Enter corrections of other times, each for an item, and whether it was taken back; the latest holds.

        Returns:
            How many changed anything.

        Raises:
            CollectionError: there is no such item, or no room.
        """
        with self._database.writing(0):
            changed = sum(self._enter(name, correction, undone=undone) for name, correction, undone in said)
        self._database.make_room()
        return changed

    def undo(self) -> str | None:
        """Take back the correction that was entered last and is not yet taken back; returns its item's id, or None."""
        with self._database.writing(0):
            row = self._database.one(
                "SELECT number, item FROM corrections WHERE NOT undone ORDER BY number DESC LIMIT 1"
            )
            if row is None:
                return None
            number, item = row
            self._database.change("UPDATE corrections SET undone = 1 WHERE number = ?", number)
            self._settle(item)
            return str(self._database.one("SELECT id FROM items WHERE number = ?", item)[0])

    def history(self, name: str) -> list[tuple[Said, bool]]:
        """Return all corrections of an item, the oldest first, and whether each was taken back."""
        rows = self._database.all(
            "SELECT corrections.digit, author, corrections.time, undone FROM corrections JOIN items "
            "ON items.number = item WHERE id = ? ORDER BY corrections.time, author",
            name,
        )
        return [(Said(*correction), bool(undone)) for *correction, undone in rows]

    def items(
        self, *, order: Order = "newest", corrected: bool | None = None, limit: int = 100, offset: int = 0
    ) -> list[Item]:
        """List items, a page of them.

        Args:
            order: the newest first, in the order in which they came, or the most unsure.
            corrected: those that are, or are not; None is both.
            limit: 1 to 1,000.
            offset: so many are left out.

        Raises:
            CollectionError: a page that cannot be, or the file cannot be read.
        """
        return listing.page(self._database, order, corrected, limit, offset)

    def everything(self, *, corrected: bool | None = None) -> Iterator[Item]:
        """Yield all items in the order in which they came."""
        return listing.everything(self._database, corrected)

    def item(self, name: str) -> Item:
        """Return one item.

        Raises:
            CollectionError: there is none of this id.
        """
        return listing.item(self._database, name)

    def picture(self, name: str) -> bytes:
        """Return an item's picture as it came; empty where it was not kept.

        Raises:
            CollectionError: there is none of this id.
        """
        row = self._database.one(
            "SELECT bytes FROM items LEFT JOIN pictures ON pictures.number = items.picture WHERE id = ?", name
        )
        if row is None:
            raise NoItemError(f"{self.path} has no item {name[:64]!r}")
        return row[0] or b""

    def counts(self) -> Counts:
        """Count what is there."""
        return listing.count(self._database)

    def check(self) -> None:
        """Read all of the file and see that it is whole.

        Raises:
            CollectionError: it is damaged.
        """
        (found,) = self._database.one("PRAGMA integrity_check(1)")
        if found != "ok":
            raise CollectionError(f"{self.path} is damaged: {' '.join(found.split())[:200]}")

    def _number(self, name: str) -> int | None:
        row = self._database.one("SELECT number FROM items WHERE id = ?", name)
        return row and int(row[0])

    def _insert(self, name: str, kept: Kept) -> None:
        self._database.change(
            "INSERT INTO items (id, picture, image, digit, candidate, probability, score, artifact_sha256, time, "
            "source, box) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(name, self._picture_number(kept.picture), kept.image.tobytes(), kept.digit, kept.candidate),
            *(float(kept.probability), float(kept.score), kept.artifact_sha256, kept.time, kept.source),
            None if kept.box is None else json.dumps(kept.box),
        )

    def _picture_number(self, picture: bytes) -> int | None:
        if not picture:
            return None
        digest = sha256(picture).digest()
        self._database.change(
            "INSERT INTO pictures (sha256, bytes) VALUES (?, ?) ON CONFLICT (sha256) DO NOTHING", digest, picture
        )
        return int(self._database.one("SELECT number FROM pictures WHERE sha256 = ?", digest)[0])

    def _enter(self, name: str, correction: Said, *, newest: bool = False, undone: bool = False) -> bool:
        """Enter a correction, unless it is there; returns whether that changed anything.

        With ``newest`` it holds whatever the clock says: its time is moved behind those there are.
        """
        number = self._number(name)
        if number is None:
            raise NoItemError(f"{self.path} has no item {name[:64]!r}")
        (last,) = self._database.one("SELECT max(time) FROM corrections WHERE item = ?", number)
        time = later(last) if newest and last and last >= correction.time else correction.time
        changed = self._database.change(
            "INSERT INTO corrections (item, digit, author, time, undone) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (item, time, author) DO UPDATE SET undone = 1 WHERE excluded.undone > undone",
            *(number, correction.digit, correction.by, time, undone),
        )
        self._settle(number)
        return changed > 0

    def _settle(self, number: int) -> None:
        """Let the latest correction of an item hold that is not taken back."""
        self._database.change(
            "UPDATE items SET correction = (SELECT number FROM corrections WHERE item = items.number AND NOT undone "
            "ORDER BY time DESC, author DESC LIMIT 1) WHERE number = ?",
            number,
        )
