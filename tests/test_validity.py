"""benchmarks.results.validity: what may not be relied on is marked, with the reason."""

from collections.abc import Callable

import pytest

from benchmarks.measure.environment import Condition
from benchmarks.results.statistics import Summary
from benchmarks.results.validity import NOISE, judge

Make = Callable[..., Summary]


def at(throttled: int | None) -> Condition:
    return Condition(0.0, None, None, None, throttled)


def test_a_quiet_case_is_ok(make_summary: Make) -> None:
    assert judge("", "", make_summary(5.0), make_summary(9.0), (at(None), at(None))) == ("ok", ())


@pytest.mark.parametrize("noisy", [0, 1])
def test_noise_over_the_bound_is_invalid_and_says_how_much(make_summary: Make, noisy: int) -> None:
    summaries = [make_summary(5.0), make_summary(9.0)]
    summaries[noisy] = make_summary(20.0, NOISE.max_noise * 1.5)
    status, reasons = judge("", "", summaries[0], summaries[1], (at(None),))
    assert status == "invalid"
    (reason,) = reasons
    assert ("invoke" if noisy == 0 else "end to end") in reason
    assert "20.0 us [17.0, 23.0], +-15.0% (at most 10%)" in reason


def test_noise_at_the_bound_is_let_pass(make_summary: Make) -> None:
    assert judge("", "", make_summary(5.0, 0.0999), make_summary(9.0), (at(None),))[0] == "ok"


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [(0, 0x1, "under-voltage"), (0, 0x20000, "frequency capped"), (0x4, 0, "throttled"), (0, 0x80000, "temperature")],
)
def test_a_run_that_throttled_is_invalid(make_summary: Make, before: int, after: int, word: str) -> None:
    status, reasons = judge("", "", make_summary(5.0), make_summary(9.0), (at(before), at(after)))
    assert status == "invalid"
    assert word in reasons[0]
    assert f"{after:#x}" in reasons[0]


def test_throttling_long_before_the_run_does_not_count(make_summary: Make) -> None:
    assert judge("", "", make_summary(5.0), make_summary(9.0), (at(0x50000), at(0x50000)))[0] == "ok"


def test_a_failure_and_an_interruption_are_told_apart(make_summary: Make) -> None:
    assert judge("", "it died", None, None, ()) == ("failed", ("it died",))
    assert judge("", "", None, None, ())[0] == "skipped"


def test_what_cannot_run_here_is_no_failure() -> None:
    assert judge("litert is not installed", "", None, None, ()) == ("unsupported", ("litert is not installed",))
