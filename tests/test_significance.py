"""benchmarks.quality.significance: intervals and p-values as published, or as counted exactly."""

import math
from fractions import Fraction

import numpy as np
import pytest

from benchmarks.quality.significance import ALPHA, mcnemar, wilson


@pytest.mark.parametrize(
    ("right", "images", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0),
    ],
)
def test_wilson_intervals_are_the_published_ones(right: int, images: int, low: float, high: float) -> None:
    """Newcombe, Statistics in Medicine 17, 1998, table I, method 3; the last is 0 of 29 turned round."""
    assert wilson(right, images) == pytest.approx((low, high), abs=5e-5)


def test_ten_thousand_images_know_an_accuracy_to_a_quarter_of_a_point() -> None:
    low, high = wilson(9795, 10_000)
    assert (high - low) / 2 == pytest.approx(0.0028, abs=1e-4)
    assert low < 0.9795 < high
    assert wilson(1, 1)[1] == 1.0
    assert wilson(0, 1)[0] == 0.0


@pytest.mark.parametrize("share", [0.5, 0.9795, 0.9954])
def test_wilson_intervals_cover_the_truth_as_often_as_they_say(share: float) -> None:
    random = np.random.default_rng(0)
    counts, times = np.unique(random.binomial(10_000, share, 20_000), return_counts=True)
    held = [low <= share <= high for low, high in (wilson(int(right), 10_000) for right in counts)]
    covered = times[held].sum()
    assert covered / 20_000 == pytest.approx(0.95, abs=0.01)


def exact(worse: int, better: int) -> float:
    count, few = worse + better, min(worse, better)
    return min(1.0, float(Fraction(2 * sum(math.comb(count, k) for k in range(few + 1)), 2**count)))


@pytest.mark.parametrize("worse", [0, 1, 2, 9, 25, 400])
@pytest.mark.parametrize("better", [0, 1, 5, 32, 440, 3000])
def test_mcnemar_is_the_binomial_test_counted_exactly(worse: int, better: int) -> None:
    assert mcnemar(worse, better) == pytest.approx(exact(worse, better), rel=1e-9)
    assert mcnemar(better, worse) == mcnemar(worse, better)


def test_mcnemar_of_known_cases() -> None:
    assert mcnemar(1, 9) == pytest.approx(22 / 1024)
    assert mcnemar(25, 32) == pytest.approx(0.427, abs=1e-3)
    assert mcnemar(0, 5) > ALPHA > mcnemar(0, 6)
    assert mcnemar(0, 0) == 1


def test_a_million_changed_images_take_no_time_and_stay_right() -> None:
    assert mcnemar(500_000, 499_999) == pytest.approx(1, rel=1e-8)
    middle = mcnemar(499_000, 501_000)
    assert middle == pytest.approx(math.erfc(1999 / 1000 / math.sqrt(2)), rel=1e-4)
    assert mcnemar(0, 1_000_000) == 0.0
