"""Box filters on arrays, in numpy: means by cumulative sums, extremes by doubling."""

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]


def box_mean(plane: Plane, radius: int) -> Plane:
    """Return the mean over squares of ``2 * radius + 1``; the border is repeated outwards."""
    if radius < 1:
        return plane
    for axis in (0, 1):
        padded = np.pad(plane, [(radius + 1, radius) if k == axis else (0, 0) for k in (0, 1)], mode="edge")
        sums = padded.cumsum(axis=axis, dtype=np.float64)
        size = 2 * radius + 1
        upper, lower = (sums[size:], sums[:-size]) if axis == 0 else (sums[:, size:], sums[:, :-size])
        plane = ((upper - lower) / size).astype(np.float32)
    return plane


def box_max(plane: Plane, radius: int) -> Plane:
    """Return the maximum over squares of ``2 * radius + 1``; the border is repeated outwards."""
    for axis in (0, 1):
        plane = _sliding_max(
            np.pad(plane, [(radius, radius) if k == axis else (0, 0) for k in (0, 1)], mode="edge"),
            2 * radius + 1,
            axis,
        )
    return plane


def _sliding_max(plane: Plane, size: int, axis: int) -> Plane:
    width = 1
    while width < size:
        step = min(width, size - width)
        first, second = (plane[:-step], plane[step:]) if axis == 0 else (plane[:, :-step], plane[:, step:])
        plane, width = np.maximum(first, second), width + step
    return plane


def close(plane: Plane, radius: int) -> Plane:
    """Fill dark shapes narrower than ``2 * radius + 1`` (a morphological closing); wider ones stay as they are."""
    wide = np.pad(plane, 2 * radius, mode="edge")
    closed = -box_max(-box_max(wide, radius), radius)
    return closed[2 * radius : -2 * radius, 2 * radius : -2 * radius] if radius else plane
