"""Latency: how it is sampled; how long anything takes is not tested."""

import gc

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.latency import Effort, measure_latency

ARGUMENTS = np.arange(3)


def test_as_many_calls_are_timed_as_were_asked_for_and_the_warm_up_is_not() -> None:
    seen: list[int] = []
    latency = measure_latency(lambda item: seen.append(int(item)), ARGUMENTS, Effort(5, 0.0, 20, 0.0))
    assert latency.calls == 20
    assert len(seen) == 25


def test_time_asked_for_is_spent_though_the_calls_are_done() -> None:
    assert measure_latency(lambda item: None, ARGUMENTS, Effort(0, 0.0, 1, 5.0)).calls > 1


def test_each_call_gets_the_next_argument() -> None:
    seen: list[int] = []
    measure_latency(lambda item: seen.append(int(item)), ARGUMENTS, Effort(2, 0.0, 4, 0.0))
    assert seen == [0, 1, 0, 1, 2, 0]


def test_percentiles_rise() -> None:
    latency = measure_latency(lambda item: sum(range(100)), ARGUMENTS, Effort(1, 0.0, 100, 0.0))
    assert 0 < latency.p50_us <= latency.p90_us <= latency.p99_us


def test_percentiles_are_of_the_clock_in_microseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0

    def clock() -> int:
        nonlocal now
        now += 1000
        return now

    monkeypatch.setattr("time.perf_counter_ns", clock)
    latency = measure_latency(lambda item: None, ARGUMENTS, Effort(0, 0.0, 10, 0.0))
    assert (latency.p50_us, latency.p90_us, latency.p99_us) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("collecting", [True, False])
def test_the_garbage_collector_is_off_while_timing_and_as_before_afterwards(collecting: bool) -> None:
    before = gc.isenabled()
    states: list[bool] = []
    try:
        (gc.enable if collecting else gc.disable)()
        measure_latency(lambda item: states.append(gc.isenabled()), ARGUMENTS, Effort(1, 0.0, 3, 0.0))
        assert states == [False] * 4
        assert gc.isenabled() == collecting
    finally:
        (gc.enable if before else gc.disable)()


def test_the_garbage_collector_is_back_after_a_failure() -> None:
    def fail(item: NDArray[np.int64]) -> None:
        raise RuntimeError("broken")

    assert gc.isenabled()
    with pytest.raises(RuntimeError):
        measure_latency(fail, ARGUMENTS, Effort(1, 0.0, 3, 0.0))
    assert gc.isenabled()
