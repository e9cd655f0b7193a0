"""A collection keeps what it is given, corrects it, and takes corrections back."""

import dataclasses
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from digitrec_edge.collection import Collection, Kept, utc_now
from digitrec_edge.errors import CollectionError
from tests.collected import ARTIFACT, kept


def test_what_was_kept_is_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "collection.sqlite"
    with Collection(path) as collection:
        name = collection.keep(kept(1))
    with Collection(path, create=False) as collection:
        (item,) = collection.items()
        assert item.id == name == kept(1).id
        assert collection.picture(name) == b"picture 1"
        assert item.picture_bytes == len(b"picture 1")
        for field in ("digit", "candidate", "probability", "score", "artifact_sha256", "time", "source", "box"):
            assert getattr(item, field) == getattr(kept(1), field), field
        np.testing.assert_array_equal(item.image, kept(1).image)
        assert item.correction is None
        collection.check()


def test_nobody_else_may_read_what_people_wrote(tmp_path: Path) -> None:
    with Collection(tmp_path / "c.sqlite") as collection:
        collection.keep(kept(1))
        assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize("all_of_it", [True, False], ids=["with its log", "without its log"])
def test_what_is_kept_after_the_file_was_removed_is_in_a_new_one(tmp_path: Path, all_of_it: bool) -> None:
    path = tmp_path / "c.sqlite"
    with Collection(path, 1 << 20) as collection, Collection(path, 1 << 20) as other:
        for number in range(20):
            collection.keep(kept(number, picture=os.urandom(20_000)))
        for left in tmp_path.iterdir() if all_of_it else [path]:
            left.unlink()
        collection.keep(kept(21))
        other.keep(kept(22))
        assert collection.counts().items == 2
    with Collection(path, create=False) as collection:
        assert {item.id for item in collection.items()} == {kept(21).id, kept(22).id}
        collection.check()


def test_a_file_that_was_removed_is_not_made_anew_by_who_only_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    Collection(path).close()
    with Collection(path, create=False) as collection:
        path.rename(tmp_path / "away.sqlite")
        with pytest.raises(CollectionError, match="no such collection"):
            collection.counts()
        assert not path.exists()
        (tmp_path / "away.sqlite").rename(path)
        assert collection.counts().items == 0


def test_a_folder_that_is_gone_and_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    with Collection(tmp_path / "folder" / "c.sqlite") as collection:
        (tmp_path / "folder").rename(tmp_path / "away")
        (tmp_path / "folder").write_bytes(b"")
        with pytest.raises(CollectionError, match="folder"):
            collection.keep(kept(1))


def test_bytes_that_are_only_in_the_log_count(tmp_path: Path) -> None:
    with Collection(tmp_path / "c.sqlite") as collection:
        collection.keep(kept(1, picture=bytes(1_000_000)))
        assert collection.counts().file_bytes > 1_000_000
    with Collection(tmp_path / "c.sqlite") as collection:
        assert collection.counts().file_bytes == collection.path.stat().st_size


def test_the_same_digit_kept_twice_is_one_item(tmp_path: Path) -> None:
    with Collection(tmp_path / "c.sqlite") as collection:
        assert collection.keep(kept(1)) == collection.keep(kept(1))
        assert collection.counts().items == 1


