"""Marks that are no digit, for training: every kind is drawn, by chance and the same for the same seed."""

import re

import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec_edge import mnist
from digitrec_edge.training import strokes
from digitrec_edge.training.hands import HANDS
from digitrec_edge.training.letters import curve, write_letter
from digitrec_edge.training.marks import KINDS, Kind, make_marks
from digitrec_edge.training.strokes import draw

pytestmark = pytest.mark.desktop


@pytest.fixture(scope="module")
def digits() -> mnist.Digits:
    found = mnist.load("test")
    return mnist.Digits(found.images[:2000], found.labels[:2000])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_draws_what_it_is_asked_for(kind: Kind, digits: mnist.Digits) -> None:
    for count in (0, 1, 203):
        images = kind.make(count, digits, np.random.default_rng(3))
        assert images.shape == (count, 28, 28)
        assert images.dtype == np.uint8
    assert images.max(axis=(1, 2)).min() > 20
    assert len({image.tobytes() for image in images}) > 150
    assert np.array_equal(images, kind.make(203, digits, np.random.default_rng(3)))


def test_marks_are_made_of_whatever_digits_there_are(digits: mnist.Digits) -> None:
    for labels in ([0, 1, 6, 8], [0, 8]):
        chosen = np.isin(digits.labels, labels)
        some = mnist.Digits(digits.images[chosen], digits.labels[chosen])
        assert make_marks(500, some, np.random.default_rng(0)).shape == (500, 28, 28)


def test_marks_are_of_all_kinds_in_a_random_order(digits: mnist.Digits) -> None:
    one, again, other = (make_marks(1000, digits, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert one.shape == (1000, 28, 28)
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert sum(kind.share for kind in KINDS) == pytest.approx(1)
    halves = [(half.mean(axis=(1, 2)) > 60).mean() for half in (one[:500], one[500:])]  # textures are full of ink
    assert min(halves) > 0


def test_strokes_are_drawn_in_mnists_form(digits: mnist.Digits) -> None:
    images = KINDS[0].make(400, digits, np.random.default_rng(0)).astype(float)
    places = np.arange(28)
    centre = np.stack([images.sum(2) @ places, images.sum(1) @ places]) / images.sum((1, 2))
    assert np.abs(centre - 14).max() < 1.1
    high, wide = ((images.max(axis=axis) > 100).sum(axis=1) for axis in (2, 1))
    assert np.percentile(np.maximum(high, wide), 5) >= 17
    assert np.maximum(high, wide).max() <= 21


def test_letters_that_are_written_like_digits_are_not_among_them() -> None:
    assert not set("OoIilSsZzqgB0123456789") & set(HANDS)


def test_every_hand_is_points_on_the_grid_and_there_is_none_twice() -> None:
    for hands in HANDS.values():
        assert len(hands) == len(set(hands))
        assert all(re.fullmatch(r"-?[0-9]{2}( [0-9]{2})+(\|-?[0-9]{2}( [0-9]{2})+)*", hand) for hand in hands)
    assert sum(map(len, HANDS.values())) > 400
    assert min(len(hands) for letter, hands in HANDS.items() if letter.isalpha()) >= 6


def test_a_letter_is_written_otherwise_each_time() -> None:
    letters = [write_letter(np.random.default_rng(seed)) for seed in range(400)]
    assert all(len(stroke) >= 2 and stroke.shape[1] == 2 for letter in letters for stroke in letter)
    points = [np.concatenate(letter) for letter in letters]
    shapes = np.array([np.ptp(found[:, 0]) / np.ptp(found[:, 1]) for found in points])
    assert np.percentile(shapes, 5) < 0.5 < 1.2 < np.percentile(shapes, 95)  # narrow and wide ones
    assert len({found.tobytes() for found in points}) == len(letters)


def test_a_curve_goes_through_its_points() -> None:
    points: NDArray[np.float64] = np.random.default_rng(0).uniform(-1, 1, (5, 2))
    line = curve(points)
    assert np.allclose(line[::6], points)
    assert len(line) == 4 * 6 + 1


def test_a_curve_through_equal_steps_on_a_line_goes_in_equal_steps() -> None:
    along = np.arange(5.0)
    line = curve(np.stack([along, 2 * along], axis=1))
    assert np.allclose(np.diff(line[6:19], axis=0), [1 / 6, 2 / 6])


def test_marks_are_the_same_however_many_a_thread_draws_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    letters = [write_letter(np.random.default_rng(seed)) for seed in range(20)]
    whole = draw(letters, 4, np.random.default_rng(0))
    monkeypatch.setattr(strokes, "_AT_A_TIME", 7)
    assert np.array_equal(draw(letters, 4, np.random.default_rng(0)), whole)
