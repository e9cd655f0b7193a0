"""The measurement of "no digit": marks that are none, and figures that are exact."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.quality import no_digit
from benchmarks.quality.no_digit import MARKS, auroc, measure_no_digit
from digitrec_edge import mnist, pretrained
from digitrec_edge.no_digit import NoDigit, score
from runtimes import load

ACCEPTED = {"letters": 0.085, "shapes": 0.045, "parts": 0.21, "pairs": 0.01}
"""At most so many marks are taken for digits by the pretrained artifacts."""


def test_auroc_counts_the_pairs_in_the_right_order() -> None:
    digits, marks = np.array([3, 2, 2, 1], np.float32), np.array([2, 0, 5], np.float32)
    above = sum((d > m) + 0.5 * (d == m) for d in digits for m in marks)
    assert auroc(digits, marks) == pytest.approx(above / 12)
    assert auroc(digits + 9, marks) == 1.0
    assert auroc(digits - 9, marks) == 0.0


@pytest.mark.parametrize("marks", MARKS, ids=lambda marks: marks.name)
def test_marks_are_images_in_mnists_form_and_the_same_each_time(marks: no_digit.Marks) -> None:
    digits = mnist.load("test")
    images = marks.make(digits)
    assert images.dtype == np.uint8
    assert images.shape[1:] == (28, 28)
    assert len(images) >= 400
    assert images.max(axis=(1, 2)).min() > 100
    assert images.mean() < 80
    assert np.array_equal(images, marks.make(digits))


def test_shares_and_scores_are_those_of_the_model() -> None:
    digits = mnist.load("test")
    digits = mnist.Digits(digits.images[:500], digits.labels[:500])
    with load(pretrained.DEFAULT) as model:
        scores = score(model.logits(digits.images))
        threshold = float(np.median(scores))
        card = dataclasses.replace(model.card, no_digit=NoDigit(threshold, 0.5, 1))  # type: ignore[type-var]
        like = SimpleNamespace(logits=model.logits, card=card, threshold=np.float32(threshold))
        told = measure_no_digit(like, digits)  # type: ignore[arg-type]
        letters = score(model.logits(MARKS[0].make(digits)))
    assert (told.threshold, told.digits) == (threshold, 500)
    assert told.kept == (scores >= np.float32(threshold)).mean()
    assert told.results[0].accepted == (letters >= np.float32(threshold)).mean()
    assert [one.name for one in told.results] == [one.name for one in MARKS]


def test_a_test_set_of_one_image_has_no_pairs() -> None:
    digits = mnist.load("test")
    with load(pretrained.DEFAULT) as model:
        told = measure_no_digit(model, mnist.Digits(digits.images[:1], digits.labels[:1]))
    assert [one.name for one in told.results] == [one.name for one in MARKS if one.name != "pairs"]


@pytest.mark.parametrize("path", [pretrained.DEFAULT, pretrained.FLOAT32], ids=lambda path: path.stem)
def test_the_pretrained_artifacts_tell_digits_from_what_is_none(path: Path) -> None:
    with load(path) as model:
        told = measure_no_digit(model, mnist.load("test"))
    assert told.kept >= 0.99
    accepted = {one.name: one.accepted for one in told.results}
    assert not {name: share for name, share in accepted.items() if share > ACCEPTED[name]}
    assert min(one.auroc for one in told.results) > 0.985
