"""Parity: the figures are right, and every gate fails when it should."""

import dataclasses
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.quality.parity import Parity, check_gate, compare
from digitrec_edge.errors import ArtifactError, ParityError
from digitrec_edge.variants import FLOAT32, VARIANTS, precision

PRECISIONS = sorted({row.precision.name for row in VARIANTS})

GOOD = Parity(images=10_000, accuracy=0.98, reference_accuracy=0.98, agreement=1.0, max_logit_difference=0.0)


def one_hot(digits: list[int]) -> NDArray[np.float32]:
    return np.eye(10, dtype=np.float32)[digits]


def test_compare_gives_each_figure() -> None:
    golden = one_hot([3, 1, 4, 1])
    logits = one_hot([3, 1, 4, 2])
    logits[0, 0] = -2.5
    parity = compare(logits, golden, np.array([3, 1, 4, 1], np.uint8))
    assert parity == Parity(images=4, accuracy=0.75, reference_accuracy=1.0, agreement=0.75, max_logit_difference=2.5)
    assert parity.drop_pp == pytest.approx(25)


def test_agreement_is_with_the_reference_and_not_with_the_truth() -> None:
    wrong_alike = one_hot([9, 9])
    parity = compare(wrong_alike, wrong_alike, np.array([1, 2], np.uint8))
    assert (parity.accuracy, parity.agreement) == (0.0, 1.0)


def test_an_accuracy_that_was_won_is_a_negative_drop() -> None:
    assert dataclasses.replace(GOOD, accuracy=0.99).drop_pp == pytest.approx(-1)


@pytest.mark.parametrize(
    ("logits", "golden", "labels"), [((4, 10), (5, 10), 4), ((4, 10), (4, 10), 5), ((4, 9), (4, 10), 4)]
)
def test_what_does_not_belong_together_is_not_compared(
    logits: tuple[int, int], golden: tuple[int, int], labels: int
) -> None:
    with pytest.raises(ParityError, match="cannot be compared"):
        compare(np.zeros(logits, np.float32), np.zeros(golden, np.float32), np.zeros(labels, np.uint8))


def test_nothing_at_all_is_not_compared() -> None:
    empty = np.zeros((0, 10), np.float32)
    with pytest.raises(ParityError, match="cannot be compared"):
        compare(empty, empty, np.zeros(0, np.uint8))


@pytest.mark.parametrize("variant", PRECISIONS)
def test_every_gate_lets_the_reference_itself_pass_and_says_why_it_is_so_wide(variant: str) -> None:
    check_gate(GOOD, precision(variant))
    assert precision(variant).gate.reason


@pytest.mark.parametrize(
    ("variant", "figures"),
    [
        ("float32", {"max_logit_difference": 1e-4}),
        ("int8", {"agreement": 0.995}),
        ("int8", {"accuracy": 0.9781}),
        ("int8", {"max_logit_difference": 1.5}),
        ("int8", {"accuracy": 0.99}),
    ],
)
def test_a_figure_just_inside_passes(variant: str, figures: dict[str, float]) -> None:
    check_gate(dataclasses.replace(GOOD, **figures), precision(variant))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("variant", "figures", "named"),
    [
        ("float32", {"max_logit_difference": 1.01e-4}, "logit difference"),
        ("float32", {"agreement": 0.9999}, "agreement"),
        ("float32", {"accuracy": 0.9799}, "accuracy drop"),
        ("int8", {"agreement": 0.9949}, "agreement"),
        ("int8", {"accuracy": 0.9779}, "accuracy drop"),
    ],
)
def test_a_figure_just_outside_is_refused_and_named(variant: str, figures: dict[str, float], named: str) -> None:
    with pytest.raises(ParityError, match=f"{variant} parity is lost: {named}"):
        check_gate(dataclasses.replace(GOOD, **figures), precision(variant))  # type: ignore[arg-type]


@pytest.mark.parametrize("variant", PRECISIONS)
@pytest.mark.parametrize("figure", ["accuracy", "reference_accuracy", "agreement", "max_logit_difference"])
def test_a_figure_that_is_no_number_is_refused(variant: str, figure: str) -> None:
    with pytest.raises(ParityError, match="parity is lost"):
        check_gate(dataclasses.replace(GOOD, **{figure: math.nan}), precision(variant))  # type: ignore[arg-type]


@pytest.mark.parametrize("variant", PRECISIONS)
def test_logits_that_are_not_numbers_are_refused(variant: str) -> None:
    golden = one_hot(list(range(10)))
    broken = golden.copy()
    broken[3, 5] = np.nan
    with pytest.raises(ParityError, match="logit difference nan"):
        check_gate(compare(broken, golden, np.arange(10, dtype=np.uint8)), precision(variant))


def test_all_that_is_lost_is_named_at_once() -> None:
    lost = dataclasses.replace(GOOD, accuracy=0.5, agreement=0.5, max_logit_difference=9.0)
    with pytest.raises(ParityError, match=r"agreement.*; accuracy drop.*; logit difference"):
        check_gate(lost, FLOAT32)


def test_a_precision_that_is_not_known_has_no_gate_to_pass() -> None:
    with pytest.raises(ArtifactError, match=r"'float128' is not known .* float32, .*: update digitrec-edge"):
        precision("float128")
