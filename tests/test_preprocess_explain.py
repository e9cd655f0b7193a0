"""The strip shows the stages that were reached."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec_edge import mnist
from digitrec_edge.preprocess import read_stages
from digitrec_edge.preprocess.explain import TILE_PX, draw_strip

DrawPage = Callable[..., NDArray[np.uint8]]


def test_the_strip_has_a_tile_for_every_stage_that_was_reached(draw_page: DrawPage, mnist_test: mnist.Digits) -> None:
    blank = read_stages(np.full((50, 80), 255, np.uint8))
    line = np.full((100, 100), 255, np.uint8)
    line[50:54, 10:90] = 0
    one = read_stages(draw_page(mnist_test.images[0]))
    row = np.full(10, 0.1, np.float32)
    widths = [draw_strip(blank, []).width, draw_strip(read_stages(line), []).width, draw_strip(one, [row]).width]
    tile = TILE_PX + 8
    assert widths == [1 * tile + 8, 4 * tile + 8, 6 * tile + 8]


@pytest.mark.parametrize("sigma", [0.0, 12.0])
def test_the_boxes_of_a_picture_that_was_decoded_smaller_are_where_the_digits_are(
    draw_page: DrawPage, mnist_test: mnist.Digits, sigma: float
) -> None:
    """The second picture is so dark and noisy that it is averaged, too."""
    drawn = draw_page(mnist_test.images[0], 280, shape=(480, 640)) * (0.2 if sigma else 1.0)
    page = np.clip(drawn + np.random.default_rng(0).normal(0, sigma, drawn.shape), 0, 255).astype(np.uint8)
    row = np.full(10, 0.1, np.float32)
    whole, smaller = (read_stages(page, reduction) for reduction in (1, 4))
    assert (whole.reduced > 1) == bool(sigma)
    assert smaller.single().box.left == 4 * whole.single().box.left
    strip = np.asarray(draw_strip(whole, [row]))
    assert np.array_equal(np.asarray(draw_strip(smaller, [row])), strip)
    first = strip[: TILE_PX + 16, : TILE_PX + 8]
    assert (first == (220, 40, 40)).all(axis=2).any()
