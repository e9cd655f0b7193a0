"""Figures on corrupted images are exact, the reference is the float32 artifact of the same source, the gate bites."""

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.quality.corrupted import (
    Corrupted,
    CorruptedResult,
    check_mean,
    find_reference,
    judge,
    mean_of,
    measure_corrupted,
    worst_of,
)
from benchmarks.quality.corruptions import CORRUPTIONS
from digitrec_edge import mnist, pretrained
from digitrec_edge.errors import BenchmarkError
from runtimes import load

ANSWERS = np.array([0, 1, 2, 3])
GOALS = {
    "shot noise": 0.99, "brightness": 0.99, "dotted line": 0.99, "fog": 0.985, "glass blur": 0.98, "shear": 0.98,
    "spatter": 0.965, "motion blur": 0.945, "zigzag": 0.93, "canny edges": 0.89, "stripe": 0.755,
}  # fmt: skip
"""Of the pretrained artifact: what it reached."""


def logits_of(answers: NDArray[np.int64], confidence: float) -> NDArray[np.float32]:
    """Logits whose softmax gives the named digit that confidence."""
    logits = np.zeros((len(answers), 10), np.float32)
    logits[np.arange(len(answers)), answers] = np.log(9 * confidence / (1 - confidence))
    return logits


class Fake:
    """A model that names the same digits whatever it sees."""

    def __init__(self, variant: str | None, answers: NDArray[np.int64], source: str = "s") -> None:
        self.card = SimpleNamespace(variant=variant, source_sha256=source) if variant else None
        self.artifact = SimpleNamespace(name=f"{variant}-{source}")
        self.runtime, self.runtime_version, self.temperature = "fake", "1", np.float32(1)
        self.answers, self.seen = answers, 0

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.seen += len(images)
        return logits_of(self.answers, 0.9)


def measure(*models: Fake) -> tuple[Corrupted, ...]:
    digits = mnist.Digits(np.zeros((4, 28, 28), np.uint8), ANSWERS.astype(np.uint8))
    pairs: list[Any] = [(model, digits) for model in models]
    return measure_corrupted(pairs)


def test_accuracy_agreement_and_calibration_of_a_made_up_model_are_exact() -> None:
    found = judge("fog", logits_of(np.array([0, 1, 2, 9]), 0.9), logits_of(np.array([0, 5, 2, 9]), 0.5), ANSWERS, 1.0)
    assert (found.name, found.accuracy, found.agreement) == ("fog", 0.75, 0.75)
    assert found.calibration_error == pytest.approx(0.9 - 0.75, abs=1e-6)
    assert judge("fog", logits_of(ANSWERS, 0.9), None, ANSWERS, 1.0).agreement is None
    hotter = judge("fog", logits_of(ANSWERS, 0.9), None, ANSWERS, 2.0)
    assert hotter.calibration_error == pytest.approx(1 - 9 / 18, abs=1e-6)  # odds of 81 become 9 against nine others


def test_mean_and_worst_are_of_each_figure_by_itself() -> None:
    rows = [CorruptedResult("a", 0.9, 0.8, 0.1), CorruptedResult("b", 0.7, 1.0, 0.0)]
    mean = mean_of(rows)
    assert (mean.accuracy, mean.agreement, mean.calibration_error) == pytest.approx((0.8, 0.9, 0.05))
    assert dataclasses.astuple(worst_of(rows)) == ("worst", 0.7, 0.8, 0.1)
    alone = [dataclasses.replace(row, agreement=None) for row in rows]
    assert mean_of(alone).agreement is worst_of(alone).agreement is None


def test_every_model_is_measured_on_every_corruption_against_its_own_float32() -> None:
    int8, floats = Fake("int8", np.array([0, 1, 9, 9])), Fake("float32", np.array([0, 1, 2, 9]))
    other, foreign = Fake("int8", ANSWERS, "another"), Fake(None, ANSWERS)
    found = measure(int8, floats, other, foreign)
    assert [one.reference for one in found] == ["float32-s", None, None, None]
    assert [row.name for row in found[0].results] == [corruption.name for corruption in CORRUPTIONS]
    assert {row.agreement for row in found[0].results} == {0.75}
    assert {row.agreement for one in found[1:] for row in one.results} == {None}
    assert [one.mean.accuracy for one in found] == [0.5, 0.75, 1, 1]
    assert {model.seen for model in (int8, floats, other, foreign)} == {4 * len(CORRUPTIONS)}
    assert find_reference(int8, [other, int8]) is None  # type: ignore[arg-type, list-item]


def test_the_gate_is_the_mean_and_names_it() -> None:
    (found,) = measure(Fake("int8", np.array([0, 1, 2, 9])))
    check_mean(found, 0.75)
    with pytest.raises(BenchmarkError, match=r"^int8-s is right on 75\.00% of corrupted images, below 76\.00%"):
        check_mean(found, 0.76)
    unknown = dataclasses.replace(found, mean=dataclasses.replace(found.mean, accuracy=float("nan")))
    with pytest.raises(BenchmarkError, match="nan%"):
        check_mean(unknown, 0)


def test_the_pretrained_artifacts_hold_what_they_reached() -> None:
    digits = mnist.load("test")
    digits = mnist.Digits(digits.images[:2000], digits.labels[:2000])
    with load(pretrained.DEFAULT) as int8, load(pretrained.FLOAT32) as floats:
        found, reference = measure_corrupted([(int8, digits), (floats, digits)])
    assert (found.reference, reference.reference) == (pretrained.FLOAT32.stem, None)
    assert (found.images, found.runtime) == (2000, f"{int8.runtime} {int8.runtime_version}")
    accuracies = {row.name: row.accuracy for row in found.results}
    assert not {name: accuracies[name] for name, goal in GOALS.items() if accuracies[name] < goal - 0.005}
    check_mean(found, 0.935)
    assert found.mean.agreement is not None
    assert found.mean.agreement > 0.98
