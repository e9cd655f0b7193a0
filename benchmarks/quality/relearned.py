"""Whether a model that learnt from corrections has become better, and has forgotten nothing.

Better is what was shown on corrections that it was not trained on. Nothing forgotten is that the test set, the test set
changed and corrupted, and marks that are no digit are read as before, within the tolerances of one table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.accuracy import accuracy
from benchmarks.quality.corruptions import CORRUPTIONS
from benchmarks.quality.no_digit import MARKS
from benchmarks.quality.robustness import TEST_SETS
from benchmarks.quality.significance import ALPHA, mcnemar
from digitrec_edge.errors import BenchmarkError
from digitrec_edge.mnist import Digits
from digitrec_edge.no_digit import KEPT, score

Images = NDArray[np.uint8]
NONE = -1
"""The answer "no digit"."""


@dataclass(frozen=True)
class Answerer:
    """A model that reads.

    Attributes:
        logits: gives ``(N, 10) float32`` for ``(N, 28, 28) uint8``.
        threshold: the least score of a digit; minus infinity takes everything for one.
    """

    logits: Callable[[Images], NDArray[np.float32]]
    threshold: float

    def answers(self, images: Images) -> NDArray[np.int64]:
        """Return the digits, ``(N,)``; ``NONE`` is "no digit"."""
        if not len(images):
            return np.empty(0, np.int64)
        logits = self.logits(images)
        return np.where(score(logits) >= self.threshold, logits.argmax(axis=1), NONE)


@dataclass(frozen=True)
class Remembered:
    """Something that must not be forgotten.

    Attributes:
        tolerance_pp: it may be so many percentage points worse.
        reason: of the tolerance.
        measure: a reader's share of what is right on the test set's digits, 0 to 1.
    """

    name: str
    tolerance_pp: float
    reason: str
    measure: Callable[[Answerer, Digits], float]


def _accuracy(reader: Answerer, digits: Digits, images: Images) -> float:
    return accuracy(reader.logits(images).argmax(axis=1), digits.labels)


def _changed(reader: Answerer, digits: Digits) -> float:
    sets = [images for one in TEST_SETS[1:] for images in one.make(digits.images)]
    return float(np.mean([_accuracy(reader, digits, images) for images in sets]))


def _corrupted(reader: Answerer, digits: Digits) -> float:
    return float(np.mean([_accuracy(reader, digits, corruption.make(digits.images)) for corruption in CORRUPTIONS]))


def _kept(reader: Answerer, digits: Digits) -> float:
    """Return the share of digits that are taken for one, but not beyond what a threshold keeps by its definition."""
    return min(KEPT, float((reader.answers(digits.images) != NONE).mean()))


def _refused(reader: Answerer, digits: Digits) -> float:
    return float(np.mean([(reader.answers(marks.make(digits)) == NONE).mean() for marks in MARKS]))


GUARDS = (
    Remembered(
        "test set, right", 0.2, "20 of 10,000 images: trainings by one recipe scatter more",
        lambda reader, digits: _accuracy(reader, digits, digits.images),
    ),
    Remembered("test set changed, right", 0.4, "twice as much: about twice as many are misread", _changed),
    Remembered("test set corrupted, right", 0.8, "four times as much: ten times as many are misread", _corrupted),
    Remembered("test digits taken for digits, up to 99 %", 0.5, "half as much again as a threshold gives up", _kept),
    Remembered("marks not taken for digits", 3.0, "one mark in 33: the threshold moves with what is learnt", _refused),
)  # fmt: skip


@dataclass(frozen=True)
class Held:
    """A guard and what was measured, shares from 0 to 1."""

    guard: Remembered
    before: float
    after: float

    @property
    def change_pp(self) -> float:
        """By how much it is better, in percentage points; negative is worse."""
        return 100 * (self.after - self.before)

    @property
    def passed(self) -> bool:
        """Whether it is within the tolerance; a figure that is no number is not."""
        return self.change_pp >= -self.guard.tolerance_pp - 1e-9


@dataclass(frozen=True)
class Learnt:
    """What became of the corrections that were held out.

    Attributes:
        before, after: of ``images``, how many are answered as the correction says.
        better, worse: how many changed from wrong to right, and from right to wrong.
    """

    images: int
    before: int
    after: int
    better: int
    worse: int

    @property
    def chance(self) -> float:
        """How often two equally good models would differ this much, 0 to 1: McNemar's exact p."""
        return mcnemar(self.worse, self.better)

    @property
    def passed(self) -> bool:
        """Whether it was shown that the new model is better."""
        return self.better > self.worse and self.chance <= ALPHA


@dataclass(frozen=True)
class Relearned:
    """What the gate found."""

    learnt: Learnt
    held: tuple[Held, ...]

    def check(self) -> None:
        """Let pass what has become better and forgotten nothing.

        Raises:
            BenchmarkError: names what does not.
        """
        reasons = [] if self.learnt.passed else [self._not_learnt()]
        reasons += [
            f"{one.guard.name}: {one.change_pp:+.2f} pp, down to -{one.guard.tolerance_pp:g} is allowed"
            for one in self.held
            if not one.passed
        ]
        if reasons:
            raise BenchmarkError("; ".join(reasons))

    def _not_learnt(self) -> str:
        if not self.learnt.images:
            return "no correction is held out, so nothing shows that the new model is better: correct more digits"
        learnt = self.learnt
        return (
            f"that it reads the {learnt.images:,} held-out corrections better is not shown: {learnt.better:,} better, "
            f"{learnt.worse:,} worse, p {learnt.chance:.2g}, at most {ALPHA:.2g} is needed"
        )


def judge(
    before: Answerer,
    after: Answerer,
    held_out: Images,
    said: NDArray[np.int64],
    test: Digits,
    *,
    guards: Sequence[Remembered] = GUARDS,
    on_guard: Callable[[str], None] = lambda name: None,
) -> Relearned:
    """Compare two models.

    Args:
        before: the base.
        after: what it became.
        held_out: ``(N, 28, 28) uint8`` of corrections that neither was trained on.
        said: what these are, ``(N,)``; ``NONE`` is "no digit".
        test: the test set.
        guards: what must not be forgotten.
        on_guard: is given the name of each before it is measured.
    """
    was, is_now = (reader.answers(held_out) == said for reader in (before, after))
    learnt = Learnt(
        len(said), int(was.sum()), int(is_now.sum()), int((is_now & ~was).sum()), int((was & ~is_now).sum())
    )
    held = []
    for guard in guards:
        on_guard(guard.name)
        held.append(Held(guard, guard.measure(before, test), guard.measure(after, test)))
    return Relearned(learnt, tuple(held))
