"""Whether a measurement may be relied on: the bounds, one row each, with the reason for just this much."""

from dataclasses import dataclass
from typing import Literal

from benchmarks.measure.environment import Condition, throttling
from benchmarks.results.statistics import Summary

Status = Literal["ok", "invalid", "failed", "skipped", "unsupported"]


@dataclass(frozen=True)
class Bound:
    """A limit of the noise.

    Attributes:
        max_noise: half the width of the median's 95 % interval, as a share of the median.
        reason: why just this much.
    """

    max_noise: float
    reason: str


NOISE = Bound(
    max_noise=0.10,
    reason="variants differ by 1.3x and more where it matters; a median known to 10 % still tells them apart",
)


def judge(
    unsupported: str,
    failure: str,
    invoke: Summary | None,
    end_to_end: Summary | None,
    conditions: tuple[Condition, ...],
) -> tuple[Status, tuple[str, ...]]:
    """Return a case's status and the reasons for it."""
    if unsupported:
        return "unsupported", (unsupported,)
    if failure:
        return "failed", (failure,)
    if invoke is None or end_to_end is None:
        return "skipped", ("the run was interrupted before the first round of this case ended",)
    reasons = [*throttling(conditions)]
    for name, summary in (("invoke", invoke), ("end to end", end_to_end)):
        if not summary.noise <= NOISE.max_noise:
            low, high = summary.p50_interval_us
            reasons.append(
                f"noise: the median of {name} is {summary.p50_us:.1f} us [{low:.1f}, {high:.1f}], "
                f"+-{summary.noise:.1%} (at most {NOISE.max_noise:.0%})"
            )
    return ("invalid", tuple(reasons)) if reasons else ("ok", ())
