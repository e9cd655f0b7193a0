"""Between collections and other files: one collection into another, corrected digits as .npz and back.

A .npz has ``images (N, 28, 28) uint8`` with ``labels (N,)``, and ``no_digit (M, 28, 28) uint8`` with what is none;
``ids`` names them all in this order. A file of somebody else may lack ``no_digit`` and ``ids``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.collection.items import UNKNOWN_TIME, Item, Kept, Said, image_digest, is_id, later
from digitrec_edge.collection.store import ITEM_BYTES, Collection
from digitrec_edge.errors import CollectionError
from digitrec_edge.files import read_file, write_file
from digitrec_edge.labels import COUNTS
from digitrec_edge.npz import LIMIT_BYTES, MissingArrayError, read_arrays, read_optional, write_arrays
from digitrec_edge.quantization import SIDE

_AT_ONCE = 64
_AT_ONCE_BYTES = 4 << 20
_BY = "import"


@dataclass(frozen=True)
class Merged:
    """What came of bringing one collection into another.

    Attributes:
        items: how many were there.
        new: how many of them are new here.
        corrections: new ones, and those taken back since.
    """

    items: int
    new: int
    corrections: int


@dataclass(frozen=True)
class Corrected:
    """What people said of images.

    Attributes:
        images: ``(N, 28, 28) uint8``.
        labels: ``(N,) int64``; -1 is "no digit".
        held_out: ``(N,) bool``, see :attr:`digitrec_edge.collection.Item.held_out`.
        ids: of the items.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    held_out: NDArray[np.bool_]
    ids: tuple[str, ...]


def merge(into: Collection, path: str | Path) -> Merged:
    """Bring all items and corrections of another collection into this one, nothing twice; the latest correction holds.

    Raises:
        CollectionError: one of them cannot be read or written. What was brought until then stays.
    """
    items = new = corrections = 0
    with Collection(path, create=False) as source:
        source.check()
        named = ((item.id, _kept(item, source.picture(item.id))) for item in source.everything())
        for batch in _batches(named, into):
            new += into.put(batch)
            items += len(batch)
            corrections += into.put_corrections([(name, *said) for name, _ in batch for said in source.history(name)])
    return Merged(items, new, corrections)


def _batches(named: Iterable[tuple[str, Kept]], into: Collection) -> Iterator[list[tuple[str, Kept]]]:
    """Yield all items, as many at a time as a collection takes."""
    batch: list[tuple[str, Kept]] = []
    size_bytes, most_bytes = 0, min(_AT_ONCE_BYTES, into.at_once_bytes)
    for name, kept in named:
        more_bytes = len(kept.picture) + ITEM_BYTES
        if batch and (len(batch) == _AT_ONCE or size_bytes + more_bytes > most_bytes):
            yield batch
            batch, size_bytes = [], 0
        batch.append((name, kept))
        size_bytes += more_bytes
    if batch:
        yield batch


def _kept(item: Item, picture: bytes) -> Kept:
    return Kept(
        picture=picture,
        image=item.image,
        digit=item.digit,
        candidate=item.candidate,
        probability=item.probability,
        score=item.score,
        artifact_sha256=item.artifact_sha256,
        time=item.time,
        source=item.source,
        box=item.box,
    )


def corrected(collection: Collection, *, distinct: bool = False) -> Corrected:
    """Return what was corrected, ordered by the images: the same whenever it was seen and however it came together.

    Args:
        collection: is read.
        distinct: give images of the same pixels once, with what was said of them last.
    """
    found = [(item, item.correction) for item in collection.everything(corrected=True) if item.correction]
    said = sorted(found, key=lambda one: (image_digest(one[0].image), one[1].time, one[0].id))
    if distinct:
        said = list({one[0].image.tobytes(): one for one in said}.values())
    return Corrected(
        np.array([item.image for item, _ in said], np.uint8).reshape(-1, SIDE, SIDE),
        np.array([-1 if correction.digit is None else correction.digit for _, correction in said], np.int64),
        np.array([item.held_out for item, _ in said], bool),
        tuple(item.id for item, _ in said),
    )


