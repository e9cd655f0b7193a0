"""Whether a measurement may be relied on: the bounds, one row each, with the reason for just this much."""

from dataclasses import dataclass
from typing import Literal, get_args

from benchmarks.measure.environment import Condition, throttling
from benchmarks.results.statistics import Summary

Status = Literal["ok", "invalid", "failed", "skipped", "unsupported"]
Quantity = Literal["invoke", "end_to_end"]
QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)


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


@dataclass(frozen=True)
class Judgement:
    """What became of a case.

    Attributes:
        status: ``invalid`` when its end to end cannot be relied on: that is what a user waits for and what cases
            are ranked by.
        unreliable: each quantity that cannot be relied on; all of them when the machine throttled.
        reasons: why it is not ``ok``, or why a quantity is unreliable.
    """

    status: Status
    unreliable: tuple[Quantity, ...] = ()
    reasons: tuple[str, ...] = ()


def judge(
    unsupported: str,
    failure: str,
    invoke: Summary | None,
    end_to_end: Summary | None,
    conditions: tuple[Condition, ...],
) -> Judgement:
    """Judge a case; noise in one quantity says nothing against the other."""
    if unsupported:
        return Judgement("unsupported", reasons=(unsupported,))
    if failure:
        return Judgement("failed", reasons=(failure,))
    if invoke is None or end_to_end is None:
        return Judgement("skipped", reasons=("the run was interrupted before the first round of this case ended",))
    slowed = throttling(conditions)
    noise = {"invoke": _noise("invoke", invoke), "end_to_end": _noise("end to end", end_to_end)}
    unreliable = tuple(name for name in QUANTITIES if slowed or noise[name])
    status: Status = "invalid" if "end_to_end" in unreliable else "ok"
    return Judgement(status, unreliable, (*slowed, *filter(None, noise.values())))


def _noise(name: str, summary: Summary) -> str:
    """Say how noisy a quantity is; nothing when it is not."""
    if summary.noise <= NOISE.max_noise:
        return ""
    low, high = summary.p50_interval_us
    return (
        f"noise: the median of {name} is {summary.p50_us:.1f} us [{low:.1f}, {high:.1f}], "
        f"+-{summary.noise:.1%} (at most {NOISE.max_noise:.0%})"
    )
