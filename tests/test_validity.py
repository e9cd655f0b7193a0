"""benchmarks.results.validity: what may not be relied on is marked, with the reason."""

from collections.abc import Callable

import pytest

from benchmarks.measure.environment import Condition
from benchmarks.results.statistics import Summary
from benchmarks.results.validity import NOISE, Judgement, judge

Make = Callable[..., Summary]


def at(throttled: int | None) -> Condition:
    return Condition(0.0, None, None, None, throttled)


def test_a_quiet_case_is_ok(make_summary: Make) -> None:
    assert judge("", "", make_summary(5.0), make_summary(9.0), (at(None), at(None))) == Judgement("ok")


def test_a_noisy_end_to_end_is_invalid_and_says_how_much(make_summary: Make) -> None:
    judged = judge("", "", make_summary(5.0), make_summary(20.0, NOISE.max_noise * 1.5), (at(None),))
    assert (judged.status, judged.unreliable) == ("invalid", ("end_to_end",))
    (reason,) = judged.reasons
    assert "end to end is 20.0 us [17.0, 23.0], +-15.0% (at most 10%)" in reason


def test_a_noisy_invoke_is_marked_alone_and_hides_no_end_to_end(make_summary: Make) -> None:
    judged = judge("", "", make_summary(20.0, NOISE.max_noise * 1.5), make_summary(9.0), (at(None),))
    assert (judged.status, judged.unreliable) == ("ok", ("invoke",))
    (reason,) = judged.reasons
    assert "invoke is 20.0 us [17.0, 23.0], +-15.0% (at most 10%)" in reason


def test_noise_at_the_bound_is_let_pass(make_summary: Make) -> None:
    assert judge("", "", make_summary(5.0, 0.0999), make_summary(9.0, 0.0999), (at(None),)) == Judgement("ok")


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [(0, 0x1, "under-voltage"), (0, 0x20000, "frequency capped"), (0x4, 0, "throttled"), (0, 0x80000, "temperature")],
)
def test_a_run_that_throttled_is_invalid_in_everything(make_summary: Make, before: int, after: int, word: str) -> None:
    judged = judge("", "", make_summary(5.0), make_summary(9.0), (at(before), at(after)))
    assert (judged.status, judged.unreliable) == ("invalid", ("invoke", "end_to_end"))
    assert word in judged.reasons[0]
    assert f"{after:#x}" in judged.reasons[0]


def test_throttling_long_before_the_run_does_not_count(make_summary: Make) -> None:
    judged = judge("", "", make_summary(5.0), make_summary(9.0), (at(0x50000), at(0x50000)))
    assert judged == Judgement("ok")


def test_a_failure_and_an_interruption_are_told_apart() -> None:
    assert judge("", "it died", None, None, ()) == Judgement("failed", (), ("it died",))
    assert judge("", "", None, None, ()).status == "skipped"


def test_what_cannot_run_here_is_no_failure() -> None:
    judged = judge("litert is not installed", "", None, None, ())
    assert judged == Judgement("unsupported", (), ("litert is not installed",))
