"""benchmarks.measure.latency: honest timings.

The clock is a made-up one where a figure must be exact; else the harness is compared with the truth in the same run.
"""

import gc
import statistics
import time
from pathlib import Path

import pytest

from benchmarks.measure import latency
from benchmarks.measure.latency import BLOCKS, EFFORTS, Effort, describe_timer, measure_latency, time_calls, undisturbed
from benchmarks.results.statistics import samples_needed, summarise
from digitrec_edge import pretrained

BRIEF = Effort("brief", 1, warmup_calls=2, warmup_ms=0, calls=20, measure_ms=0, cold_starts=0)


def test_a_runtime_with_a_known_sleep_is_measured_within_five_percent() -> None:
    slept: list[int] = []

    def sleeps() -> None:
        start = time.perf_counter_ns()
        time.sleep(0.02)
        slept.append(time.perf_counter_ns() - start)

    timed = measure_latency(sleeps, None, BRIEF)
    measured_us = summarise([timed.samples_ns]).p50_us
    assert measured_us == pytest.approx(statistics.median(slept[2:]) / 1000, rel=0.05)
    assert measured_us >= 20_000
    assert timed.block_calls is None


def test_a_rare_outlier_of_fifty_times_stays_in_p99_and_maximum() -> None:
    calls = 0

    def mostly_fast() -> None:
        nonlocal calls
        calls += 1
        end = time.perf_counter_ns() + (5_000_000 if calls % 50 == 0 else 100_000)
        while time.perf_counter_ns() < end:
            pass

    effort = Effort("brief", 1, warmup_calls=0, warmup_ms=0, calls=400, measure_ms=0, cold_starts=0)
    summary = summarise([measure_latency(mostly_fast, None, effort).samples_ns])
    assert summary.p99_us is not None
    assert summary.p99_us > 20 * summary.p50_us
    assert summary.max_us >= 5000


class _Clock:
    """A clock that moves only when it is read, and when ``call`` says that it worked."""

    def __init__(self, reading_ns: int, call_ns: int) -> None:
        self._now_ns, self._reading_ns, self._call_ns = 0, reading_ns, call_ns

    def perf_counter_ns(self) -> int:
        self._now_ns += self._reading_ns
        return self._now_ns

    def call(self, argument: object = None) -> None:
        self._now_ns += self._call_ns


@pytest.mark.parametrize("arguments", [None, [1, 2, 3]])
def test_a_sample_is_the_call_and_the_clock_and_a_block_is_the_calls_alone(
    arguments: list[int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = _Clock(reading_ns=100, call_ns=5_000)
    monkeypatch.setattr(latency, "time", clock)
    timed = measure_latency(clock.call, arguments, BRIEF)
    assert set(timed.samples_ns) == {5_100}
    assert timed.block_calls == 197  # a millisecond of them
    assert timed.block_us == pytest.approx([5.0 + 0.1 / 197] * BLOCKS)


def test_short_calls_are_timed_in_blocks_too() -> None:
    timed = measure_latency(lambda: None, None, BRIEF)
    assert timed.block_calls is not None
    assert timed.block_calls > 1
    assert len(timed.block_us) == BLOCKS


def test_blocks_get_the_arguments_too() -> None:
    seen: list[int] = []
    timed = measure_latency(seen.append, [1, 2, 3], BRIEF)
    assert timed.block_calls
    assert set(seen) == {1, 2, 3}
    assert len(seen) >= 22 + BLOCKS * timed.block_calls


def test_there_are_at_least_so_many_calls_and_at_least_so_long() -> None:
    assert len(time_calls(lambda: None, None, 17, 0)) >= 17
    start = time.perf_counter()
    assert len(time_calls(lambda value: None, [0], 1, 30)) > 1
    assert time.perf_counter() - start >= 0.03


def test_each_call_gets_the_next_argument() -> None:
    seen: list[int] = []
    time_calls(seen.append, [1, 2, 3], 7, 0)
    assert seen == [1, 2, 3, 1, 2, 3, 1]


def test_warm_up_calls_are_not_among_the_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, calls = _Clock(reading_ns=100, call_ns=5_000), 0
    monkeypatch.setattr(latency, "time", clock)

    def slow_at_first() -> None:
        nonlocal calls
        calls += 1
        for _ in range(10 if calls <= BRIEF.warmup_calls else 1):
            clock.call()

    assert set(measure_latency(slow_at_first, None, BRIEF).samples_ns) == {5_100}


def test_the_garbage_collector_is_off_while_timing_and_back_on_afterwards() -> None:
    states: list[bool] = []
    measure_latency(lambda: states.append(gc.isenabled()), None, BRIEF)
    assert not any(states)
    assert gc.isenabled()
    with pytest.raises(RuntimeError, match="out"), undisturbed():
        raise RuntimeError("out")
    assert gc.isenabled()


def test_a_garbage_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with undisturbed():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_clock_knows_its_own_cost() -> None:
    timer = describe_timer()
    assert 0 < timer.cost_ns < 1_000_000
    assert timer.resolution_ns > 0


def test_every_effort_supports_a_99th_percentile() -> None:
    for effort in EFFORTS.values():
        assert effort.rounds * effort.calls >= samples_needed(99)
        assert effort.cold_starts <= effort.rounds


def test_the_pretrained_artifact_is_there() -> None:
    assert Path(pretrained.DEFAULT).exists()