def export_npz(collection: Collection, path: Path) -> Corrected:
    """Write what was corrected to a .npz file; the same bytes for the same corrections.

    Raises:
        CollectionError: nothing was corrected.
        OutputError: it cannot be written.
    """
    found = corrected(collection)
    if not len(found.labels):
        raise CollectionError(f"{collection.path} has no corrected digits to export; correct some first")
    is_digit = found.labels >= 0
    ids = np.array(found.ids)
    arrays = {
        "images": found.images[is_digit],
        "labels": found.labels[is_digit].astype(np.uint16 if found.labels.max() > 255 else np.uint8),
        "no_digit": found.images[~is_digit],
        "ids": np.concatenate([ids[is_digit], ids[~is_digit]]),
    }
    write_file(path, write_arrays(arrays))
    return found


def import_npz(into: Collection, path: Path) -> Merged:
    """Bring labelled images of a .npz file into a collection, each with its label as a correction.

    What people corrected in this collection holds over it, and it holds over what was imported before.

    Raises:
        CollectionError: it has no such arrays.
    """
    images, labels, ids = _read_npz(path)
    name = (path.name if path.name.isprintable() else repr(path.name))[:200]
    new = corrections = 0
    named = (_imported(images[k], labels[k], ids[k] if ids else "", name) for k in range(len(labels)))
    for batch in _batches(named, into):
        new += into.put(batch)
        said = {item: kept.digit for item, kept in batch}
        corrections += into.put_corrections([(item, _said(into, item, label), False) for item, label in said.items()])
    return Merged(len(labels), new, corrections)


def _said(into: Collection, item: str, label: int | None) -> Said:
    """Return a label as a correction: older than what people said, and newer than another label that was imported."""
    before = [said for said, _ in into.history(item) if said.by == _BY]
    if not before:
        return Said(label, _BY, UNKNOWN_TIME)
    return before[-1] if before[-1].digit == label else Said(label, _BY, later(before[-1].time))


def _imported(image: NDArray[np.uint8], label: int | None, name: str, source: str) -> tuple[str, Kept]:
    """Return an item that no model has answered to: its label stands for the answer."""
    kept = Kept(
        image=image,
        digit=label,
        candidate=label or 0,
        probability=1.0,
        score=0.0,
        artifact_sha256="",
        time=UNKNOWN_TIME,
        source=source,
    )
    return name or kept.id, kept


def _read_npz(path: Path) -> tuple[NDArray[np.uint8], list[int | None], list[str]]:
    """Return images, their labels and ids; digits come first, then what is none."""
    data = read_file(path, limit_bytes=LIMIT_BYTES, error=CollectionError)
    try:
        images, labels = read_arrays(data, ("images", "labels"))
        no_digit = read_optional(data, "no_digit", np.empty((0, SIDE, SIDE), np.uint8))
        ids = read_optional(data, "ids", np.empty(0, str))
    except MissingArrayError as cause:
        raise CollectionError(f"{path} {cause}; images and labels are needed") from None
    except ValueError as cause:
        raise CollectionError(f"{path} is truncated or not a .npz file: {cause}") from cause
    for name, good, allowed in (
        ("images", _are_images(images), f"(N, {SIDE}, {SIDE}) uint8"),
        ("no_digit", _are_images(no_digit), f"(N, {SIDE}, {SIDE}) uint8"),
        ("labels", labels.shape == images.shape[:1] and labels.dtype.kind in "iu", "a whole number for each image"),
        ("labels", not len(labels) or 0 <= labels.min() <= labels.max() < COUNTS[-1], f"0 to {COUNTS[-1] - 1}"),
        ("ids", len(ids) in (0, len(images) + len(no_digit)) and all(map(is_id, ids.tolist())), "one for each image"),
    ):
        if not good:
            raise CollectionError(f"{path}: {name} do not fit: {allowed} is needed")
    return np.concatenate([images, no_digit]), [*map(int, labels), *[None] * len(no_digit)], ids.tolist()


def _are_images(array: NDArray[Any]) -> bool:
    return array.ndim == 3 and array.shape[1:] == (SIDE, SIDE) and array.dtype == np.uint8
