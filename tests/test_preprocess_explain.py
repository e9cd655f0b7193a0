"""The strip shows the stages that were reached."""

from collections.abc import Callable

import numpy as np
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
