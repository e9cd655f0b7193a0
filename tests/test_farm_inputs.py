"""What there is to read is found and cut into parts that hold every row once, in bounded memory; what is broken is
named before work begins, or when it shows."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec_edge import mnist, pretrained
from digitrec_edge.errors import DataError
from runtimes import load

pa = pytest.importorskip("pyarrow", reason="the extra dask is not installed")

import pyarrow.parquet as pq  # noqa: E402

from digitrec_edge.farm import Reader, kinds  # noqa: E402
from digitrec_edge.farm.inputs import Input, find_tables, plan_pictures, plan_tables, read_part  # noqa: E402
from digitrec_edge.farm.parts import LIMIT, cut  # noqa: E402


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with load(pretrained.DEFAULT, "native") as model:
        yield Reader(model.origin)


def column(images: NDArray[np.uint8], kind: Any = None) -> Any:
    rows = [image.tobytes() if kind is None else image.reshape(-1).tolist() for image in images]
    return pa.array(rows, kind or pa.binary(784))


def write(path: Path, images: NDArray[np.uint8], *, kind: Any = None, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"id": np.arange(len(images)), "image": column(images, kind)}), path, **options)
    return path


def plan(path: Path, reader: Reader) -> Input:
    found = find_tables(path)
    assert found
    return plan_tables(path, *found, reader)


def answers(given: Input, reader: Reader) -> list[str]:
    parts = [pa.concat_tables(read_part(reader, given.kind, given.root, part)) for part in given.parts]
    assert [len(table) for table in parts] == [part.pictures for part in given.parts]
    return [label for table in parts for label in table["candidate"].to_pylist()]


@pytest.mark.parametrize(
    ("groups", "rows", "expected"),
    [
        ([], 10, []),
        ([0, 0], 10, []),
        ([10], 10, [(0, 10)]),
        ([11], 10, [(0, 10), (10, 11)]),
        ([3, 3, 3, 3], 10, [(0, 9), (9, 12)]),
        ([3, 25, 3], 10, [(0, 3), (3, 13), (13, 23), (23, 31)]),
        ([25, 8], 10, [(0, 10), (10, 20), (20, 25), (25, 33)]),
    ],
)
def test_groups_of_rows_are_cut_into_parts(groups: list[int], rows: int, expected: list[tuple[int, int]]) -> None:
    assert cut(groups, rows) == expected


def test_groups_that_can_be_read_at_a_time_are_not_cut() -> None:
    """What stands before a part in its group is decoded for nothing."""
    assert cut([3, 25, 3, 3], 10, 25) == [(0, 3), (3, 28), (28, 34)]
    assert cut([3, 26, 3], 10, 25) == [(0, 3), (3, 28), (28, 32)]
    assert kinds.WHOLE_GROUP >= 1 << 20, "as pyarrow writes them"


def test_no_number_of_rows_that_a_file_claims_is_cut_for_ever() -> None:
    with pytest.raises(DataError, match="rows are more than are read of one file"):
        cut([1 << 60], 1000)
    with pytest.raises(DataError, match="rows are more than are read of one file"):
        cut([1] * (LIMIT + 2), 1)


@pytest.mark.parametrize("kind", [None, pa.list_(pa.uint8())], ids=["bytes", "lists"])
@pytest.mark.parametrize(("rows", "whole"), [(1000, 0), (1000, 100), (37, 40), (10, 40)])
def test_every_row_of_parquet_is_in_one_part(
    reader: Reader,
    mnist_test: mnist.Digits,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: Any,
    rows: int,
    whole: int,
) -> None:
    monkeypatch.setattr(kinds, "BYTES_PER_PART", 40)
    monkeypatch.setattr(kinds, "LISTS_PER_PART", 40)
    monkeypatch.setattr(kinds, "WHOLE_GROUP", whole)
    monkeypatch.setattr(kinds, "BATCH", 7)
    images = mnist_test.images[:190]
    write(tmp_path / "a" / "1.parquet", images[:130], kind=kind, row_group_size=rows)
    write(tmp_path / "b.parquet", images[130:], kind=kind, row_group_size=rows)
    for passed_over in ("_temporary/x.parquet", ".hidden.parquet", "_SUCCESS"):
        write(tmp_path / passed_over, images[:1])
    given = plan(tmp_path, reader)
    assert given.pictures == 190
    assert max(part.pictures for part in given.parts) <= max(40, whole)
    assert len(given.parts) <= 8
    assert {part.source for part in given.parts} == {"a/1.parquet", "b.parquet"}
    assert answers(given, reader) == reader(pa.table({"image": column(images)}))["candidate"].to_pylist()


@pytest.mark.parametrize("flat", [False, True])
def test_every_row_of_numpy_files_is_in_one_part(
    reader: Reader, mnist_test: mnist.Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flat: bool
) -> None:
    monkeypatch.setattr(kinds, "BYTES_PER_PART", 40)
    monkeypatch.setattr(kinds, "BATCH", 7)
    images = mnist_test.images[:90]
    np.save(tmp_path / "a.npy", images[:85].reshape(85, 784) if flat else images[:85])
    np.save(tmp_path / "b.npy", np.asfortranarray(images[85:]))
    given = plan(tmp_path, reader)
    assert [part.pictures for part in given.parts] == [40, 40, 5, 5]
    assert answers(given, reader) == reader(pa.table({"image": column(images)}))["candidate"].to_pylist()
    assert [part.pictures for part in plan(tmp_path / "b.npy", reader).parts] == [5]


def test_a_group_of_a_million_rows_takes_no_more_memory_than_a_small_one(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Peaks of Arrow's memory, of 5,000 rows in one group and of 60,000, 47 MB."""
    monkeypatch.setattr(kinds, "BATCH", 1000)
    peaks = []
    for rows in (5_000, 60_000):
        images = np.random.default_rng(0).integers(0, 256, (rows, 28, 28), np.uint8)
        path = write(tmp_path / f"{rows}.parquet", images, row_group_size=rows)
        del images
        (part,) = plan(path, reader).parts
        before, peak = pa.total_allocated_bytes(), 0
        for batch in kinds.by_name("parquet").batches(path, reader, part):
            peak = max(peak, pa.total_allocated_bytes() - before)
            del batch
        peaks.append(peak)
    assert peaks[1] < 1.5 * peaks[0] < 16 << 20


