"""Distortions: the same for the same seed, anew for another, each strength does what its name says."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec_edge import mnist
from digitrec_edge.training.recipes import Distortion

pytestmark = pytest.mark.desktop
NONE = Distortion(*[(0.0, 0.0)] * 10)


@pytest.fixture(scope="module")
def images() -> NDArray[np.uint8]:
    return mnist.load("test").images[:300]


def distorted(images: NDArray[np.uint8], seed: int = 0, **strengths: float) -> NDArray[np.uint8]:
    from digitrec_edge.training.augmentation import distort

    ranges = {name: (value, value) for name, value in strengths.items()}
    return distort(images, dataclasses.replace(NONE, **ranges), 0.5, np.random.default_rng(seed))


def test_no_strength_changes_nothing(images: NDArray[np.uint8]) -> None:
    assert np.array_equal(distorted(images), images)


def test_the_same_seed_gives_the_same_images_and_another_gives_others(images: NDArray[np.uint8]) -> None:
    one, again, other = (distorted(images, seed, shift_px=3, noise=0.3, elastic_px=1) for seed in (0, 0, 1))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_a_shift_moves_the_centre_of_mass_by_no_more(images: NDArray[np.uint8]) -> None:
    def centre(batch: NDArray[np.uint8]) -> NDArray[np.float64]:
        places = np.arange(28)
        ink = batch.astype(np.float64)
        return np.stack([ink.sum(2) @ places, ink.sum(1) @ places]) / ink.sum((1, 2))

    moved = np.abs(centre(distorted(images, shift_px=3)) - centre(images))
    assert 2.5 < moved.max() < 3.1
    assert moved.mean() == pytest.approx(1.5, abs=0.2)


def test_contrast_fades_and_background_lightens(images: NDArray[np.uint8]) -> None:
    faded = distorted(images, contrast=0.5).max(axis=(1, 2)) / images.max(axis=(1, 2))
    assert 0.49 < faded.min() < 0.55
    assert faded.max() > 0.95
    corner = distorted(images, background=0.2)[:, 0, 0]
    assert corner.max() in (50, 51)
    assert (corner == 0).mean() == pytest.approx(0.5, abs=0.1)


def test_noise_is_mostly_weak_and_never_leaves_the_range() -> None:
    grey = np.full((2000, 28, 28), 128, np.uint8)
    spread = distorted(grey, noise=0.3).std(axis=(1, 2)) / 255
    assert spread.max() < 0.31
    assert np.median(spread) == pytest.approx(0.3 * 0.25, abs=0.02)


def test_half_is_thickened_and_half_thinned_when_both_are_certain(images: NDArray[np.uint8]) -> None:
    change = distorted(images, thickness=0.5).astype(int) - images
    grown, shrunk = change.min(axis=(1, 2)) >= 0, change.max(axis=(1, 2)) <= 0
    assert (grown | shrunk).all()
    assert grown.mean() == pytest.approx(0.5, abs=0.1)


def test_an_elastic_field_has_the_stated_standard_deviation() -> None:
    from digitrec_edge.training.augmentation import _fields

    fields = _fields(1.5, np.random.default_rng(0), np.empty((2000, 2, 28, 28), np.float32))
    assert fields.std() == pytest.approx(1.5, rel=0.05)
    neighbours = np.abs(np.diff(fields, axis=3)).mean()
    assert neighbours < 0.3


def test_without_numba_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, images: NDArray[np.uint8]) -> None:
    import sys

    from digitrec_edge.errors import NotInstalledError
    from digitrec_edge.training import augmentation as distortion

    monkeypatch.setitem(sys.modules, "numba", None)
    distortion._compiled.cache_clear()
    try:
        with pytest.raises(NotInstalledError, match=r"-m pip install 'tensorflow>="):
            distorted(images)
    finally:
        distortion._compiled.cache_clear()
