"""Epochs are made ahead: each by its number alone, with marks beside the digits, and in memory that is used again."""

import dataclasses

import numpy as np
import pytest

from digitrec_edge import mnist
from digitrec_edge.training.ahead import ReadyEpoch, epochs_ahead
from digitrec_edge.training.checkpoint import TrainingRun
from digitrec_edge.training.loop import NO_DIGIT, examples, room_for
from digitrec_edge.training.recipes import RECIPES

pytestmark = pytest.mark.desktop
DIGITS = mnist.Digits(mnist.load("test").images[:100], mnist.load("test").labels[:100])


def made(recipe: str, first: int) -> list[ReadyEpoch]:
    run = TrainingRun(dataclasses.replace(RECIPES[recipe], epochs=3, batch_size=10), 0, "0" * 64)
    return list(epochs_ahead(DIGITS, run, first))


def test_an_epoch_is_the_same_wherever_a_run_begins() -> None:
    whole, resumed = made("standard", 1), made("standard", 3)
    assert [epoch.number for epoch in whole] == [1, 2, 3]
    (last,) = resumed
    assert np.array_equal(last.digits.images, whole[2].digits.images)
    assert np.array_equal(last.order, whole[2].order)
    assert not np.array_equal(whole[1].digits.images, whole[2].digits.images)
    assert made("standard", 4) == []


def test_epochs_of_the_same_strengths_are_distorted_otherwise() -> None:
    distortion = RECIPES["standard"].distortion
    assert distortion
    steady = dataclasses.replace(distortion, **{name: (value, value) for name, value in distortion.at(0.5).items()})
    recipe = dataclasses.replace(RECIPES["standard"], epochs=2, batch_size=10, distortion=steady)
    first, second = epochs_ahead(DIGITS, TrainingRun(recipe, 0, "0" * 64), 1)
    assert (first.digits.images[:100] != second.digits.images[:100]).any(axis=(1, 2)).mean() > 0.9


def test_marks_come_after_the_digits_and_all_are_shown_once() -> None:
    for epoch in made("standard", 1):
        assert epoch.digits.labels[:100].tolist() == DIGITS.labels.tolist()
        assert epoch.digits.labels[100:].tolist() == [NO_DIGIT] * 30
        assert sorted(epoch.order) == list(range(130))


def test_without_distortion_every_epoch_has_the_digits_themselves() -> None:
    assert all(epoch.digits is DIGITS for epoch in made("reference", 1))


@pytest.mark.parametrize("images", [1, 7, 120, 1000])
def test_memory_is_placed_as_tensorflow_needs_it(images: int) -> None:
    assert room_for(images).ctypes.data % 64 == 0
    assert room_for(images).shape == (images, 28, 28)


def test_memory_is_filled_again_and_read_where_it_lies() -> None:
    room = room_for(120)
    first, fresh = examples(DIGITS, room), examples(DIGITS)
    assert np.array_equal(first.pixels, fresh.pixels)
    assert np.array_equal(first.pixels, DIGITS.images.astype(np.float32) / np.float32(255))
    other = mnist.Digits(DIGITS.images[::-1].copy(), DIGITS.labels)
    examples(other, room)
    assert np.array_equal(first.pixels, fresh.pixels[::-1]), "it was copied"
