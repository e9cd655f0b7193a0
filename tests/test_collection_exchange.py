"""Collections come together without doubles, and corrected digits travel as .npz."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from digitrec_edge.collection import Collection, corrected, export_npz, import_npz, merge, utc_now
from digitrec_edge.errors import CollectionError, DigitrecError
from digitrec_edge.npz import read_arrays, write_arrays
from tests.collected import kept


def make(path: Path, numbers: range, said: dict[int, int | None], by: str = "ada") -> Path:
    with Collection(path) as collection:
        names = collection.keep_all([kept(k) for k in numbers])
        for k, digit in said.items():
            collection.correct(names[k - numbers[0]], digit, by)
    return path


def state(path: Path) -> dict[str, object]:
    with Collection(path) as collection:
        return {item.id: (item.digit, collection.picture(item.id), item.correction) for item in collection.everything()}


def test_two_collections_come_together_without_doubles(tmp_path: Path) -> None:
    one = make(tmp_path / "one.sqlite", range(0, 150), {1: 5, 2: None})
    two = make(tmp_path / "two.sqlite", range(100, 200), {120: 3})
    with Collection(tmp_path / "home.sqlite") as home:
        first, second, again = merge(home, one), merge(home, two), merge(home, one)
    assert (first.items, first.new, first.corrections) == (150, 150, 2)
    assert (second.items, second.new, second.corrections) == (100, 50, 1)
    assert (again.items, again.new, again.corrections) == (150, 0, 0)
    assert state(tmp_path / "home.sqlite") == {**state(one), **state(two)}


def test_the_latest_correction_holds_whichever_way_it_came(tmp_path: Path) -> None:
    one = make(tmp_path / "one.sqlite", range(3), {0: 1, 1: 1})
    two = make(tmp_path / "two.sqlite", range(3), {0: 2}, by="bob")
    orders = ([one, two], [two, one])
    for k, order in enumerate(orders):
        with Collection(tmp_path / f"home-{k}.sqlite") as home:
            for path in order:
                merge(home, path)
    found = [state(tmp_path / f"home-{k}.sqlite") for k in range(2)]
    assert found[0] == found[1]
    assert [getattr(item[2], "digit", None) for item in found[0].values()] == [2, 1, None]  # type: ignore[index]


def test_what_was_taken_back_on_the_device_is_taken_back_at_home(tmp_path: Path) -> None:
    device = make(tmp_path / "device.sqlite", range(2), {0: 1, 1: 2})
    with Collection(tmp_path / "home.sqlite") as home:
        merge(home, device)
        with Collection(device) as collection:
            collection.undo()
        assert merge(home, device).corrections == 1
        assert home.counts().corrections == {"1": 1}
        assert merge(home, device).corrections == 0


def test_what_is_learnt_from_is_a_matter_of_the_images_and_not_of_when_or_where_they_were_seen(tmp_path: Path) -> None:
    found = []
    for device, order in enumerate((range(60), range(59, -1, -1))):
        with Collection(tmp_path / f"{device}.sqlite") as collection:
            for number in order:
                seen = dataclasses.replace(kept(number), time=utc_now(), source=f"camera {device}")
                collection.correct(collection.keep(seen), number % 10, "ada")
            found.append(corrected(collection, distinct=True))
    with Collection(tmp_path / "0.sqlite") as home:
        merge(home, tmp_path / "1.sqlite")
        assert len(corrected(home).labels) == 120
        found.append(corrected(home, distinct=True))
    assert not {*found[0].ids} & {*found[1].ids}
    for other in found[1:]:
        np.testing.assert_array_equal(other.images, found[0].images)
        np.testing.assert_array_equal(other.labels, found[0].labels)
        np.testing.assert_array_equal(other.held_out, found[0].held_out)
    assert 5 < found[0].held_out.sum() < 35


def test_of_an_image_that_was_seen_twice_the_latest_correction_is_learnt_from(tmp_path: Path) -> None:
    with Collection(tmp_path / "c.sqlite") as collection:
        names = collection.keep_all([dataclasses.replace(kept(1), source=source) for source in ("a", "b", "c")])
        for name, digit in zip((names[1], names[2], names[0]), (1, 2, 3), strict=True):
            collection.correct(name, digit, "ada")
        assert corrected(collection, distinct=True).labels.tolist() == [3]


def test_corrected_digits_are_exported_and_no_digit_apart_the_same_bytes_each_time(tmp_path: Path) -> None:
    path = make(tmp_path / "c.sqlite", range(10), {0: 4, 3: None, 5: 9})
    with Collection(path) as collection:
        for name in ("a.npz", "b.npz"):
            assert len(export_npz(collection, tmp_path / name).labels) == 3
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    images, labels, no_digit, ids = read_arrays(
        (tmp_path / "a.npz").read_bytes(), ["images", "labels", "no_digit", "ids"]
    )
    assert dict(zip(ids.tolist(), [*labels.tolist(), None], strict=True)) == {
        kept(0).id: 4,
        kept(5).id: 9,
        kept(3).id: None,
    }
    shown = dict(zip(ids.tolist(), [*images, *no_digit], strict=True))
    for k in (0, 3, 5):
        np.testing.assert_array_equal(shown[kept(k).id], kept(k).image)


def test_an_export_comes_back_without_doubles_and_into_an_empty_collection(tmp_path: Path) -> None:
    path = make(tmp_path / "c.sqlite", range(200), {k: None if k % 7 == 0 else k % 10 for k in range(150)})
    with Collection(path) as collection, Collection(tmp_path / "new.sqlite") as new:
        before = corrected(collection)
        export_npz(collection, tmp_path / "a.npz")
        assert import_npz(collection, tmp_path / "a.npz").new == 0
        assert import_npz(new, tmp_path / "a.npz").new == 150
        assert import_npz(new, tmp_path / "a.npz").corrections == 0
        for after in (corrected(collection), corrected(new)):
            np.testing.assert_array_equal(after.images, before.images)
            np.testing.assert_array_equal(after.labels, before.labels)
            np.testing.assert_array_equal(after.held_out, before.held_out)
            assert after.ids == before.ids
        assert 25 < before.held_out.sum() < 75


def test_labelled_images_of_somebody_else_are_imported_once(tmp_path: Path) -> None:
    images = np.stack([kept(k).image for k in range(5)])
    (tmp_path / "digits.npz").write_bytes(write_arrays({"images": images, "labels": np.arange(5)}))
    with Collection(tmp_path / "c.sqlite") as collection:
        assert import_npz(collection, tmp_path / "digits.npz").new == 5
        assert import_npz(collection, tmp_path / "digits.npz").new == 0
        assert sorted(corrected(collection).labels.tolist()) == [0, 1, 2, 3, 4]
        assert collection.counts().sources == {"digits.npz": 5}


def test_a_label_that_was_imported_later_holds_but_what_a_person_said_holds_over_both(tmp_path: Path) -> None:
    device = make(tmp_path / "device.sqlite", range(2), {0: 1, 1: 1})
    files = [tmp_path / f"{k}.npz" for k in range(2)]
    with Collection(device) as collection, Collection(tmp_path / "home.sqlite") as home:
        names = [item.id for item in collection.everything()]
        export_npz(collection, files[0])
        import_npz(home, files[0])
        home.correct(names[1], 7, "ada")
        collection.correct(names[0], 4, "ada")
        collection.correct(names[1], 4, "ada")
        export_npz(collection, files[1])
        assert [import_npz(home, files[k]).corrections for k in (1, 1)] == [2, 0]
        digits = [item.correction.digit for item in map(home.item, names) if item.correction]
    assert digits == [4, 7]


def test_a_small_collection_is_brought_in_as_much_as_it_takes_at_once(tmp_path: Path) -> None:
    with Collection(tmp_path / "device.sqlite") as device:
        for start in range(0, 64, 8):
            names = device.keep_all([kept(k, picture=bytes([k]) * 60_000) for k in range(start, start + 8)])
        device.correct(names[0], 1, "ada")
        device.keep_all([kept(k, picture=b"") for k in range(100, 164)])
        for item in device.everything():
            if item.picture_bytes == 0:
                device.correct(item.id, 1, "ada")
        export_npz(device, tmp_path / "digits.npz")
    with Collection(tmp_path / "home.sqlite", 8 << 20) as home:
        assert merge(home, tmp_path / "device.sqlite").new == 128
    with Collection(tmp_path / "small.sqlite", 1 << 20) as small:
        assert import_npz(small, tmp_path / "digits.npz").new == 65


def test_nothing_corrected_is_nothing_to_export(tmp_path: Path) -> None:
    path = make(tmp_path / "c.sqlite", range(2), {})
    with Collection(path) as collection, pytest.raises(CollectionError, match="no corrected digits to export"):
        export_npz(collection, tmp_path / "a.npz")
    assert not (tmp_path / "a.npz").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"images": np.zeros((2, 27, 28), np.uint8)}, {"images": np.zeros((2, 28, 28))}, {"labels": np.arange(3)},
        {"labels": np.array([0, -1])}, {"labels": np.array([0, 1000])}, {"labels": np.array([0.0, 1.0])},
        {"no_digit": np.zeros((1, 28), np.uint8)}, {"ids": np.array(["a" * 32])}, {"ids": np.array(["a", "b"])},
        {"ids": np.arange(2)}, {"images": None}, {"labels": None},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_a_npz_that_is_none_of_digits_is_refused_in_one_line(change: dict[str, object], tmp_path: Path) -> None:
    arrays = {"images": np.zeros((2, 28, 28), np.uint8), "labels": np.arange(2), **change}
    path = tmp_path / "digits.npz"
    path.write_bytes(write_arrays({name: array for name, array in arrays.items() if array is not None}))
    with Collection(tmp_path / "c.sqlite") as collection:
        with pytest.raises(DigitrecError, match=r"^[^\n]*digits.npz[^\n]*$"):
            import_npz(collection, path)
        assert collection.counts().items == 0


def test_a_collection_that_lies_is_refused_by_item(tmp_path: Path) -> None:
    path = make(tmp_path / "c.sqlite", range(3), {})
    with Collection(path) as collection:
        collection._database.change("UPDATE items SET source = 'two' || char(10) || 'lines' WHERE number = 2")
    with Collection(tmp_path / "home.sqlite") as home, pytest.raises(CollectionError, match=r"c.sqlite: item .*source"):
        merge(home, path)
