"""The fifteen corruptions are what their rules say, the same for the same seed, and leave digits to be read."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.quality import corruptions
from benchmarks.quality.corruptions import BLOCK, CORRUPTIONS, Corruption
from benchmarks.quality.robustness import rotate
from digitrec_edge import mnist
from tests.conftest import sources_of

BY_NAME = {corruption.name: corruption for corruption in CORRUPTIONS}
MEAN_PIXELS = {
    "shot noise": 26.86, "impulse noise": 50.30, "glass blur": 30.95, "motion blur": 30.90, "shear": 30.91,
    "scale": 11.14, "rotate": 30.92, "brightness": 123.83, "translate": 30.78, "stripe": 46.48, "fog": 90.39,
    "spatter": 37.65, "dotted line": 33.60, "zigzag": 45.18, "canny edges": 27.95,
}  # fmt: skip
IN_PLACE = set(BY_NAME) - {"shear", "scale", "rotate", "translate", "stripe", "canny edges"}
"""What leaves a digit's strokes where they are."""


@pytest.fixture(scope="module")
def images() -> NDArray[np.uint8]:
    return mnist.load("test").images[: BLOCK + 100]


def grey(level: int, count: int = 200) -> NDArray[np.uint8]:
    return np.full((count, 28, 28), level, np.uint8)


def make(name: str, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return BY_NAME[name].make(images)


def test_there_are_fifteen_and_every_strength_is_in_a_rule() -> None:
    assert len(BY_NAME) == len(CORRUPTIONS) == 15
    drawn = {"brightness": "0.4", "rotate": "30 degrees", "stripe": "4 columns", "spatter": "3%", "zigzag": "6 times"}
    for name, strength in drawn.items():
        assert strength in BY_NAME[name].rule


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda c: c.name)
def test_each_keeps_shape_and_type_and_is_the_same_for_the_same_seed(
    corruption: Corruption, images: NDArray[np.uint8]
) -> None:
    before = images.copy()
    changed = corruption.make(images)
    assert changed.shape == images.shape
    assert changed.dtype == np.uint8
    assert np.array_equal(images, before)
    assert (changed != images).any(axis=(1, 2)).all()
    assert np.array_equal(changed, corruption.make(images))
    assert np.array_equal(changed[:50], corruption.make(images[:BLOCK])[:50])
    by_chance = corruption.name not in ("scale", "brightness", "stripe", "canny edges")
    assert np.array_equal(changed, corruption.make(images, seed=1)) != by_chance


@pytest.mark.parametrize("name", BY_NAME)
def test_each_is_as_strong_as_when_its_figures_were_measured(name: str, images: NDArray[np.uint8]) -> None:
    assert make(name, images).mean() == pytest.approx(MEAN_PIXELS[name], abs=0.3)


@pytest.mark.parametrize("name", sorted(IN_PLACE))
def test_strokes_still_stand_out(name: str, images: NDArray[np.uint8]) -> None:
    """On every picture strokes are lighter than paper by an eighth of the range, on nearly every one by a quarter."""
    changed = make(name, images) / 255
    contrast = [now[was > 127].mean() - now[was == 0].mean() for now, was in zip(changed, images, strict=True)]
    assert min(contrast) > 0.125
    assert np.mean(np.array(contrast) > 0.25) > 0.98


@pytest.mark.parametrize(("name", "least"), [("shear", 0.95), ("rotate", 0.95), ("translate", 0.95), ("scale", 0.33)])
def test_what_moves_stays_in_the_picture(name: str, least: float, images: NDArray[np.uint8]) -> None:
    ink = images.sum(axis=(1, 2), dtype=np.int64)
    kept = make(name, images).sum(axis=(1, 2), dtype=np.int64) / ink
    assert np.quantile(kept, 0.05) > least
    assert kept.max() < 1.05


def test_shot_noise_scatters_as_light_does() -> None:
    noisy = make("shot noise", grey(51)) / 51
    assert noisy.mean() == pytest.approx(1, abs=0.02)
    assert noisy.std() == pytest.approx(1 / np.sqrt(0.2 * 5), abs=0.02)
    assert not make("shot noise", grey(0)).any()


def test_impulse_noise_is_as_often_black_as_white() -> None:
    noisy = make("impulse noise", grey(100))
    assert (noisy == 0).mean() == pytest.approx(0.1, abs=0.005)
    assert (noisy == 255).mean() == pytest.approx(0.1, abs=0.005)
    assert ((noisy == 100) | (noisy == 0) | (noisy == 255)).all()


