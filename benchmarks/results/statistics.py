"""What may be said of a set of timings, and how surely.

Percentiles are printed only where the sample supports them: there must be two order statistics between
which the percentile lies with 95 % confidence, whatever the distribution. The widest such interval is
from the smallest to the largest sample, and it covers the p-quantile with probability
``1 - p**n - (1 - p)**n`` (Conover, Practical Nonparametric Statistics, 3rd ed. 1999, section 3.2; Wilks,
Ann. Math. Statist. 12, 1941). So p50 needs 6 samples, p90 needs 29, p99 needs 299.

The interval of a median is a percentile bootstrap in two levels, first rounds, then samples within them
(Davison & Hinkley, Bootstrap Methods and their Application, 1997, section 3.8): samples of one process are
alike in a way that those of another are not (Kalibera & Jones, Rigorous Benchmarking in Reasonable Time,
ISMM 2013), so one long process would look surer than it is. Rounds are few, and a bootstrap of few is too narrow:
its percentiles are moved outwards as Student's t is wider than the normal distribution (Hesterberg, The American
Statistician 69, 2015: the expanded percentile interval).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.significance import CONFIDENCE
from digitrec_edge.records import Within

RESAMPLES = 1000
POINTS_PER_ROUND = 400
"""A round enters the bootstrap by so many of its quantiles at the most; fewer points than samples make the
interval wider, never narrower."""

STUDENT_T = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093,
)  # fmt: skip
"""What 2.5 % of Student's t are above, with 1, 2, ... degrees of freedom: of 2, 3, ... rounds; of more, the last."""

Microseconds = Annotated[float, Within(0, 1e12)]
Interval = tuple[Microseconds, Microseconds]


def supports(percentile: float, samples: int) -> bool:
    """Whether so many samples bound a percentile (0 to 100, both ends excluded) with 95 % confidence."""
    p = percentile / 100
    return samples > 0 and 1 - p**samples - (1 - p) ** samples >= CONFIDENCE


def samples_needed(percentile: float) -> int:
    """Return the smallest number of samples that supports a percentile."""
    samples = 1
    while not supports(percentile, samples):
        samples += 1
    return samples


@dataclass(frozen=True)
class Summary:
    """One quantity of one case, microseconds per call, over all rounds.

    Attributes:
        samples: calls that were timed one by one.
        p50_interval_us: 95 % interval of the median.
        p90_us, p99_us: None when the sample is too small for them.
        round_p50_us: the median of each round, in order.
        block_calls: calls per block, where blocks were timed too (samples under 1 ms).
        block_p50_us: median over all blocks of the time per call: free of the timer's own cost.
        quantiles_us: 0 %, 1 %, ... 100 % of the sample: its distribution, to be drawn.
        raw: all samples (see ``benchmarks.measure.samples``), when they were asked for.
    """

    samples: Annotated[int, Within(1, 1 << 40)]
    p50_us: Microseconds
    p50_interval_us: Interval
    p90_us: Microseconds | None
    p99_us: Microseconds | None
    mean_us: Microseconds
    stdev_us: Microseconds
    min_us: Microseconds
    max_us: Microseconds
    round_p50_us: tuple[Microseconds, ...]
    block_calls: Annotated[int, Within(1, 1 << 40)] | None
    block_p50_us: Microseconds | None
    quantiles_us: Annotated[tuple[Microseconds, ...], Within(101, 101)]
    raw: tuple[str, ...] | None

    @property
    def noise(self) -> float:
        """Half the width of the median's interval as a share of the median."""
        low, high = self.p50_interval_us
        return (high - low) / 2 / self.p50_us


