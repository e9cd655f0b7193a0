"""Killed at any file operation, nothing that was there is lost and nothing half-written is taken for whole."""

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from digitrec_edge import artifact
from digitrec_edge.artifact import golden
from digitrec_edge.files import write_file
from tests.crash import crash_points


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Path]:
    """Makes empty folders, a new one each time."""
    counter = itertools.count()

    def make() -> Path:
        folder = tmp_path / f"try-{next(counter)}"
        folder.mkdir()
        return folder

    return make


def test_every_operation_of_a_write_is_a_crash_point(fresh: Callable[[], Path]) -> None:
    """The instrument works: a write opens a temporary file, sets its mode, moves it and removes what may be left."""
    points = [point for point, _ in crash_points(lambda folder: write_file(folder / "a", b"new"), fresh)]
    assert len(points) >= 4


def test_a_file_is_the_old_or_the_new_one(fresh: Callable[[], Path]) -> None:
    def prepare() -> Path:
        folder = fresh()
        (folder / "a").write_bytes(b"old")
        return folder

    seen = set()
    for _, folder in crash_points(lambda folder: write_file(folder / "a", b"new"), prepare):
        seen.add((folder / "a").read_bytes())
        write_file(folder / "a", b"later")
        assert os.listdir(folder) == ["a"], "the next write removes what the killed one left"
    assert seen <= {b"old", b"new"}
    assert b"old" in seen


def test_an_artifact_and_golden_logits_are_whole_at_every_point(fresh: Callable[[], Path]) -> None:
    old = artifact.read(Path(__file__).parent / "data" / "card-1.tflite")
    assert old.card is not None
    card, answers = old.card, golden.Golden(np.zeros((3, 10), np.float32), "0" * 64, "1" * 64)

    def prepare() -> Path:
        folder = fresh()
        artifact.write(folder / "a.tflite", old.payload, card)
        golden.write(folder / golden.FILE_NAME, answers)
        return folder

    def work(folder: Path) -> None:
        artifact.write(folder / "a.tflite", old.payload, card, old.files["digitrec_edge.sample.npz"])
        golden.write(folder / golden.FILE_NAME, answers)

    points = 0
    for _, folder in crash_points(work, prepare):
        points += 1
        assert artifact.read(folder / "a.tflite").payload == old.payload
        assert golden.read(folder / golden.FILE_NAME).source_sha256 == "0" * 64
    assert points >= 8
