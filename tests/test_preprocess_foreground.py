"""The foreground is found on even and uneven backgrounds, dark on light and light on dark."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec_edge import mnist
from digitrec_edge.preprocess import read_stages, to_digit
from digitrec_edge.preprocess.filters import box_mean
from digitrec_edge.preprocess.foreground import _extremes, find_foreground

DrawPage = Callable[..., NDArray[np.uint8]]


def lit(page: NDArray[np.uint8], shadow: float = 1.0) -> NDArray[np.uint8]:
    """Light from one side, and a shadow over the lower half."""
    height, width = page.shape
    light = np.linspace(1, 0.5, width)[None] * np.where(np.arange(height) > height // 2, shadow, 1.0)[:, None]
    noise = np.random.default_rng(0).normal(0, 2, page.shape)
    return np.clip(page * 0.9 * light + 10 + noise, 0, 255).astype(np.uint8)


def likeness(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return the correlation of two pictures."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def test_a_scan_is_even_and_clean_and_a_photograph_is_not(draw_page: DrawPage, mnist_test: mnist.Digits) -> None:
    clean = draw_page(mnist_test.images[0])
    assert find_foreground(clean).clean
    assert not find_foreground(lit(clean)).even


@pytest.mark.parametrize("shadow", [1.0, 0.7])
def test_uneven_light_leaves_the_digit(draw_page: DrawPage, mnist_test: mnist.Digits, shadow: float) -> None:
    alike = []
    for digit in mnist_test.images[:15]:
        clean = draw_page(digit, 120, [(130, 150)], (300, 400))
        alike.append(likeness(to_digit(clean), to_digit(lit(clean, shadow))))
    assert min(alike) > 0.75  # the centre of mass rounded to another pixel
    assert np.median(alike) > 0.9


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
def test_a_marker_s_stroke_is_not_hollowed_out(share: float) -> None:
    """A 1 as thick as a marker draws it, in uneven light."""
    page = np.full((200, 200), 255, np.uint8)
    length = int(200 * share)
    page[100 - length // 2 : 100 + length // 2, 85:115] = 20
    (found,) = read_stages(lit(page)).digits()
    middle = found.image[8:20]
    inside = middle[:, np.flatnonzero(middle.any(axis=0))[1:-1]]
    assert inside.min() > 150


def test_chalk_on_a_board_is_read_like_a_pen_on_paper(draw_page: DrawPage, mnist_test: mnist.Digits) -> None:
    alike = []
    for digit in mnist_test.images[:15]:
        clean = draw_page(digit, 120, [(130, 150)], (300, 400))
        board = 255 - clean
        dusty = np.clip(board * 0.7 * np.linspace(1, 0.6, 400)[None] + 30, 0, 255).astype(np.uint8)
        alike.append(likeness(to_digit(clean), to_digit(dusty)))
    assert min(alike) > 0.75
    assert np.median(alike) > 0.95


@pytest.mark.parametrize("shape", [(64, 64), (70, 91), (63, 200)])
def test_the_extremes_are_those_of_the_mean_over_3_by_3(shape: tuple[int, int]) -> None:
    grey = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    smooth = box_mean(grey.astype(np.float32), 1) if min(shape) >= 64 else grey
    assert _extremes(grey) == pytest.approx((smooth.min(), smooth.max()), rel=1e-6)
