"""Latency: how long one call takes, once it is warm."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Effort:
    """How long to measure: at least so many calls, and at least so long."""

    warmup_calls: int = 100
    warmup_ms: float = 200.0
    calls: int = 1000
    measure_ms: float = 1000.0


@dataclass(frozen=True)
class Latency:
    """Time of one call, in microseconds, over ``calls`` calls."""

    calls: int
    p50_us: float
    p90_us: float
    p99_us: float


def measure_latency(call: Callable[[Any], object], arguments: NDArray[Any], effort: Effort) -> Latency:
    """Time ``call`` on one argument after another, with the garbage collector off.

    Args:
        call: what to time.
        arguments: ``(N, ...)``; each call gets the next, so that no result can be remembered.
        effort: how long.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        _time(call, arguments, effort.warmup_calls, effort.warmup_ms)
        samples = _time(call, arguments, effort.calls, effort.measure_ms)
    finally:
        if collecting:
            gc.enable()
    p50, p90, p99 = np.percentile(np.asarray(samples), (50, 90, 99)) / 1000
    return Latency(len(samples), float(p50), float(p90), float(p99))


def _time(call: Callable[[Any], object], arguments: NDArray[Any], calls: int, duration_ms: float) -> list[int]:
    clock = time.perf_counter_ns
    items = list(arguments)
    samples: list[int] = []
    end = clock() + int(duration_ms * 1e6)
    while len(samples) < calls or clock() < end:
        item = items[len(samples) % len(items)]
        start = clock()
        call(item)
        samples.append(clock() - start)
    return samples
