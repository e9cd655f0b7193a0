"""A collection stays within its bound, whatever it is given; what was corrected never goes by itself."""

import os
from pathlib import Path

import pytest

from digitrec_edge.collection import Collection, Said
from digitrec_edge.errors import CollectionError, CollectionFullError
from tests.collected import kept

LIMIT_BYTES = 1 << 20


def size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def test_the_oldest_uncorrected_go_first_and_are_counted(tmp_path: Path) -> None:
    with Collection(tmp_path / "c.sqlite", LIMIT_BYTES) as collection:
        first = [collection.keep(kept(k)) for k in range(3)]
        collection.correct(first[1], 1, "ada")
        largest = 0
        for k in range(3, 200):
            last = collection.keep(kept(k, picture=os.urandom(k * 499 % 30_000)))
            largest = max(largest, size_bytes(tmp_path))
        assert LIMIT_BYTES / 2 < largest <= LIMIT_BYTES
        counts = collection.counts()
        assert counts.items + counts.removed == 200
        assert counts.removed > 50
        there = [item.id for item in collection.everything()]
        assert there[0] == first[1]
        assert there[-1] == last
        assert collection._database.one("SELECT count(*) FROM pictures")[0] == counts.items
        collection.check()


def test_when_corrected_ones_fill_it_nothing_more_is_kept_and_nothing_lost(tmp_path: Path) -> None:
    with Collection(tmp_path / "c.sqlite", LIMIT_BYTES) as collection:
        names = []
        with pytest.raises(CollectionFullError, match="never go by themselves"):
            for k in range(1000):
                names.append(collection.keep(kept(k, picture=os.urandom(20_000))))
                collection.correct(names[-1], 1, "ada")
        assert len(names) > 10
        assert collection.keep(kept(0, picture=collection.picture(names[0]))) == names[0]  # is there already
        for name in names:
            collection.correct(name, 2, "ada")
        assert collection.undo() == names[-1]
        assert [item.id for item in collection.everything(corrected=True)] == names
        assert size_bytes(tmp_path) <= LIMIT_BYTES
    with Collection(tmp_path / "c.sqlite", 2 * LIMIT_BYTES) as collection:
        collection.keep(kept(1000))


def test_the_item_that_is_being_corrected_stays_though_it_is_the_oldest(tmp_path: Path) -> None:
    with Collection(tmp_path / "c.sqlite", LIMIT_BYTES) as collection:
        for k in range(0, 60, 3):
            collection.keep_all([kept(k + j, picture=os.urandom(10_000)) for j in range(3)])
        for _ in range(40):
            oldest = next(iter(collection.everything(corrected=False)), None)
            if oldest is None:
                break
            collection.correct(oldest.id, 1, "ada" * 60)
        assert collection.counts().corrected > 5


def test_corrections_without_end_are_refused_at_the_bound(tmp_path: Path) -> None:
    with Collection(tmp_path / "c.sqlite", LIMIT_BYTES) as collection:
        name = collection.keep(kept(1))
        with pytest.raises(CollectionFullError, match="no room left"):
            for k in range(1, 20):
                said = [(name, correction(second), False) for second in range(k * 1000, (k + 1) * 1000)]
                collection.put_corrections(said)
        assert size_bytes(tmp_path) <= LIMIT_BYTES + 1000 * 300  # one call's log, which is written back by the next
        collection.correct(name, 3, "ada")


def correction(second: int) -> Said:
    return Said(1, "x" * 100, f"2026-11-28T10:00:00.{second:06d}Z")


def test_a_picture_beyond_the_bound_is_refused_and_makes_no_room(tmp_path: Path) -> None:
    with Collection(tmp_path / "c.sqlite", LIMIT_BYTES) as collection:
        collection.keep(kept(1))
        with pytest.raises(CollectionError, match=r"too many to keep at once, at most [0-9,]+ are; keep a smaller"):
            collection.keep(kept(2, picture=bytes(LIMIT_BYTES)))
        assert collection.counts().items == 1


def test_a_smaller_bound_makes_an_old_file_smaller(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    with Collection(path) as collection:
        first = collection.keep(kept(0))
        collection.correct(first, 1, "ada")
        for k in range(1, 200, 20):
            collection.keep_all([kept(k + j, picture=os.urandom(20_000)) for j in range(20)])
    assert path.stat().st_size > 3 * LIMIT_BYTES
    with Collection(path, LIMIT_BYTES) as collection:
        assert size_bytes(tmp_path) <= LIMIT_BYTES
        assert [item.id for item in collection.everything(corrected=True)] == [first]
        assert collection.counts().items > 10
        collection.check()


def test_a_reader_who_holds_the_log_does_not_make_it_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digitrec_edge.collection.schema.BUSY_S", 0.01)
    with Collection(tmp_path / "c.sqlite", LIMIT_BYTES) as collection, Collection(tmp_path / "c.sqlite") as reader:
        collection.keep(kept(0))
        reader.all_of_it = reader._database.one("BEGIN"), reader.items()  # type: ignore[attr-defined]
        with pytest.raises(CollectionError, match="its log is full while somebody reads"):
            for k in range(1, 100):
                collection.keep(kept(k, picture=os.urandom(10_000)))
        assert size_bytes(tmp_path) <= LIMIT_BYTES
        reader._database.one("COMMIT")
        collection.keep(kept(100))


def test_a_bound_that_nothing_fits_in_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match="is too small; at least 1,048,576 are needed"):
        Collection(tmp_path / "c.sqlite", 1000)
