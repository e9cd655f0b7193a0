"""What is in a collection: items by the page, and how many of what."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from digitrec_edge.collection.database import Database
from digitrec_edge.collection.items import Item, Said
from digitrec_edge.errors import CollectionError, NoItemError
from digitrec_edge.quantization import SIDE

Order = Literal["newest", "unsure"]
PAGE = 1_000
"""So many items are listed at once at most."""

NO_DIGIT = "no digit"

_ORDERS: dict[Order, str] = {
    "newest": "items.number DESC",
    "unsure": "items.probability, items.number DESC",
}
_CHOSEN = {None: "1", True: "items.correction IS NOT NULL", False: "items.correction IS NULL"}
_ITEM = """
    SELECT items.id, image, items.digit, candidate, probability, score, artifact_sha256, items.time, source, box,
        coalesce(length(pictures.bytes), 0), corrections.number, corrections.digit, corrections.author, corrections.time
    FROM items LEFT JOIN pictures ON pictures.number = items.picture
    LEFT JOIN corrections ON corrections.number = items.correction
"""


@dataclass(frozen=True)
class Counts:
    """How much is in a collection.

    Attributes:
        removed: uncorrected items that went to make room, since the file was made.
        file_bytes: of the file, with what is still in its log.
        answers, corrections, sources, artifacts: how many items there are of each.
    """

    items: int
    corrected: int
    removed: int
    file_bytes: int
    answers: dict[str, int]
    corrections: dict[str, int]
    sources: dict[str, int]
    artifacts: dict[str, int]


def page(database: Database, order: Order, corrected: bool | None, limit: int, offset: int) -> list[Item]:
    """Return a page of items, see :meth:`digitrec_edge.collection.Collection.items`."""
    if not (1 <= limit <= PAGE and 0 <= offset < 1 << 40):
        raise CollectionError(f"a page of {limit} items from {offset} on is none; 1 to {PAGE:,} are listed at once")
    if order not in _ORDERS:
        raise CollectionError(f"{order!r} is no order of items; give {' or '.join(_ORDERS)}")
    ordered = f"WHERE {_CHOSEN[corrected]} ORDER BY {_ORDERS[order]}"
    numbers = f"SELECT number FROM items {ordered} LIMIT ? OFFSET ?"
    rows = database.all(f"{_ITEM} WHERE items.number IN ({numbers}) ORDER BY {_ORDERS[order]}", limit, offset)
    return [_item(database, row) for row in rows]


def everything(database: Database, corrected: bool | None) -> Iterator[Item]:
    """Yield all items in the order in which they came; one that goes meanwhile is left out."""
    after = 0
    numbers = f"SELECT number FROM items WHERE number > ? AND {_CHOSEN[corrected]} ORDER BY number LIMIT {PAGE}"
    while found := database.all(numbers, after):
        after = found[-1][0]
        for row in found:
            for item in database.all(f"{_ITEM} WHERE items.number = ?", *row):
                yield _item(database, item)


def item(database: Database, name: str) -> Item:
    """Return one item, see :meth:`digitrec_edge.collection.Collection.item`."""
    row = database.one(f"{_ITEM} WHERE items.id = ?", name)
    if row is None:
        raise NoItemError(f"{database.path} has no item {name[:64]!r}")
    return _item(database, row)


def _item(database: Database, row: tuple[Any, ...]) -> Item:
    name, image, digit, candidate, probability, score, artifact, time, source, box, picture_bytes, *correction = row
    try:
        return Item(
            id=name,
            image=np.frombuffer(image, np.uint8).reshape(SIDE, SIDE),
            digit=digit,
            candidate=candidate,
            probability=probability,
            score=score,
            artifact_sha256=artifact,
            time=time,
            source=source,
            box=None if box is None else tuple(json.loads(box)),
            picture_bytes=picture_bytes,
            correction=None if correction[0] is None else Said(*correction[1:]),
        )
    except (CollectionError, ValueError, TypeError) as cause:
        raise CollectionError(f"{database.path}: item {name[:64]!r}: {cause}") from cause


def count(database: Database) -> Counts:
    """Count what is there."""
    items, corrected = database.one("SELECT count(*), count(correction) FROM items")
    (pages,), (page_bytes,) = database.one("PRAGMA page_count"), database.one("PRAGMA page_size")
    removed = database.one("SELECT coalesce(sum(count), 0) FROM counters WHERE name = 'removed'")[0]
    return Counts(
        items=items,
        corrected=corrected,
        removed=removed,
        file_bytes=pages * page_bytes,
        answers=_tally(database, "SELECT digit FROM items"),
        corrections=_tally(
            database, "SELECT corrections.digit FROM items JOIN corrections ON corrections.number = correction"
        ),
        sources=_tally(database, "SELECT source FROM items"),
        artifacts=_tally(database, "SELECT artifact_sha256 FROM items"),
    )


def _tally(database: Database, values: str) -> dict[str, int]:
    """Count equal values; None is "no digit"."""
    rows = database.all(f"SELECT *, count(*) FROM ({values}) GROUP BY 1 ORDER BY 1 IS NULL, 1")
    return {NO_DIGIT if value is None else str(value): number for value, number in rows}
