"""Digits upside down and on their side are told; upright ones, and those that look alike, are left alone."""

import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec_edge import mnist
from digitrec_edge.preprocess import Digit, decode, read_stages
from digitrec_edge.preprocess.components import Box
from digitrec_edge.preprocess.turned import Turn, find_turn, is_doubtful
from runtimes import Model
from tests import photographs
from tests.pictures import recognise_with

SEED = 9_300


def turn_of(grey: NDArray[np.uint8], model: Model) -> Turn | None:
    digit = read_stages(grey).single()
    answer = model.predict(digit.image)
    if not is_doubtful([answer.probabilities], [answer.accepted]):
        return None
    return find_turn([digit], [answer.scores], recognise_with(model))


def pages(digits: mnist.Digits, label: int) -> list[NDArray[np.uint8]]:
    places = np.flatnonzero(digits.labels == label)[:10]
    return [decode(photographs.make(digits.images, int(k), SEED, 0.4), "photograph") for k in places]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_most_fours_that_are_turned_are_told_the_way_back(
    degrees: int, mnist_test: mnist.Digits, pretrained_model: Model
) -> None:
    turned = [np.ascontiguousarray(np.rot90(page, degrees // 90)) for page in pages(mnist_test, 4)]
    assert sum(turn_of(page, pretrained_model) == Turn(degrees, (4,)) for page in turned) >= 6


def test_upright_digits_are_left_alone(mnist_test: mnist.Digits, pretrained_model: Model) -> None:
    for label in (2, 6, 7, 9):
        assert not any(turn_of(page, pretrained_model) for page in pages(mnist_test, label))


def test_most_of_what_is_the_same_upside_down_is_left_alone(mnist_test: mnist.Digits, pretrained_model: Model) -> None:
    turned = [np.ascontiguousarray(page[::-1, ::-1]) for label in (0, 1, 8) for page in pages(mnist_test, label)]
    assert sum(turn_of(page, pretrained_model) is not None for page in turned) <= 4


def digit_of(strength: NDArray[np.float32] | None) -> Digit:
    return Digit(Box(0, 0, 28, 28), np.zeros((28, 28), np.uint8), strength)


def recognise_upright_bars(images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    upright = np.array([(image > 128).any(axis=0).sum() < (image > 128).any(axis=1).sum() for image in images])
    return np.tile(np.eye(10, dtype=np.float32)[1], (len(images), 1)), np.where(upright, 10, 0).astype(np.float32)


@pytest.mark.parametrize(("score", "told"), [(0.0, True), (5.0, False)])
def test_the_turned_digit_must_be_far_surer(score: float, told: bool) -> None:
    level = np.ones((8, 40), np.float32)
    turn = find_turn([digit_of(level)], [score], recognise_upright_bars)
    assert (turn is not None) == told


def test_all_digits_are_turned_alike() -> None:
    level = np.ones((8, 40), np.float32)
    assert (
        find_turn([digit_of(level), digit_of(np.ascontiguousarray(level.T))], [0.0, 10.0], recognise_upright_bars)
        is None
    )


def test_a_digit_without_its_strength_is_not_turned() -> None:
    assert find_turn([digit_of(None)], [0.0], recognise_upright_bars) is None


def test_half_of_the_digits_must_be_doubtful() -> None:
    sure, unsure = np.eye(10, dtype=np.float32)[3], np.full(10, 0.1, np.float32)
    assert not is_doubtful([sure, sure, unsure], [True, True, True])
    assert is_doubtful([sure, unsure], [True, True])
    assert is_doubtful([sure], [False])
    assert not is_doubtful([], [])
