"""The threshold of "no digit" in whole steps of the logits: float32's decision, or none."""

import numpy as np
import pytest

from digitrec_edge import no_digit
from digitrec_edge.dense.threshold import whole_threshold
from digitrec_edge.quantization import dequantize


def test_the_whole_threshold_is_float32_s_for_every_pair_of_logits() -> None:
    pairs = np.stack(np.meshgrid(np.arange(-128, 128), np.arange(-128, 128)), axis=-1).reshape(-1, 2)
    for threshold, scale in ((2.7476, 0.2282), (0.31, 0.0123), (17.3, 0.4567), (1.0, 0.3)):
        compare(pairs, threshold, scale, -11)


def test_the_whole_threshold_is_float32_s_for_logits_on_either_side_of_it() -> None:
    random = np.random.default_rng(1)
    for threshold, scale, zero in ((2.7476, 0.22820200026035309, -12), (5.1234, 0.15992194, 3), (0.9, 0.0333, 60)):
        whole = whole_threshold(threshold, scale, 10)
        for steps in range(whole - 2, whole + 3):
            below = random.multinomial(steps, random.dirichlet(np.ones(9), 40_000))
            logits = random.integers(-128, 128, 40_000)[:, None] - np.pad(below, ((0, 0), (1, 0)))
            compare(logits[(logits >= -128).all(axis=1)], threshold, scale, zero)


def compare(logits: np.ndarray, threshold: float, scale: float, zero: int) -> None:  # type: ignore[type-arg]
    labels = logits.shape[1]
    by_float = no_digit.score(dequantize(logits.astype(np.int8), scale, zero)) >= np.float32(threshold)
    whole = labels * logits.max(axis=1) - logits.sum(axis=1) >= whole_threshold(threshold, scale, labels)
    assert np.array_equal(by_float, whole)


def test_a_threshold_on_a_step_is_refused_and_none_is_nothing() -> None:
    assert whole_threshold(None, 0.1, 10) == 0
    for threshold in (2.0, np.nextafter(2.0, 3), 2.00001):
        with pytest.raises(ValueError, match="lies on a step of the logits"):
            whole_threshold(float(threshold), 0.25, 10)
    assert whole_threshold(2.01, 0.25, 10) == 81


@pytest.mark.parametrize("scale", [1e-6, 1e-40])
def test_a_threshold_of_more_steps_than_an_int32_has_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="is not between 0 and 2,147,483,647 steps"):
        whole_threshold(1000.0, scale, 10)
