"""The folder of answers: parts are there whole or not at all, are not read twice, and other answers are told apart."""

import dataclasses
import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitrec_edge import mnist, pretrained
from digitrec_edge.errors import DataError, OutputError
from runtimes import load

pa = pytest.importorskip("pyarrow", reason="the extra dask is not installed")

import pyarrow.parquet as pq  # noqa: E402

from digitrec_edge.farm import Reader, kinds  # noqa: E402
from digitrec_edge.farm.answers import LOCATION, SCHEMA  # noqa: E402
from digitrec_edge.farm.inputs import Input, find_tables, plan_pictures, plan_tables  # noqa: E402
from digitrec_edge.farm.output import DONE, MANIFEST, Manifest, Tally, begin, finish  # noqa: E402
from digitrec_edge.farm.work import Work  # noqa: E402


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with load(pretrained.DEFAULT, "native") as model:
        yield Reader(model.origin, keep=("id",))


@pytest.fixture
def given(reader: Reader, mnist_test: mnist.Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Input:
    """Three parts of 40, 40 and 20 digits."""
    monkeypatch.setattr(kinds, "BYTES_PER_PART", 40)
    monkeypatch.setattr(kinds, "WHOLE_GROUP", 0)
    path = tmp_path / "in" / "digits.parquet"
    path.parent.mkdir()
    rows = [image.tobytes() for image in mnist_test.images[:100]]
    pq.write_table(pa.table({"id": np.arange(100) * 2, "image": pa.array(rows, pa.binary(784))}), path)
    found = find_tables(path.parent)
    assert found
    return plan_tables(path.parent, *found, reader)


def work_on(given: Input, reader: Reader, output: Path) -> tuple[Work, Manifest]:
    manifest = Manifest.of(given, reader, "digitrec-int8")
    return Work.of(given, reader, output, manifest), manifest


def test_all_parts_together_are_one_table_with_every_row_once(
    given: Input, reader: Reader, mnist_test: mnist.Digits, tmp_path: Path
) -> None:
    work, manifest = work_on(given, reader, tmp_path / "out")
    assert begin(tmp_path / "out", manifest, given.parts) == {}
    tallies = [work(part) for part in reversed(given.parts)]
    finish(tmp_path / "out")
    assert begin(tmp_path / "out", manifest, given.parts) == dict(zip(reversed(given.parts), tallies, strict=True))
    answers = pq.read_table(tmp_path / "out")
    assert answers.schema.names == [*LOCATION.names, "id", *SCHEMA.names]
    assert answers["row"].to_pylist() == list(range(100))
    assert answers["id"].to_pylist() == list(range(0, 200, 2))
    assert set(answers["file"].to_pylist()) == {"digits.parquet"}
    right = np.array(answers["candidate"].to_pylist()) == mnist_test.labels[:100].astype(str)
    assert right.mean() > 0.95
    total = sum(tallies, Tally())
    assert (total.pictures, total.digits + total.no_digit, total.refused) == (100, 100, 0)
    assert total.no_digit == sum(answers["no_digit"].to_pylist())


def test_finished_parts_are_known_again_and_damaged_or_foreign_ones_are_not(
    given: Input, reader: Reader, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    work, manifest = work_on(given, reader, output)
    begin(output, manifest, given.parts)
    first, second, third = given.parts
    for part in given.parts:
        work(part)
    (output / second.name).write_bytes((output / second.name).read_bytes()[:-10])
    (output / third.name).write_bytes((output / first.name).read_bytes())
    assert [*begin(output, manifest, given.parts)] == [first]
    pq.write_table(pq.read_table(output / first.name), output / first.name)
    (output / second.name).write_bytes(b"")
    assert begin(output, manifest, given.parts) == {}


def test_done_is_said_only_while_all_parts_are_there(given: Input, reader: Reader, tmp_path: Path) -> None:
    output = tmp_path / "out"
    _, manifest = work_on(given, reader, output)
    begin(output, manifest, given.parts)
    finish(output)
    assert (output / DONE).exists()
    begin(output, manifest, given.parts)
    assert not (output / DONE).exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fingerprint": "0" * 64}, "fingerprint"),
        ({"artifact_sha256": "0" * 64}, "artifact sha256"),
        ({"runtime": "litert"}, "runtime, native and not litert"),
        ({"keep": ()}, "keep"),
        ({"column": "image"}, "column, None and not image"),
        ({"min_confidence": 0.5}, "min confidence"),
        ({"accept_anything": True}, "accept anything"),
    ],
)
def test_answers_to_something_else_are_refused_until_they_are_thrown_away(
    given: Input, reader: Reader, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    output = tmp_path / "out"
    work, manifest = work_on(given, reader, output)
    begin(output, manifest, given.parts)
    work(given.parts[0])
    other = dataclasses.replace(manifest, **change)
    with pytest.raises(OutputError, match=f"holds answers with another {said}.*--restart reads anew"):
        begin(output, other, given.parts)
    assert len(begin(output, manifest, given.parts)) == 1
    assert begin(output, other, given.parts, restart=True) == {}
    assert {path.name for path in output.iterdir()} == {MANIFEST}
    assert begin(output, other, given.parts) == {}


def test_a_manifest_that_cannot_be_read_is_refused(given: Input, reader: Reader, tmp_path: Path) -> None:
    output = tmp_path / "out"
    _, manifest = work_on(given, reader, output)
    begin(output, manifest, given.parts)
    good = json.loads((output / MANIFEST).read_text())
    for bad in (b"{", b"[]", json.dumps({**good, "more": 1}).encode(), json.dumps({**good, "version": 2}).encode()):
        (output / MANIFEST).write_bytes(bad)
        with pytest.raises(OutputError, match=r"_digitrec\.json cannot be read .*: --restart reads anew"):
            begin(output, manifest, given.parts)
    assert begin(output, manifest, given.parts, restart=True) == {}


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("name", ["notes.txt", "part-000000.parquet"])
def test_a_folder_with_other_files_is_left_alone(
    given: Input, reader: Reader, tmp_path: Path, restart: bool, name: str
) -> None:
    output = tmp_path / "out"
    output.mkdir()
    (output / name).write_text("mine")
    _, manifest = work_on(given, reader, output)
    with pytest.raises(OutputError, match="holds other files than answers .*: name a new or an empty folder"):
        begin(output, manifest, given.parts, restart=restart)
    assert (output / name).read_text() == "mine"
    assert [*output.iterdir()] == [output / name]


def test_a_folder_that_cannot_be_written_is_named(given: Input, reader: Reader, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for output in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/none"), tmp_path / ("x" * 300)):
        work, manifest = work_on(given, reader, output)
        with pytest.raises(OutputError, match=r"cannot write '.*': \S"):
            begin(output, manifest, given.parts)
        with pytest.raises(OutputError, match=r"cannot write '.*': \S"):
            work(given.parts[0])


def test_a_part_that_breaks_leaves_no_file(given: Input, reader: Reader, tmp_path: Path) -> None:
    output = tmp_path / "out"
    work, manifest = work_on(given, reader, output)
    begin(output, manifest, given.parts)
    (given.root / "digits.parquet").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        work(given.parts[0])
    assert {path.name for path in output.iterdir()} == {MANIFEST}


def test_a_process_that_is_killed_leaves_a_part_whole_or_not_at_all(
    given: Input, reader: Reader, tmp_path: Path
) -> None:
    """It is killed between the last row and the name; what it left goes when the part is read again."""
    output = tmp_path / "out"
    work, manifest = work_on(given, reader, output)
    begin(output, manifest, given.parts)
    code = (
        "import os, pickle, signal, sys, pathlib\n"
        "work, part = pickle.load(sys.stdin.buffer)\n"
        "pathlib.Path.replace = lambda *a: os.kill(os.getpid(), signal.SIGKILL)\n"
        "work(part)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps((work, given.parts[0])), check=False, timeout=120
    )
    assert done.returncode == -9
    (left,) = [path for path in output.iterdir() if path.name != MANIFEST]
    assert left.name.startswith(".part-000000-")
    assert begin(output, manifest, given.parts) == {}
    work(given.parts[0])
    assert {path.name for path in output.iterdir()} == {MANIFEST, "part-000000.parquet"}
    assert len(pq.read_table(output)) == 40


def test_picture_files_are_rows_of_their_own(reader: Reader, tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    files = [folder / f"{k}.png" for k in range(20)]
    for file in files:
        file.write_bytes(b"no picture")
    plain = dataclasses.replace(reader, keep=())
    given = plan_pictures(folder, files, plain)
    work, manifest = work_on(given, plain, output)
    begin(output, manifest, given.parts)
    assert work(given.parts[0]).refused == 20
    answers = pq.read_table(output)
    assert answers["file"].to_pylist() == [file.name for file in files]
    assert answers["row"].to_pylist() == [0] * 20
    assert all("is not a picture" in error for error in answers["error"].to_pylist())
