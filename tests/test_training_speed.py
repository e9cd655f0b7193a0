"""The speed-and-equivalence check refuses what is too slow or something else."""

import pytest

from benchmarks.scripts.training_speed import MAX_DIFFERENCE_PP, MIN_RATIO, Equivalence, Speed, check
from digitrec_edge.errors import BenchmarkError

pytestmark = pytest.mark.desktop


def speed(ratio: float) -> Speed:
    return Speed(4.5, 0.45, 8.0, 0.8, ratio, ratio, (4.5,), (0.45,))


def equivalence(difference_pp: float) -> Equivalence:
    return Equivalence((0.98,), (0.98,), difference_pp)


def test_figures_within_bounds_pass() -> None:
    check(speed(MIN_RATIO), None)
    check(speed(10), equivalence(-MAX_DIFFERENCE_PP))


@pytest.mark.parametrize(
    ("ratio", "difference_pp", "message"),
    [
        (4.9, None, "fit takes 4.9 times as long"),
        (float("nan"), None, "times as long"),
        (10, 0.16, r"mean accuracies differ by \+0.16 pp"),
        (10, -0.16, r"mean accuracies differ by -0.16 pp"),
        (10, float("nan"), "differ by"),
        (1, 1, "times as long.*; mean accuracies"),
    ],
)
def test_figures_out_of_bounds_are_refused(ratio: float, difference_pp: float | None, message: str) -> None:
    with pytest.raises(BenchmarkError, match=message):
        check(speed(ratio), None if difference_pp is None else equivalence(difference_pp))
