"""Latency: how long one call takes, once it is warm, and what the clock itself costs."""

import gc
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.records import Count, Name, Within

BLOCK_BELOW_US = 1000.0
"""Calls shorter than this are also timed in blocks, so that the clock's cost vanishes."""

BLOCK_US = 1000.0
"""A block lasts at least this long: the clock's 0.1 us or so are then 0.01 % of it."""

BLOCKS = 20


@dataclass(frozen=True)
class Effort:
    """How long to measure. Counts and times are both minima, and per round.

    Attributes:
        rounds: fresh processes per case, in turns with those of all other cases.
        warmup_calls, warmup_ms: before anything is timed.
        calls, measure_ms: per quantity.
        cold_starts: whole processes per case, one in each of the first rounds.
    """

    name: Name
    rounds: Count
    warmup_calls: Count
    warmup_ms: Annotated[float, Within(0, 1e9)]
    calls: Count
    measure_ms: Annotated[float, Within(0, 1e9)]
    cold_starts: Count


EFFORTS = {
    "quick": Effort("quick", 5, warmup_calls=50, warmup_ms=40, calls=100, measure_ms=60, cold_starts=3),
    "default": Effort("default", 10, warmup_calls=100, warmup_ms=200, calls=200, measure_ms=250, cold_starts=5),
    "strict": Effort("strict", 20, warmup_calls=200, warmup_ms=500, calls=500, measure_ms=500, cold_starts=20),
}


@dataclass(frozen=True)
class Timer:
    """The clock.

    Attributes:
        cost_ns: median difference of two readings with nothing between: contained in every single sample.
        resolution_ns: what the operating system states.
    """

    cost_ns: Annotated[float, Within(0, 1e9)]
    resolution_ns: Annotated[float, Within(0, 1e9)]


@dataclass(frozen=True)
class Timed:
    """Timings of one quantity in one round.

    Attributes:
        samples_ns: ``(N,) int64``, one call each, the clock's cost contained.
        block_calls: calls per block; None where single calls are long enough.
        block_us: microseconds per call, one entry per block.
    """

    samples_ns: NDArray[np.int64]
    block_calls: int | None
    block_us: tuple[float, ...]


def describe_timer() -> Timer:
    """Measure what ``time.perf_counter_ns`` costs."""
    clock = time.perf_counter_ns
    with undisturbed():
        differences = [-(clock() - clock()) for _ in range(10_001)]
    return Timer(float(np.median(differences)), time.get_clock_info("perf_counter").resolution * 1e9)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Collect garbage now, and not again until the block ends."""
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def measure_latency(call: Callable[..., object], arguments: Sequence[Any] | None, effort: Effort) -> Timed:
    """Time ``call`` one call at a time, and in blocks when a call takes less than a millisecond.

    Nothing is left out: an outlier is a sample like any other.

    Args:
        call: what to time.
        arguments: each call gets the next one, so that no result can be remembered; None when it takes none.
        effort: how long.
    """
    with undisturbed():
        time_calls(call, arguments, effort.warmup_calls, effort.warmup_ms)
        samples = np.asarray(time_calls(call, arguments, effort.calls, effort.measure_ms), np.int64)
        median_us = float(np.median(samples)) / 1000
        if median_us >= BLOCK_BELOW_US:
            return Timed(samples, None, ())
        per_block = int(np.ceil(BLOCK_US / max(median_us, 0.001)))
        return Timed(samples, per_block, tuple(time_blocks(call, arguments, per_block, BLOCKS)))


def time_calls(
    call: Callable[..., object], arguments: Sequence[Any] | None, calls: int, duration_ms: float
) -> list[int]:
    """Return the nanoseconds of single calls: at least so many, and at least so long."""
    clock = time.perf_counter_ns
    samples: list[int] = []
    keep = samples.append
    end = clock() + int(duration_ms * 1e6)
    if arguments is None:
        while len(samples) < calls or clock() < end:
            start = clock()
            call()
            keep(clock() - start)
        return samples
    for argument in itertools.cycle(arguments):
        start = clock()
        call(argument)
        stop = clock()
        keep(stop - start)
        if stop >= end and len(samples) >= calls:
            break
    return samples


def time_blocks(
    call: Callable[..., object], arguments: Sequence[Any] | None, per_block: int, blocks: int
) -> Iterator[float]:
    """Yield the microseconds per call of one block after another; the loop around the calls is in them."""
    clock = time.perf_counter_ns
    turns = itertools.cycle(arguments or ())
    for _ in range(blocks):
        if arguments is None:
            start = clock()
            for _ in range(per_block):
                call()
        else:
            items = list(itertools.islice(turns, per_block))
            start = clock()
            for item in items:
                call(item)
        yield (clock() - start) / 1000 / per_block
