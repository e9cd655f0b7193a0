"""A model is calibrated on images that it has not seen: plain for the threshold, distorted for the temperature."""

import numpy as np
import pytest

from digitrec_edge import mnist
from digitrec_edge.training.recipes import RECIPES
from digitrec_edge.training.run import calibrate
from digitrec_edge.training.sets import Unseen, split, unseen

pytestmark = pytest.mark.desktop
ROBUST, REFERENCE = RECIPES["robust"], RECIPES["reference"]
DIGITS = mnist.Digits(mnist.load("test").images[:400], mnist.load("test").labels[:400])


def found(share: float, distorted: bool = True) -> Unseen | None:
    return unseen(ROBUST if distorted else REFERENCE, 0, split(DIGITS, DIGITS, share, 0))


def test_held_out_images_are_kept_plain_and_distorted() -> None:
    held_out = split(DIGITS, DIGITS, 0.25, 0).held_out
    both = found(0.25)
    assert both
    assert np.array_equal(both.plain.images, held_out.images)
    assert np.array_equal(both.distorted.labels, held_out.labels)
    changed = (both.distorted.images != both.plain.images).any(axis=(1, 2))
    assert changed.mean() > 0.9


def test_without_a_split_training_images_are_distorted_for_both_and_without_distortions_there_are_plain_ones() -> None:
    both = found(0.0)
    assert both
    assert both.plain is both.distorted
    assert len(both.plain) == len(DIGITS)
    plain = found(0.25, distorted=False)
    assert plain
    assert plain.plain is plain.distorted
    assert found(0.0, distorted=False) is None


def test_the_temperature_is_the_distorted_images_and_the_threshold_the_plain_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = found(0.25)
    assert both
    seen: list[tuple[str, int]] = []
    run = "digitrec_edge.training.run"
    monkeypatch.setattr(f"{run}.reference_logits", lambda model, images: images)
    monkeypatch.setattr(f"{run}.fit_temperature", lambda logits, labels: seen.append(("temperature", id(logits))))
    monkeypatch.setattr(f"{run}.fit_no_digit", lambda logits: seen.append(("threshold", id(logits))))
    calibrate(None, ROBUST, both)
    assert seen == [("temperature", id(both.distorted.images)), ("threshold", id(both.plain.images))]