def test_a_change_of_the_input_changes_its_fingerprint(
    reader: Reader, mnist_test: mnist.Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.parquet", mnist_test.images[:30])
    seen = [plan(tmp_path, reader).fingerprint]
    assert plan(tmp_path, reader).fingerprint == seen[0]
    os.utime(path, ns=(1, 1))
    seen.append(plan(tmp_path, reader).fingerprint)
    write(tmp_path / "b.parquet", mnist_test.images[:30])
    seen.append(plan(tmp_path, reader).fingerprint)
    (tmp_path / "b.parquet").rename(tmp_path / "c.parquet")
    seen.append(plan(tmp_path, reader).fingerprint)
    monkeypatch.setattr(kinds, "BYTES_PER_PART", 20)
    monkeypatch.setattr(kinds, "WHOLE_GROUP", 20)
    seen.append(plan(tmp_path, reader).fingerprint)
    assert len(set(seen)) == len(seen)


def test_broken_files_are_named_before_work_begins(reader: Reader, mnist_test: mnist.Digits, tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.parquet", mnist_test.images[:30]).read_bytes()
    np.save(tmp_path / "floats.npy", np.zeros((3, 28, 28)))
    np.save(tmp_path / "wide.npy", np.zeros((3, 32, 32), np.uint8))
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    np.savez(tmp_path / "archive", np.zeros((3, 28, 28), np.uint8))
    (tmp_path / "archive.npz").rename(tmp_path / "archive.npy")
    for name, content in (
        ("empty.parquet", b""),
        ("text.parquet", b"id,image\n" * 40),
        ("cut.parquet", whole[:-20]),
        ("footer.parquet", whole[:-408] + b"\xff" * 400 + whole[-8:]),
        ("long.parquet", whole[:-8] + b"\xff\xff\xff\x7fPAR1"),
        ("empty.npy", b""),
        ("cut.npy", (tmp_path / "wide.npy").read_bytes()[:-500]),
    ):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.parquet").mkdir()
    for path in sorted({*tmp_path.iterdir(), tmp_path / "none.parquet"} - {tmp_path / "whole.parquet"}):
        if path.is_dir():
            assert find_tables(path) is None
            continue
        with pytest.raises(DataError) as raised:
            plan(path, reader)
        assert str(raised.value).startswith(str(path)), raised.value
        assert "\n" not in str(raised.value)


def test_what_breaks_while_it_is_read_is_named(reader: Reader, mnist_test: mnist.Digits, tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", mnist_test.images[:300], compression="none", use_dictionary=False)
    given = plan(path, reader)
    data, page = bytearray(path.read_bytes()), pq.read_metadata(path).row_group(0).column(1).data_page_offset
    data[page : page + 200] = bytes(200)
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"a\.parquet cannot be read: \S"):
        answers(given, reader)
    write(path, mnist_test.images[:200])
    with pytest.raises(DataError, match=r"a\.parquet has fewer rows than it had: 200 of 300 from 0 on"):
        answers(given, reader)
    path.unlink()
    with pytest.raises(DataError, match=r"a\.parquet cannot be read: .*No such file"):
        answers(given, reader)


def test_files_of_different_kinds_are_told_apart(reader: Reader, mnist_test: mnist.Digits, tmp_path: Path) -> None:
    assert find_tables(tmp_path) is None
    write(tmp_path / "a.parquet", mnist_test.images[:3])
    write(tmp_path / "b.parquet", mnist_test.images[:3], kind=pa.list_(pa.uint8()))
    assert plan(tmp_path, reader).pictures == 6
    keeping = Reader(reader.origin, keep=("id",))
    pq.write_table(pa.table({"id": ["a"], "image": column(mnist_test.images[:1])}), tmp_path / "c.parquet")
    with pytest.raises(DataError, match=r"c\.parquet has columns of other types than .*a\.parquet"):
        plan(tmp_path, keeping)
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "c.parquet")
    with pytest.raises(DataError, match=r"c\.parquet: no column holds pictures"):
        plan(tmp_path, reader)
    np.save(tmp_path / "d.npy", mnist_test.images[:3])
    with pytest.raises(DataError, match=r"holds \.parquet and \.npy files: name those of one kind"):
        find_tables(tmp_path)


def test_picture_files_are_cut_into_parts_and_have_no_columns(reader: Reader, tmp_path: Path) -> None:
    files = [tmp_path / "a" / f"{k}.png" for k in range(3)]
    files[0].parent.mkdir()
    for file in files:
        file.write_bytes(b"no picture")
    given = plan_pictures(tmp_path, files, reader)
    (part,) = given.parts
    assert part.files == ("a/0.png", "a/1.png", "a/2.png")
    files[1].unlink()
    (table,) = read_part(reader, given.kind, given.root, part)
    assert [text.split(" ")[0] for text in table["error"].to_pylist()] == [str(files[0]), "no", str(files[2])]
    with pytest.raises(DataError, match="holds picture files, which have no columns"):
        plan_pictures(tmp_path, files[:1], Reader(reader.origin, keep=("id",)))
    with pytest.raises(DataError, match=r"cannot read .*1\.png: No such file"):
        plan_pictures(tmp_path, files, reader)
