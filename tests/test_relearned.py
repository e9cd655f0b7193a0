"""The gate of a model that learnt: better on held-out corrections, and nothing forgotten."""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.quality.relearned import GUARDS, NONE, Answerer, Held, Learnt, Relearned, Remembered, judge
from digitrec_edge import mnist, pretrained
from digitrec_edge.errors import BenchmarkError
from digitrec_edge.mnist import Digits
from runtimes import load

HELD_OUT = 40


@pytest.fixture(scope="module")
def good() -> Iterator[Answerer]:
    with load(pretrained.DEFAULT) as model:
        yield Answerer(model.logits, float(model.threshold))


@pytest.fixture(scope="module")
def test_set() -> Digits:
    digits = mnist.load("test")
    return Digits(digits.images[:300], digits.labels[:300])


def confused(reader: Answerer) -> Answerer:
    """Return one that calls every digit by the next one's name."""

    def logits(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.roll(reader.logits(images), 1, axis=1)

    return dataclasses.replace(reader, logits=logits)


def corrections() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    digits = mnist.load("test")
    return digits.images[1000 : 1000 + HELD_OUT], digits.labels[1000 : 1000 + HELD_OUT].astype(np.int64)


def test_what_reads_corrections_better_and_all_else_as_before_passes(good: Answerer, test_set: Digits) -> None:
    named: list[str] = []
    verdict = judge(
        dataclasses.replace(good, threshold=math.inf), good, *corrections(), test_set, guards=(), on_guard=named.append
    )
    assert (verdict.learnt.before, verdict.learnt.worse) == (0, 0)
    assert verdict.learnt.better == verdict.learnt.after >= HELD_OUT - 3
    verdict.check()
    same = judge(good, good, *corrections(), test_set, on_guard=named.append)
    assert named == [guard.name for guard in GUARDS]
    assert [one.change_pp for one in same.held] == [0] * len(GUARDS)
    assert all(0.5 < one.before <= 1 for one in same.held)


def test_what_is_not_shown_to_be_better_fails(good: Answerer, test_set: Digits) -> None:
    for before, after in ((good, good), (good, confused(good))):
        with pytest.raises(
            BenchmarkError, match=r"the 40 held-out corrections better is not shown: 0 better, .* worse"
        ):
            judge(before, after, *corrections(), test_set, guards=()).check()


def test_a_few_better_ones_may_be_chance() -> None:
    assert not Learnt(25, before=20, after=25, better=5, worse=0).passed
    assert Learnt(25, before=19, after=25, better=6, worse=0).passed
    assert not Learnt(25, before=25, after=19, better=0, worse=6).passed


def test_without_held_out_corrections_nothing_is_shown(good: Answerer, test_set: Digits) -> None:
    images, said = corrections()
    with pytest.raises(BenchmarkError, match="no correction is held out.*correct more digits"):
        judge(good, good, images[:0], said[:0], test_set, guards=()).check()


def spoiled(reader: Answerer, guard: Remembered) -> Answerer:
    """Return a reader that is worse in what a guard looks at."""
    thresholds = {"test digits taken for digits, up to 99 %": math.inf, "marks not taken for digits": -math.inf}
    if guard.name in thresholds:
        return dataclasses.replace(reader, threshold=thresholds[guard.name])
    return confused(reader)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_what_has_forgotten_fails_by_name(guard: Remembered, good: Answerer, test_set: Digits) -> None:
    small = Digits(test_set.images[:40], test_set.labels[:40])
    verdict = judge(good, spoiled(good, guard), *corrections(), small, guards=(guard,))
    assert verdict.held[0].change_pp < -guard.tolerance_pp
    passed = dataclasses.replace(verdict, learnt=Learnt(25, before=0, after=25, better=25, worse=0))
    with pytest.raises(
        BenchmarkError, match=rf"^{guard.name}: -[0-9.]+ pp, down to -{guard.tolerance_pp:g} is allowed$"
    ):
        passed.check()


def test_a_tolerance_is_allowed_in_full_and_no_more() -> None:
    guard = Remembered("something", 0.2, "", lambda reader, digits: 0.0)
    assert Held(guard, 0.99, 0.988).passed
    assert not Held(guard, 0.99, 0.9879).passed
    assert not Held(guard, 0.99, math.nan).passed


def test_all_reasons_are_told_at_once() -> None:
    guard = Remembered("something", 0.2, "", lambda reader, digits: 0.0)
    verdict = Relearned(Learnt(25, 20, 20, 1, 1), (Held(guard, 0.99, 0.9), Held(guard, 0.9, 0.9)))
    with pytest.raises(BenchmarkError, match=r"1 better, 1 worse, p 1, .*; something: -9\.00 pp"):
        verdict.check()


def test_no_digit_is_an_answer(good: Answerer) -> None:
    answers = good.answers(np.concatenate([corrections()[0][:5], np.zeros((1, 28, 28), np.uint8)]))
    assert answers.tolist() == [*corrections()[1][:5].tolist(), NONE]


@pytest.mark.checkout
def test_the_documentation_has_every_guard_with_its_tolerance_and_reason() -> None:
    text = (Path(__file__).parents[1] / "docs" / "collecting.md").read_text()
    for guard in GUARDS:
        assert f"| {guard.name} | at most {guard.tolerance_pp:g} pp worse | {guard.reason} |" in text, guard.name
