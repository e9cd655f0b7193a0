"""The rule of the verdict: which of the measured cases to deploy."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.results.accuracies import answer_change, compare_accuracy
from benchmarks.results.document import Quality, Result
from benchmarks.results.statistics import Summary, ratio
from digitrec_edge.variants import FLOAT32

BASELINE = FLOAT32.name

MAX_LOSS_PP = 0.2
"""An artifact that is less accurate than the best one by more than this is not recommended, however fast: it is
what the parity gate lets a fully quantised artifact lose, two images in a thousand."""

SAME_SPEED_SHARE = 0.10
SAME_SPEED_US = 1.0
"""Cases that differ by less than either are equally fast: a median need not be known better than to 10 %, and next
to a microsecond the decoding of a picture takes a thousand."""


@dataclass(frozen=True)
class Candidate:
    """A case that may be recommended.

    Attributes:
        changed: share of the test images that are not read as by the Keras model, or else as by the float32 artifact,
            0 to 1; None where neither is known.
    """

    result: Result
    latency: Summary
    quality: Quality
    file_bytes: int
    changed: float | None

    @property
    def change_steps(self) -> float:
        """The changed digits in steps of ``MAX_LOSS_PP``, at least one; infinite where they are not known."""
        return math.inf if self.changed is None else max(1, math.ceil(100 * self.changed / MAX_LOSS_PP - 1e-9))


@dataclass(frozen=True)
class Choice:
    """What the rule chose.

    Attributes:
        why: why not the fastest; empty where it is the fastest.
    """

    best: Candidate
    fastest: Candidate
    why: str


def candidates(results: Sequence[Result]) -> list[Candidate]:
    """Return the valid cases with the fewest threads and pictures per call, of those with answers and a file."""
    found = [
        Candidate(r, r.end_to_end, r.quality, r.file_bytes, _changed(r, results))
        for r in results
        if r.status == "ok" and r.end_to_end and r.quality and r.file_bytes
    ]
    simplest = min(((one.result.batch, one.result.threads) for one in found), default=None)
    return [one for one in found if (one.result.batch, one.result.threads) == simplest]


def choose(able: Sequence[Candidate]) -> Choice:
    """Choose one of the candidates, at least one.

    1. Accuracy first: only those that lose no more than ``MAX_LOSS_PP`` to the most accurate.
    2. Then speed, where it matters: of these only those that are as fast as the fastest, end to end. The interval of
       the ratio contains 1, or the difference is below ``SAME_SPEED_SHARE`` or ``SAME_SPEED_US``.
    3. Of these only those that are not shown to be less accurate than the most accurate of them.
    4. Of these the one that changes the fewest of the float model's digits, in steps of ``MAX_LOSS_PP``. A changed
       digit is a deviation that nobody asked for, for the better as much as for the worse: on other pictures it may
       be for the worse. In the first step not even the worst luck loses more than is allowed, so there it does not
       matter how many they are.
    5. Of these the smallest file; of equally small ones the fastest.

    So 0.2 us never pay for digits that changed four times as often, however they fell on this test set, and one digit
    in ten thousand never pays for a file of four times the size.
    """
    top = max(one.quality.accuracy for one in able)
    able = [one for one in able if 100 * (top - one.quality.accuracy) <= MAX_LOSS_PP + 1e-9]
    fastest = min(able, key=lambda one: one.latency.p50_us)
    equal = [one for one in able if _as_fast(one.latency, fastest.latency)]
    leader = max(equal, key=lambda one: one.quality.accuracy)
    alike = [one for one in equal if compare_accuracy(one.quality, leader.quality).shown >= 0]
    best = min(alike, key=lambda one: (one.change_steps, one.file_bytes, one.latency.p50_us))
    return Choice(best, fastest, _why(best, fastest, fastest in alike))


def _as_fast(one: Summary, fastest: Summary) -> bool:
    slower_us = one.p50_us - fastest.p50_us
    within = slower_us < max(SAME_SPEED_US, SAME_SPEED_SHARE * fastest.p50_us)
    return within or ratio(one, fastest).low <= 1


def _why(best: Candidate, fastest: Candidate, alike: bool) -> str:
    if best is fastest:
        return ""
    if not alike:
        return "is shown to be less accurate"
    if best.change_steps == fastest.change_steps:
        return "is a larger file"
    if fastest.changed is None or best.changed is None:
        return "changes digits that were not counted"
    return f"changes {fastest.changed:.2%} of the float model's digits, this one {best.changed:.2%}"


def _changed(result: Result, results: Sequence[Result]) -> float | None:
    """By the Keras model where its answers were there; noise in the timings says nothing against float32's answers."""
    if result.quality and result.quality.agreement is not None:
        return 1 - result.quality.agreement
    floats = sorted((r for r in results if r.variant == BASELINE), key=lambda r: r.runtime != result.runtime)
    known = (answer_change(one.quality, result.quality) for one in floats)
    return next((change.share for change in known if change), None)
