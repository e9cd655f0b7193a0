"""Two accuracies: which is higher, as far as the test images tell."""

from dataclasses import dataclass

from benchmarks.quality.answers import AnswerChange, changes
from benchmarks.quality.significance import ALPHA
from benchmarks.results.document import Quality


@dataclass(frozen=True)
class AccuracyComparison:
    """One artifact's accuracy against another's.

    Attributes:
        shown: 1: the one is shown to be more accurate, -1: less, 0: neither.
        text: what may be said, as in "it is ...".
    """

    shown: int
    text: str


def compare_accuracy(one: Quality, other: Quality) -> AccuracyComparison:
    """Compare by the same images where both have their answers to them, or else by the intervals.

    On the same images a difference is shown where McNemar's exact p is below ``ALPHA``; on other images, where the
    95 % intervals do not overlap. Where it is not known how many images there were (results of version 1), nothing
    is shown.
    """
    change = answer_change(other, one)
    sign = (one.accuracy > other.accuracy) - (one.accuracy < other.accuracy)
    points = f"{100 * abs(one.accuracy - other.accuracy):.2f} pp {'more' if sign > 0 else 'less'} accurate"
    if change:
        counts = f"{change.worse:,} worse, {change.better:,} better"
        if change.chance < ALPHA:
            return AccuracyComparison(sign, f"{points} ({counts} of {change.images:,} images, {_p(change.chance)})")
        return AccuracyComparison(0, f"as accurate as far as {change.images:,} images tell ({counts})")
    mine, its = one.accuracy_interval, other.accuracy_interval
    if mine is None or its is None:
        return AccuracyComparison(0, f"{one.accuracy:.2%} against {other.accuracy:.2%} right, of how many is not known")
    if mine[0] > its[1] or mine[1] < its[0]:
        return AccuracyComparison(sign, f"{points} (on other images, the 95 % intervals do not overlap)")
    return AccuracyComparison(0, "as accurate as far as the 95 % intervals tell (on other images)")


def answer_change(then: Quality | None, now: Quality | None) -> AnswerChange | None:
    """Count what became of the same images; None where answers are missing or of different test sets."""
    if then is None or now is None or then.answers is None or now.answers is None:
        return None
    return changes(then.answers, now.answers)


def accuracy_text(quality: Quality) -> str:
    """Return an accuracy with its 95 % interval, such as ``97.95% [97.65, 98.21]``."""
    interval = quality.accuracy_interval
    known = f" [{100 * interval[0]:.2f}, {100 * interval[1]:.2f}]" if interval else ""
    return f"{quality.accuracy:.2%}{known}"


def _p(chance: float) -> str:
    return f"p = {chance:.3f}" if chance >= 0.001 else "p < 0.001"