def test_motion_blur_draws_a_dot_to_a_line_of_its_length() -> None:
    dots = grey(0)
    dots[:, 14, 14] = 255
    moved = make("motion blur", dots).astype(float)
    assert moved.sum(axis=(1, 2)) == pytest.approx(255, rel=0.02)
    down, right = np.mgrid[:28, :28] - 14
    spread = np.sqrt((moved * (down**2 + right**2)).sum(axis=(1, 2)) / moved.sum(axis=(1, 2)))
    assert spread == pytest.approx(2, abs=0.15)  # seven points from -3 to 3


def test_geometry_is_that_of_the_rules(images: NDArray[np.uint8]) -> None:
    either = np.stack([rotate(images, angle) for angle in (30, -30)]).astype(int)
    assert (np.abs(either - make("rotate", images)).max(axis=(2, 3)).min(axis=0) <= 1).all()
    padded = np.pad(images, ((0, 0), (3, 3), (3, 3)))
    corners = np.stack([padded[:, y : y + 28, x : x + 28] for y in (0, 6) for x in (0, 6)])
    assert (corners == make("translate", images)).all(axis=(2, 3)).any(axis=0).all()
    bars = grey(0)
    bars[:, :, 13:15] = 255
    middle = (make("shear", bars) * np.arange(28)).sum(axis=2) / make("shear", bars).sum(axis=2)
    assert np.abs(middle[:, 20] - middle[:, 10]) == pytest.approx(5, abs=0.1)
    square = grey(0)
    square[:, 4:24, 4:24] = 255
    assert (make("scale", square) > 127).sum(axis=(1, 2)) == pytest.approx(12**2, abs=1)


def test_light_is_added_and_a_stripe_inverted(images: NDArray[np.uint8]) -> None:
    assert np.array_equal(make("brightness", images), np.minimum(images.astype(int) + 102, 255))
    striped = make("stripe", images)
    assert np.array_equal(striped[:, :, 12:16], 255 - images[:, :, 12:16])
    assert np.array_equal(make("stripe", striped), images)
    fog = make("fog", grey(0))
    assert (fog.min(axis=(1, 2)) == 0).all()
    assert np.isin(fog.max(axis=(1, 2)), (127, 128)).all()
    assert (make("fog", images) >= images).all()


def test_what_is_drawn_is_white_and_takes_its_share(images: NDArray[np.uint8]) -> None:
    for name in ("spatter", "dotted line", "zigzag"):
        assert (make(name, images) >= images).all()
    assert (make("spatter", grey(0)) == 255).mean() == pytest.approx(0.03, abs=0.002)
    assert make("dotted line", grey(0)).sum(axis=(1, 2)).mean() / 255 == pytest.approx(10, abs=1.5)
    line = make("zigzag", grey(0))
    assert (line > 64).any(axis=1)[:, 1:-1].mean() > 0.95


def test_edges_of_a_square_are_its_outline_and_paper_has_none() -> None:
    square = grey(0, 1)
    square[:, 8:20, 8:20] = 255
    (edges,) = make("canny edges", square) == 255
    assert 38 <= edges.sum() <= 48
    assert not edges[10:18, 10:18].any()
    assert not edges[:6].any()
    assert not make("canny edges", grey(90, 1))[:, 2:-2, 2:-2].any()


def test_weak_edges_stay_where_they_join_strong_ones() -> None:
    lines = grey(0, 1)
    lines[0, 13:15, 2:14], lines[0, 13:15, 14:26] = 255, 150
    alone = grey(0, 1)
    alone[0, 13:15, 14:26] = 150
    assert make("canny edges", lines)[0, :, 18:24].any()
    assert not make("canny edges", alone).any()


def test_a_corruption_that_leaves_the_range_is_clipped() -> None:
    wild = dataclasses.replace(CORRUPTIONS[0], change=lambda images, chance: images * 3 - 1)
    assert set(np.unique(wild.make(np.array([[[0, 255], [255, 0]]], np.uint8)))) == {0, 255}
    assert corruptions.SEED == 0


@pytest.mark.checkout
def test_training_does_not_reach_them() -> None:
    path = Path(corruptions.__file__)
    assert path in sources_of("benchmarks.quality.corrupted")
    assert path not in sources_of("digitrec_edge.training.run", "digitrec_edge.training.history")
