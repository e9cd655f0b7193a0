"""Letters as strokes, for training on what is no digit.

Written from an alphabet of hands (:mod:`digitrec_edge.training.hands`), and in each writing otherwise: points and
strokes move, beginnings and ends may join another letter, straight strokes have serifs, letters are narrow or wide.
"""

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.training.hands import HANDS

Points = NDArray[np.float64]
"""A line through ``(N, 2)`` points, x and y; a mark lies within about -1 to 1."""

_TREMBLE = (0.03, 0.11)
"""Standard deviation of a point, of half the letter's size; drawn for each letter."""

_WARP = 0.08
"""Standard deviation of a stroke's turn in radians, and of the logarithm of its size along each axis."""

_JOINED, _WITH_SERIFS, _SQUEEZED = 0.25, 0.12, 0.35
"""Shares: of beginnings and ends joined to another letter, of letters with serifs, of narrow or wide ones."""

_LOG_WIDTH = (-0.7, 0.3)
"""Logarithm of the width of a narrow or wide letter, next to its usual one."""

_POWERS = [np.linspace(0, 1, 6, endpoint=False)[None, :, None] ** power for power in (1, 2, 3)]
"""Of how far a point of a curve is from one point to the next."""


def write_letter(random: np.random.Generator) -> list[Points]:
    """Write some letter in some hand, each time otherwise."""
    hand = _ALL[int(random.integers(len(_ALL)))]
    tremble, with_serifs = random.uniform(*_TREMBLE), random.random() < _WITH_SERIFS
    strokes: list[Points] = []
    for k, (straight, points) in enumerate(hand):
        moved = points + random.normal(0, tremble, points.shape)
        if straight:
            moved = _warped(moved, random)
            strokes += [moved, *(_serifs(moved, random) if with_serifs else ())]
        else:
            strokes.append(curve(_warped(_joined(moved, k == 0, k == len(hand) - 1, random), random)))
    width = np.exp(random.uniform(*_LOG_WIDTH)) if random.random() < _SQUEEZED else 1.0
    return [stroke * (width, 1) for stroke in strokes]


def _joined(points: Points, first: bool, last: bool, random: np.random.Generator) -> Points:
    """Begin the first stroke, and end the last one, at the letter before or after: from the left, to the right."""
    away = random.uniform((0.2, -0.1), (0.8, 0.7), (2, 2)) * (-1, 1)
    before = points[:1] + away[:1] if first and random.random() < _JOINED else points[:0]
    after = points[-1:] - away[1:] if last and random.random() < _JOINED else points[:0]
    return np.concatenate([before, points, after])


def _warped(points: Points, random: np.random.Generator) -> Points:
    """Turn, scale and move a stroke a little, about its middle."""
    middle, angle = points.sum(axis=0) / len(points), random.normal(0, _WARP)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    scaled = (points - middle) * np.exp(random.normal(0, _WARP, 2))
    moved: Points = scaled @ turn + middle + random.normal(0, _WARP / 2, 2)
    return moved


def _serifs(points: Points, random: np.random.Generator) -> list[Points]:
    """Return a short level line across most ends of a stroke."""
    half = (random.uniform(0.1, 0.3), 0)
    return [np.stack([end - half, end + half]) for end in (points[0], points[-1]) if random.random() < 0.7]


def curve(points: Points) -> Points:
    """Return a smooth line through points: a uniform Catmull-Rom spline, six pieces between two of them.

    Catmull, Rom, "A class of local interpolating splines" (Computer Aided Geometric Design, 1974).
    """
    padded = np.concatenate([points[:1], points, points[-1:]])
    p0, p1, p2, p3 = (padded[k : k + len(points) - 1, None] for k in range(4))
    t, t2, t3 = _POWERS
    between = (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t2 + (3 * p1 - 3 * p2 + p3 - p0) * t3) / 2
    return np.concatenate([between.reshape(-1, 2), points[-1:]])


def _parse(hand: str) -> list[tuple[bool, Points]]:
    strokes = []
    for stroke in hand.split("|"):
        points = [[int(point[0]), int(point[1])] for point in stroke.removeprefix("-").split()]
        strokes.append((stroke.startswith("-"), np.array(points) / 4.5 - 1))
    return strokes


_ALL = [_parse(hand) for hands in HANDS.values() for hand in hands]
