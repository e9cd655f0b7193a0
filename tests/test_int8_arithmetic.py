"""The runtimes' int8 answers, to the byte, are those of the published arithmetic."""

import platform
from pathlib import Path

import numpy as np
import pytest
from int8_arithmetic import by_float, by_shift_away, by_shift_up, kernel, logits

from digitrec_edge import mnist
from runtimes import RUNTIMES, load

IMAGES = mnist.load("test").images[:2000]
KERNELS = {"litert": "XNNPACK", "tflite-runtime": "built-in"}
SUMS = np.array([-12, -4, -3, -2, 0, 2, 3, 4, 12], np.int64)
ONE = np.ones(1, np.float32)


@pytest.mark.parametrize("name", KERNELS)
def test_a_runtime_computes_as_its_kernel_is_known_to(artifacts: Path, name: str) -> None:
    (row,) = [row for row in RUNTIMES if row.name == name]
    if not row.installed:
        pytest.skip(f"{name} is not installed here")
    path = artifacts / "digitrec-int8.tflite"
    expected = logits(path, IMAGES, kernel(KERNELS[name], platform.machine()))
    with load(path, name) as model:
        assert model.logits(IMAGES).tobytes() == expected.tobytes()


def test_the_ways_of_rounding_differ_in_halves_alone() -> None:
    quarter = np.float32(0.25)
    assert by_float(SUMS, ONE * quarter, ONE[0], ONE[0]).tolist() == [-3, -1, -1, 0, 0, 0, 1, 1, 3]
    assert by_shift_up(SUMS, ONE * quarter, ONE[0], ONE[0]).tolist() == [-3, -1, 0, 0, 0, 1, 1, 1, 3]
    assert by_shift_away(SUMS, ONE * quarter, ONE[0], ONE[0]).tolist() == [-3, -1, -1, -1, 0, 1, 1, 1, 3]


def test_which_way_is_taken_shows_in_the_answers(artifacts: Path) -> None:
    path = artifacts / "digitrec-int8.tflite"
    answers = {way: logits(path, IMAGES, way) for way in (by_float, by_shift_up, by_shift_away)}
    step = np.abs(answers[by_float] - answers[by_shift_up]).max()
    assert step > 0
    assert 0 < (answers[by_shift_up] != answers[by_shift_away]).sum() < 200
    assert np.abs(answers[by_shift_up] - answers[by_shift_away]).max() <= step * 1.001
