"""Box filters are those of their definition."""

import numpy as np
import pytest

from digitrec_edge.preprocess.filters import box_max, box_mean, close


@pytest.mark.parametrize("radius", [1, 2, 5])
def test_box_filters_are_those_of_the_definition(radius: int) -> None:
    plane = np.random.default_rng(0).random((13, 17)).astype(np.float32)
    padded = np.pad(plane, radius, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * radius + 1, 2 * radius + 1))
    assert np.array_equal(box_max(plane, radius), windows.max(axis=(2, 3)))
    assert np.allclose(box_mean(plane, radius), windows.mean(axis=(2, 3)), atol=1e-6)


def test_closing_fills_what_is_narrow_and_keeps_ramps_and_what_is_wide() -> None:
    ramp = np.tile(np.arange(100, dtype=np.float32), (60, 1))
    assert np.array_equal(close(ramp, 8), ramp)
    marked = ramp.copy()
    marked[20:40, 50:56] = 0
    assert close(marked, 8)[20:40, 50:56].min() > 40
    half = np.where(np.arange(100) < 50, 0, 100).astype(np.float32) * np.ones((60, 1), np.float32)
    assert np.array_equal(close(half, 8), half)
