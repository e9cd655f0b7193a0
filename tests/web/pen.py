"""Digits as a finger writes them: strokes in two or three ways for each, bent, turned and placed by chance."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Stroke = list[tuple[float, float]]
"""Places (x, y), each 0 to 1 of the drawing field's side, y downwards."""

_ROUND = "50,0 22,10 6,38 6,66 24,92 50,100 78,90 94,62 92,34 76,8 52,1"
WAYS: dict[int, tuple[tuple[str, ...], ...]] = {
    0: ((_ROUND,), ("60,2 28,8 10,40 14,74 36,98 66,94 86,62 84,30 64,4 50,6",)),
    1: (("50,0 50,50 50,100",), ("30,26 44,12 54,0 54,50 54,100",), ("62,0 54,36 46,70 40,100",)),
    2: (
        ("8,26 18,8 44,0 72,8 82,28 72,50 44,74 8,100 48,98 92,98",),
        ("10,20 34,2 66,6 78,28 62,56 30,86 14,94 26,84 44,88 66,98 94,92",),
    ),
    3: (
        ("12,12 36,0 66,4 80,22 68,40 40,48 70,54 88,72 76,94 44,100 12,88",),
        ("14,2 48,2 84,2 64,24 46,42 74,48 90,68 78,92 46,100 14,90",),
    ),
    4: (
        ("22,0 16,30 12,58 50,58 92,58", "70,28 68,64 66,100"),
        ("66,0 40,28 10,64 50,66 94,66", "66,0 66,50 66,100"),
    ),
    5: (
        ("24,0 20,24 18,44 48,38 78,50 86,72 70,94 40,100 12,90", "24,0 52,0 84,0"),
        ("84,0 52,2 26,2 22,24 20,44 50,40 78,54 84,76 64,96 36,100 12,90",),
    ),
    6: (
        ("68,0 40,18 20,46 14,74 30,96 60,98 80,80 74,58 50,52 24,64",),
        ("56,0 32,30 20,62 26,90 52,100 78,86 78,62 54,54 26,70",),
    ),
    7: (
        ("10,2 50,2 88,2 66,38 50,70 42,100",),
        ("10,4 48,2 86,4 68,36 52,70 44,100", "30,50 54,48 78,48"),
    ),
    8: (
        ("76,14 52,0 24,8 20,28 44,44 74,60 80,82 54,100 24,92 18,72 38,54 66,40 80,20 74,10",),
        ("50,46 26,34 24,12 50,0 74,12 72,34 50,46 24,60 16,82 50,100 82,84 76,60 50,46",),
    ),
    9: (
        ("80,20 56,0 28,8 18,30 34,50 62,46 80,22 78,60 76,100",),
        ("78,24 54,2 26,14 22,38 46,50 72,38 80,16 78,50 66,80 40,100",),
    ),
}
"""Digit -> ways to write it -> strokes: corners of a smooth line, in hundredths of the digit's width and height."""

PLACES_PER_CORNER = 4


def written(digit: int, random: np.random.Generator) -> list[Stroke]:
    """Write a digit once."""
    ways = WAYS[digit]
    strokes = [_smooth(_corners(text, random)) for text in ways[random.integers(len(ways))]]
    angle, slant = np.radians(random.normal(0, 5)), random.normal(0, 0.1)
    height = random.uniform(0.45, 0.75)
    width = height * random.uniform(0.55, 0.8)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    change = turn @ np.array([[width, -slant * height], [0, height]])
    middle = 0.5 + random.uniform(-0.08, 0.08, 2)
    return [_placed(stroke, change, middle) for stroke in strokes]


def _corners(text: str, random: np.random.Generator) -> NDArray[np.float64]:
    corners = np.array([[float(number) for number in pair.split(",")] for pair in text.split()])
    moved: NDArray[np.float64] = corners / 100 - 0.5 + random.normal(0, 0.018, corners.shape)
    return moved


def _smooth(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lead a line through the corners (Catmull and Rom, Computer Aided Geometric Design, 1974)."""
    ends = np.vstack([corners[:1], corners, corners[-1:]])
    along = np.arange(PLACES_PER_CORNER)[:, None] / PLACES_PER_CORNER
    parts = []
    for before, here, there, after in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        linear, square, cube = (
            there - before,
            2 * before - 5 * here + 4 * there - after,
            3 * (here - there) + after - before,
        )
        parts.append(here + 0.5 * (linear * along + square * along**2 + cube * along**3))
    return np.vstack([*parts, corners[-1:]])


def _placed(stroke: NDArray[np.float64], change: NDArray[np.float64], middle: NDArray[np.float64]) -> Stroke:
    places: Sequence[Sequence[float]] = np.clip(stroke @ change.T + middle, 0.03, 0.97).tolist()
    return [(x, y) for x, y in places]
