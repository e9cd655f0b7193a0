"""Filters on arrays, in numpy: means of boxes by sums, extremes of boxes and discs; and the median of many values."""

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Plane = NDArray[np.float32]

NEAR_RADIUS = 2
"""Up to here a window's rows and columns are added one by one; wider ones are differences of cumulative sums."""

BAND_ROWS = 64
"""Rows that are averaged at once: what lies between input and output stays in the processor's cache."""

SAMPLE = 2048
SAMPLE_SHARES = (0.46, 0.54)
"""So many of many values tell between which two the median lies: 3.6 standard deviations of a sample's median."""


def box_mean(plane: Plane, radius: int) -> Plane:
    """Return the mean over squares of ``2 * radius + 1``; the border is repeated outwards.

    Sums are float64, so that they are those of the definition; the means of each column are float32.
    """
    if radius < 1:
        return plane
    return _near_mean(plane, radius) if radius <= NEAR_RADIUS else _wide_mean(plane, radius)


def _near_mean(plane: Plane, radius: int) -> Plane:
    height, width = plane.shape
    means, share = np.empty_like(plane), 1 / (2 * radius + 1)
    rows = np.empty((min(height, BAND_ROWS) + 2 * radius, width))
    columns = np.empty((min(height, BAND_ROWS), width + 2 * radius))
    for top in range(0, height, BAND_ROWS):
        band = means[top : top + BAND_ROWS]
        above = rows[: len(band) + 2 * radius]
        above[...] = plane[_places(height, top - radius, top + len(band) + radius)]
        beside, sums = columns[: len(band)], rows[: len(band)]
        inner = beside[:, radius:-radius]
        np.multiply(_add_windows(above, radius, inner), share, out=band, casting="same_kind")
        inner[...] = band
        beside[:, :radius], beside[:, -radius:] = inner[:, :1], inner[:, -1:]
        np.multiply(_add_windows(beside.T, radius, sums.T), share, out=band.T, casting="same_kind")
    return means


def _add_windows(values: NDArray[np.float64], radius: int, sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Write into ``sums`` the sum of each row of ``values`` and those that follow within the window."""
    np.add(values[: len(sums)], values[1 : 1 + len(sums)], out=sums)
    for first in range(2, 2 * radius + 1):
        sums += values[first : first + len(sums)]
    return sums


def _wide_mean(plane: Plane, radius: int) -> Plane:
    size = 2 * radius + 1
    for _ in range(2):
        plane = plane.T
        sums = plane.take(_places(plane.shape[1], -radius - 1, plane.shape[1] + radius), axis=1)
        sums = sums.cumsum(axis=1, dtype=np.float64)
        plane = ((sums[:, size:] - sums[:, :-size]) / size).astype(np.float32)
    return plane


def _places(length: int, start: int, end: int) -> NDArray[np.int64]:
    """Return the places from ``start`` to ``end``, those beyond an array's ends being its first and its last."""
    return np.clip(np.arange(start, end), 0, length - 1)


def _extended(plane: Plane, margin: int) -> Plane:
    """Repeat the border outwards."""
    rows, columns = (_places(length, -margin, length + margin) for length in plane.shape)
    return plane[rows].take(columns, axis=1)


def sums_of_nine(plane: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """Return the sums over squares of 3 in this type; the border is repeated outwards."""
    wide = np.pad(plane, 1, mode="edge")
    rows = np.add(wide[:-2], wide[1:-1], dtype=dtype)
    rows += wide[2:]
    sums = rows[:, :-2] + rows[:, 1:-1]
    sums += rows[:, 2:]
    return sums


def box_max(plane: Plane, radius: int) -> Plane:
    """Return the maximum over squares of ``2 * radius + 1``; the border is repeated outwards."""
    return _window_max(_extended(plane, radius), 2 * radius + 1)


def _window_max(plane: Plane, size: int) -> Plane:
    """Return the maximum over squares of ``size`` that lie in the plane, which is ``size - 1`` larger each way."""
    for _ in range(2):
        width = 1
        while width < size:
            step = min(width, size - width)
            plane, width = np.maximum(plane[:-step], plane[step:]), width + step
        plane = plane.T
    return plane


def disc_min(plane: Plane, radius: int) -> Plane:
    """Return the minimum over discs (a morphological erosion); what lies outside is 0."""
    height, width = plane.shape
    wide, least = np.pad(plane, radius), plane
    for above in range(radius + 1):
        reach = math.isqrt(radius**2 - above**2)
        row = wide[:, radius - reach : radius + reach + width]
        spans = np.lib.stride_tricks.sliding_window_view(row, 2 * reach + 1, axis=1).min(axis=-1)
        for top in (radius - above, radius + above):
            least = np.minimum(least, spans[top : top + height])
    return least


def close(plane: Plane, radius: int) -> Plane:
    """Fill dark shapes narrower than ``2 * radius + 1`` (a morphological closing); wider ones stay as they are."""
    size = 2 * radius + 1
    return -_window_max(-_window_max(_extended(plane, 2 * radius), size), size)


def median(values: Plane) -> float:
    """Return what ``np.median`` returns, of many values in a fraction of the time: few of them are partitioned."""
    values = values.ravel()
    sample = np.sort(values[:: max(1, len(values) // SAMPLE)])
    if len(sample) < SAMPLE:  # it is all of them
        return float((sample[(len(sample) - 1) // 2] + sample[len(sample) // 2]) / sample.dtype.type(2))
    low, high = (sample[int(share * len(sample))] for share in SAMPLE_SHARES)
    between = values[np.flatnonzero((values >= low) & (values <= high))]
    below = np.count_nonzero(values < low)
    first, last = (len(values) - 1) // 2 - below, len(values) // 2 - below
    if first < 0 or last >= len(between):  # the sample was no good one
        return float(np.median(values))
    between.partition((first, last))
    return float(between[first : last + 1].mean())
