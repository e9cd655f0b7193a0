"""benchmarks.measure.latency: honest timings.

What is compared here is the harness with the truth in one and the same run, never with a fixed speed.
"""

import gc
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.measure.latency import BLOCKS, EFFORTS, Effort, describe_timer, measure_latency, time_calls, undisturbed
from benchmarks.results.statistics import samples_needed, summarise
from digitrec_edge import mnist, pretrained

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


def test_a_hand_written_loop_and_the_harness_agree_within_ten_percent() -> None:
    from runtimes import load

    images = list(mnist.load("test").images[:100])
    effort = Effort("brief", 1, warmup_calls=10, warmup_ms=0, calls=300, measure_ms=0, cold_starts=0)
    cost_us = describe_timer().cost_ns / 1000
    ratios = []
    gc.freeze()  # the harness collects garbage, and this process is full of what other tests left
    with load(pretrained.DEFAULT) as model:
        before_us = _by_hand(model.classify, images, loops=10)
        for _ in range(60):
            timed = measure_latency(model.classify, images, effort)
            after_us = _by_hand(model.classify, images, loops=10)
            single_us = float(np.median(timed.samples_ns)) / 1000 - cost_us
            by_hand_us = (before_us + after_us) / 2
            ratios.append((single_us / by_hand_us, statistics.median(timed.block_us) / by_hand_us))
            before_us = after_us
    gc.unfreeze()
    single, blocks = (statistics.median(column) for column in zip(*ratios, strict=True))
    assert single == pytest.approx(1.0, rel=0.1)
    assert blocks == pytest.approx(1.0, rel=0.1)


def _by_hand(call: Callable[[Any], object], items: list[Any], loops: int) -> float:
    """What one would write without a harness: microseconds per call, of the typical loop.

    A loop is kept under a millisecond, so that on a busy machine most loops are not cut by the scheduler.
    """
    per_call = []
    for _ in range(loops):
        start = time.perf_counter_ns()
        for item in items:
            call(item)
        per_call.append((time.perf_counter_ns() - start) / 1000 / len(items))
    return statistics.median(per_call)


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


def test_warm_up_calls_are_not_among_the_samples() -> None:
    calls = 0

    def slow_at_first() -> None:
        nonlocal calls
        calls += 1
        time.sleep(0.05 if calls <= 2 else 0.002)

    assert measure_latency(slow_at_first, None, BRIEF).samples_ns.max() < 50_000_000


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