def summarise(
    rounds: Sequence[NDArray[Any]],
    *,
    block_calls: int | None = None,
    block_us: Sequence[float] = (),
    raw: tuple[str, ...] | None = None,
    seed: int = 0,
) -> Summary:
    """Summarise one quantity.

    Args:
        rounds: per round ``(N,)`` nanoseconds, N > 0.
        block_calls: calls per block; None when no blocks were timed.
        block_us: microseconds per call of every block.
        raw: the samples in their compressed form, when they are to be kept.
        seed: of the bootstrap.

    Raises:
        ValueError: fewer samples than a median needs.
    """
    every = np.concatenate(rounds).astype(np.float64) / 1000
    if not supports(50, len(every)):
        raise ValueError(f"{len(every)} samples do not support a median; {samples_needed(50)} are needed")
    p50, p90, p99 = (float(value) for value in np.percentile(every, (50, 90, 99)))
    return Summary(
        samples=len(every),
        p50_us=p50,
        p50_interval_us=_around(p50, median_interval(rounds, seed)),
        p90_us=p90 if supports(90, len(every)) else None,
        p99_us=p99 if supports(99, len(every)) else None,
        mean_us=float(every.mean()),
        stdev_us=float(every.std(ddof=1)),
        min_us=float(every.min()),
        max_us=float(every.max()),
        round_p50_us=tuple(float(np.median(samples)) / 1000 for samples in rounds),
        block_calls=block_calls,
        block_p50_us=float(np.median(block_us)) if len(block_us) else None,
        quantiles_us=tuple(round(float(value), 4) for value in np.percentile(every, np.arange(101))),
        raw=raw,
    )


def median_interval(rounds: Sequence[NDArray[Any]], seed: int = 0) -> Interval:
    """Return the 95 % bootstrap interval of the median of all rounds' samples, in microseconds."""
    random = np.random.default_rng(seed)
    size = min(POINTS_PER_ROUND, *(len(samples) for samples in rounds))
    points = np.stack([_points(samples, size) for samples in rounds])
    count = len(points)
    medians = np.empty(RESAMPLES)
    step = max(1, 1_000_000 // (count * size))
    for start in range(0, RESAMPLES, step):
        number = min(step, RESAMPLES - start)
        chosen = random.integers(0, count, (number, count, 1))
        within = random.integers(0, size, (number, count, size))
        medians[start : start + number] = np.median(points[chosen, within].reshape(number, -1), axis=1)
    tail = 100 * _tail(count)
    low, high = np.percentile(medians, (tail, 100 - tail))
    return float(low), float(high)


def _tail(rounds: int) -> float:
    """Return the share of resamples to leave out at each end; a single round says nothing of how rounds differ."""
    if rounds == 1:
        return (1 - CONFIDENCE) / 2
    t = STUDENT_T[min(rounds - 1, len(STUDENT_T)) - 1]
    return NormalDist().cdf(-t * math.sqrt(rounds / (rounds - 1)))


def _points(samples: NDArray[Any], size: int) -> NDArray[np.float64]:
    """``size`` evenly spaced order statistics, in microseconds."""
    ordered = np.sort(samples).astype(np.float64) / 1000
    positions = (np.arange(size) + 0.5) * len(ordered) / size
    return ordered[positions.astype(np.int64)]


def _around(middle: float, interval: Interval) -> Interval:
    """An interval never leaves out the figure that it belongs to."""
    return min(middle, interval[0]), max(middle, interval[1])


@dataclass(frozen=True)
class Ratio:
    """One median over another, with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        digits = 1 if self.value >= 10 else 2
        return f"{self.value:.{digits}f}x [{self.low:.{digits}f}, {self.high:.{digits}f}]"


def ratio(above: Summary, below: Summary) -> Ratio:
    """Divide two medians; the interval comes from theirs.

    MOVER on logarithms (Donner & Zou, Statistical Methods in Medical Research 21, 2012, equation 3): for
    independent estimates ``a`` in ``[la, ua]`` and ``b`` in ``[lb, ub]``, ``a - b`` is in
    ``a - b - sqrt((a - la)^2 + (ub - b)^2)`` to ``a - b + sqrt((ua - a)^2 + (b - lb)^2)``. Cases of one run
    are measured in turns, so what disturbs both is counted twice and the interval is rather too wide.
    """
    a, (la, ua) = math.log(above.p50_us), (math.log(value) for value in above.p50_interval_us)
    b, (lb, ub) = math.log(below.p50_us), (math.log(value) for value in below.p50_interval_us)
    return Ratio(
        math.exp(a - b),
        math.exp(a - b - math.hypot(a - la, ub - b)),
        math.exp(a - b + math.hypot(ua - a, b - lb)),
    )