@pytest.mark.parametrize(
    "change",
    [
        {"picture": b"x"}, {"image": np.zeros((28, 28), np.uint8)}, {"time": utc_now()}, {"source": "door"},
        {"artifact_sha256": ""}, {"box": (1, 2, 11, 23)}, {"box": None},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_what_differs_has_another_id(change: dict[str, object]) -> None:
    assert dataclasses.replace(kept(1), **change).id != kept(1).id  # type: ignore[arg-type]


def test_a_picture_that_digits_share_is_stored_once_and_goes_with_the_last(tmp_path: Path) -> None:
    picture = os.urandom(100_000)
    with Collection(tmp_path / "c.sqlite") as collection:
        names = collection.keep_all([kept(k, picture=picture) for k in range(5)])
        assert 100_000 < collection.counts().file_bytes < 200_000
        assert {collection.picture(name) for name in names} == {picture}


def test_a_correction_holds_until_the_next_one_and_undo_takes_them_back_one_by_one(tmp_path: Path) -> None:
    with Collection(tmp_path / "c.sqlite") as collection:
        one, two = collection.keep(kept(1)), collection.keep(kept(2, digit=None))
        collection.correct(one, 3, "ada")
        collection.correct(two, None, "ada")
        collection.correct(one, 4, "bob")

        def said() -> list[object]:
            corrections = (collection.item(name).correction for name in (one, two))
            return [c and (c.digit, c.by) for c in corrections]

        assert said() == [(4, "bob"), (None, "ada")]
        assert collection.undo() == one
        assert said() == [(3, "ada"), (None, "ada")]
        assert collection.undo() == two
        assert said() == [(3, "ada"), None]
        assert collection.undo() == one
        assert said() == [None, None]
        assert collection.undo() is None
        assert [undone for _, undone in collection.history(one)] == [True, True]


def test_the_correction_that_comes_last_holds_though_the_clock_went_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter(["2026-11-28T10:00:00.000005Z", "2020-01-01T00:00:00.000000Z"])
    monkeypatch.setattr("digitrec_edge.collection.store.utc_now", lambda: next(times))
    with Collection(tmp_path / "c.sqlite") as collection:
        name = collection.keep(kept(1))
        collection.correct(name, 1, "ada")
        collection.correct(name, 2, "ada")
        correction = collection.item(name).correction
        assert correction
        assert (correction.digit, correction.time) == (2, "2026-11-28T10:00:00.000006Z")


def test_items_come_by_the_page_newest_or_most_unsure_first(tmp_path: Path) -> None:
    with Collection(tmp_path / "c.sqlite") as collection:
        names = [collection.keep(kept(k, probability=p)) for k, p in enumerate([0.5, 0.9, 0.1, 0.7])]
        collection.correct(names[0], 1, "ada")

        def found(**chosen: object) -> list[int]:
            return [names.index(item.id) for item in collection.items(**chosen)]  # type: ignore[arg-type]

        assert found() == [3, 2, 1, 0]
        assert found(limit=2, offset=1) == [2, 1]
        assert found(order="unsure") == [2, 0, 3, 1]
        assert found(order="unsure", corrected=False) == [2, 3, 1]
        assert found(corrected=True) == [0]
        assert found(offset=10) == []
        assert [names.index(item.id) for item in collection.everything()] == [0, 1, 2, 3]


def test_counts_say_how_many_of_what(tmp_path: Path) -> None:
    with Collection(tmp_path / "c.sqlite") as collection:
        names = [collection.keep(kept(k, digit=digit)) for k, digit in enumerate([7, 7, None, 1])]
        collection.correct(names[0], 1, "ada")
        collection.correct(names[1], None, "ada")
        counts = collection.counts()
    assert (counts.items, counts.corrected, counts.removed) == (4, 2, 0)
    assert counts.answers == {"1": 1, "7": 2, "no digit": 1}
    assert counts.corrections == {"1": 1, "no digit": 1}
    assert counts.sources == {"camera": 4}
    assert counts.artifacts == {ARTIFACT: 4}
    assert counts.file_bytes == (tmp_path / "c.sqlite").stat().st_size


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("image", np.zeros((28, 28), np.float32)), ("image", np.zeros((27, 28), np.uint8)), ("digit", 1000),
        ("digit", -1), ("digit", True), ("candidate", None), ("probability", 1.5), ("probability", float("nan")),
        ("score", float("inf")), ("artifact_sha256", "xyz"), ("time", "2026-11-28"),
        ("time", "2026-11-28T10:00:00+01:00"),
        ("time", "now"), ("source", ""), ("source", "two\nlines"), ("source", "x" * 201), ("box", (1, 2, 3)),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(CollectionError, match=rf"^{field} is .*allowed is [^\n]*$"):
        dataclasses.replace(kept(1), **{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("chosen", [{"limit": 0}, {"limit": 1001}, {"offset": -1}, {"order": "oldest"}])
def test_a_page_that_cannot_be_is_refused(chosen: dict[str, object], tmp_path: Path) -> None:
    with Collection(tmp_path / "c.sqlite") as collection, pytest.raises(CollectionError):
        collection.items(**chosen)  # type: ignore[arg-type]


def test_an_unknown_id_and_a_wrong_correction_are_refused(tmp_path: Path) -> None:
    with Collection(tmp_path / "c.sqlite") as collection:
        name = collection.keep(kept(1))
        for act in (collection.item, collection.picture, lambda id_: collection.correct(id_, 1, "ada")):
            with pytest.raises(CollectionError, match="has no item 'nothing'"):
                act("nothing")
        for digit, by in ((1000, "ada"), (1, ""), (1, "a\nb")):
            with pytest.raises(CollectionError, match="allowed is"):
                collection.correct(name, digit, by)
        assert collection.counts().corrected == 0


def test_a_closed_collection_says_so(tmp_path: Path) -> None:
    collection = Collection(tmp_path / "c.sqlite")
    collection.close()
    collection.close()
    with pytest.raises(CollectionError, match="is closed"):
        collection.keep(kept(1))


def test_threads_and_processes_keep_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    code = "import sys; from tests.test_collection_store import keep_some; keep_some(*sys.argv[1:])"
    others = [
        subprocess.Popen([sys.executable, "-c", code, str(path), str(start)], cwd=Path(__file__).parents[1])
        for start in (1000, 2000)
    ]
    with Collection(path, 8 << 20) as collection:

        def work(start: int) -> None:
            for k in range(start, start + 20):
                name = collection.keep(kept(k))
                collection.correct(name, k % 10, "ada")

        threads = [threading.Thread(target=work, args=(start,)) for start in (0, 100, 200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [process.wait(60) for process in others] == [0, 0]
        counts = collection.counts()
        assert (counts.items, counts.corrected) == (100, 100)
        collection.check()


def keep_some(path: str, start: str) -> None:
    """Keep and correct 20 digits; runs in a process of its own."""
    with Collection(path, 8 << 20) as collection:
        for k in range(int(start), int(start) + 20):
            collection.correct(collection.keep(kept(k)), k % 10, "bob")


def test_half_of_a_picture_is_never_kept(tmp_path: Path) -> None:
    bad = kept(3)
    object.__setattr__(bad, "image", np.zeros((27, 28), np.uint8))
    with Collection(tmp_path / "c.sqlite") as collection:
        with pytest.raises(CollectionError, match="constraint"):
            collection.keep_all([kept(1), kept(2), bad])
        assert collection.counts().items == 0
        assert isinstance(collection.keep(Kept(**{**dataclasses.asdict(kept(4))})), str)


def test_another_process_that_has_a_removed_file_open_does_not_disturb_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    code = (
        "import sys; from digitrec_edge.collection import Collection; from tests.collected import kept\n"
        f"collection = Collection({str(path)!r}); collection.keep(kept(1)); print(flush=True)\n"
        "sys.stdin.readline(); collection.keep(kept(2))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        path.unlink()  # its log and its index stay
        with Collection(path) as collection:
            collection.keep(kept(3))
            other.communicate(b"\n")
            assert other.returncode == 0
            assert {item.id for item in collection.items()} == {kept(2).id, kept(3).id}
            collection.check()
