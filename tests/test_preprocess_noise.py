"""Noise is measured and averaged away; noise alone stays nothing."""

import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec_edge.preprocess.noise import calm, is_noisy, noise_of, noise_of_pixels


def dark(ink: float, sigma: float) -> NDArray[np.uint8]:
    page = np.full((480, 640), 50.0)
    page[150:330, 300:330] = ink
    return np.clip(page + np.random.default_rng(0).normal(0, sigma, page.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("sigma", [2.0, 5.0, 9.0])
def test_noise_is_measured_beside_ink(sigma: float) -> None:
    assert noise_of(dark(20, sigma).astype(np.float32)) == pytest.approx(sigma, rel=0.15)


@pytest.mark.parametrize("width", [96, 131, 640])
@pytest.mark.parametrize("sigma", [0.0, 0.6, 5.0, 200.0])
def test_noise_of_pixels_that_are_counted_is_the_same(sigma: float, width: int) -> None:
    page = dark(20, sigma)[:, :width]
    assert noise_of_pixels(page) == noise_of(page.astype(np.float32))


def test_ink_in_noise_is_stretched() -> None:
    assert is_noisy(dark(20, 9))
    found = calm(dark(20, 9))
    assert found is not None
    assert found.reduction >= 3
    ink, paper = np.percentile(found.grey, (1, 60))
    assert paper - ink > 100


def test_noise_alone_is_nothing() -> None:
    assert calm(dark(50, 9)) is None


def test_a_clear_picture_is_not_noisy() -> None:
    assert not is_noisy(dark(0, 1))
