"""Box filters and the median are those of their definition."""

import numpy as np
import pytest

from digitrec_edge.preprocess.filters import BAND_ROWS, SAMPLE, box_max, box_mean, close, disc_min, median, sums_of_nine


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


@pytest.mark.parametrize("radius", [1, 2, 3, 40])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (BAND_ROWS, 7), (BAND_ROWS + 1, 3), (3 * BAND_ROWS - 1, 50)])
def test_means_are_float64_sums_of_columns_and_then_of_rows_to_the_bit(shape: tuple[int, int], radius: int) -> None:
    expected = plane = np.random.default_rng(1).random(shape, np.float32)
    for axis in (0, 1):
        padded = np.pad(expected, [(radius, radius) if k == axis else (0, 0) for k in (0, 1)], mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1, axis)
        expected = windows.mean(axis=2, dtype=np.float64).astype(np.float32)
    assert np.array_equal(box_mean(plane, radius), expected)


@pytest.mark.parametrize("radius", [0, 1, 7])
def test_closing_is_a_maximum_and_then_a_minimum(radius: int) -> None:
    plane = np.random.default_rng(2).random((11, 6)).astype(np.float32)
    wide = np.pad(plane, 2 * radius, mode="edge")
    closed = -box_max(-box_max(wide, radius), radius)
    assert np.array_equal(close(plane, radius), closed[2 * radius :, 2 * radius :][:11, :6])


@pytest.mark.parametrize("radius", [0, 1, 2, 5])
def test_the_minimum_of_a_disc_is_that_of_the_definition_and_0_at_the_border(radius: int) -> None:
    plane = np.random.default_rng(3).random((9, 13)).astype(np.float32)
    wide = np.pad(plane, radius)
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disc = rows**2 + columns**2 <= radius**2
    windows = np.lib.stride_tricks.sliding_window_view(wide, disc.shape)
    assert np.array_equal(disc_min(plane, radius), windows[:, :, disc].min(axis=-1))


@pytest.mark.parametrize("count", [1, 2, SAMPLE - 1, SAMPLE, 4 * SAMPLE + 1, 100_000, 100_001])
def test_the_median_is_numpy_s_for_values_of_every_kind(count: int) -> None:
    random = np.random.default_rng(count)
    stripes = np.zeros(count, np.float32)
    stripes[:: max(1, count // SAMPLE)] = 1  # all that the sample sees
    for values in (
        random.normal(size=count).astype(np.float32),
        random.integers(0, 3, count).astype(np.float32),
        np.sort(random.random(count, np.float32)),
        np.full(count, 0.1, np.float32),
        stripes,
        np.where(np.arange(count) < count // 2, 0.1, 0.7).astype(np.float32),
    ):
        assert median(values) == float(np.median(values))


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (20, 31)])
def test_sums_of_nine_are_those_of_the_definition(shape: tuple[int, int]) -> None:
    grey = np.random.default_rng(3).integers(0, 256, shape).astype(np.uint8)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(grey, 1, mode="edge"), (3, 3))
    assert np.array_equal(sums_of_nine(grey, np.uint16), windows.sum(axis=(2, 3)))
    assert sums_of_nine(np.full(shape, 255, np.uint8), np.uint16).max() == 9 * 255
    assert sums_of_nine(grey.astype(np.float32), np.float32).dtype == np.float32
