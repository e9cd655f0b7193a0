"""Lines between the cells of a row: where some are found, their distance tells where others are that the pen hides."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.preprocess.lines import CLEAR, Line

NARROW, WIDE = 0.4, 4.0
"""Of a line's length; cells are not narrower, or wider. The teeth of a comb are short."""

WIDER = 1.1
"""Of a line's length; cells that seem to be as wide may be two each."""

FITS = 0.15
"""Of the distance; how far a line may be from its place in the row."""

FREE = 0.3
"""Of the distance; a place is empty if no line is so near."""

REACH, TILT = 0.06, (-0.03, -0.015, 0.0, 0.015, 0.03)
"""Of the distance, how far to either side of its place a line is sought; and the slopes besides that of the others."""

INKED = 0.8
"""Of the pixels of a line."""

_FARTHER, _STEEPER = 0.002, 0.1
"""What a pixel of distance, and a step of slope, counts in ``INKED``: of equal ones the nearest is taken."""


def missing_lines(own: NDArray[np.bool_], level: Sequence[Line], edges: Sequence[Line]) -> list[Line]:
    """Find upright lines where the distance of others says that they must be, and ink is.

    Args:
        own: ``(H, W) bool``, the ink.
        level: the level lines of the row, at least one.
        edges: the upright ones that were found, as :class:`Line` of the transposed ink.

    Returns:
        Those that are missing, likewise.
    """
    if not edges:
        return []
    columns = [float(edge.centre.mean()) for edge in edges]
    length = float(np.median([edge.length for edge in edges]))
    row = _fit(np.sort(columns), length)
    if row is None:
        return _divided(own, level, edges, length)
    found = _fill(own, level, edges, row)
    if found or row[1] < WIDER * length:
        return found
    halves = _fill(own, level, edges, (row[0], 0.5 * row[1]))
    return halves if len(halves) >= len(edges) - 1 else []


def _divided(own: NDArray[np.bool_], level: Sequence[Line], edges: Sequence[Line], length: float) -> list[Line]:
    """Return the lines between as many cells of one width as there can be, when ink is in all of them."""
    start, end = _ends(level)
    for cells in range(int((end - start) / (NARROW * length)), 1, -1):
        if found := _fill(own, level, edges, (start, (end - start) / cells), all_=True):
            return found
    return []


def _ends(level: Sequence[Line]) -> tuple[int, int]:
    """Return where the level lines of a row start and end."""
    return min(line.start for line in level), max(line.end for line in level)


def _fill(
    own: NDArray[np.bool_],
    level: Sequence[Line],
    edges: Sequence[Line],
    row: tuple[float, float],
    *,
    all_: bool = False,
) -> list[Line]:
    """Return the lines in the empty places of a row: where one is and how far the next; with ``all_`` all or none."""
    first, distance = row
    columns = np.array([float(edge.centre.mean()) for edge in edges])
    start, end = _ends(level)
    fall = max(level, key=lambda line: line.length).slope
    found = []
    for k in range(int(np.ceil((start - first) / distance - 0.1)), int((end - first) / distance + 0.1) + 1):
        place = first + k * distance
        if np.abs(columns - place).min() > FREE * distance:
            near = min(edges, key=lambda edge: abs(float(edge.centre.mean()) - place))
            lower = fall * (place - float(near.centre.mean()))
            rows = max(0, int(np.rint(near.start + lower))), min(own.shape[0], int(np.rint(near.end + lower)))
            line = _line_at(own, rows, place, edges, max(3, int(np.rint(REACH * distance))))
            if line is None and all_:
                return []
            found += [line] if line else []
    return found


def _fit(columns: NDArray[np.float64], length: float) -> tuple[float, float] | None:
    """Return the place of one line and the distance to the next, by least squares; None where there is no telling."""
    gaps = np.diff(columns)
    wide = gaps >= NARROW * length
    if not wide.any():
        return None
    smallest = int(np.argmin(np.where(wide, gaps, np.inf)))
    first, distance = float(columns[smallest]), float(gaps[smallest])
    if distance > WIDE * length:
        return None
    for _ in range(2):
        numbers = np.rint((columns - first) / distance)
        fitting = np.abs(columns - first - numbers * distance) <= FITS * distance
        apart = numbers[fitting] - numbers[fitting].mean()
        if not apart.any():
            return None
        middle = float(columns[fitting].mean())
        distance = float((apart * (columns[fitting] - middle)).sum()) / float((apart * apart).sum())
        first = middle - distance * float(numbers[fitting].mean())
    return first, distance


def _line_at(
    own: NDArray[np.bool_], rows: tuple[int, int], place: float, edges: Sequence[Line], reach: int
) -> Line | None:
    """Return the line from row to row that has the most ink near a place; None where it has too little."""
    start, end = rows
    if end - start < 8:
        return None
    thickness = float(np.median([edge.thickness for edge in edges]))
    slope = float(np.median([edge.slope for edge in edges]))
    half, along = max(0, int(np.rint(thickness / 2 - 0.5))), np.arange(end - start)
    sums = np.pad(np.cumsum(own[start:end], axis=1), ((0, 0), (1, 0)))
    most, best = 0.0, np.zeros(0)
    for tilt in TILT:
        leaning = (slope + tilt) * (along - 0.5 * (end - start - 1))
        for shift in range(-reach, reach + 1):
            centre = place + shift + leaning
            left = np.rint(centre).astype(int) - half
            low, high = np.clip(left, 0, own.shape[1]), np.clip(left + 2 * half + 1, 0, own.shape[1])
            inked = int((sums[along, high] - sums[along, low]).sum()) / ((2 * half + 1) * len(along))
            inked -= _FARTHER * abs(shift) + _STEEPER * abs(tilt)
            if inked > most:
                most, best = inked, centre
    if most < INKED:
        return None
    beside = int(np.ceil(thickness))
    around = np.clip(np.rint(best).astype(int)[:, None] + np.arange(-beside, beside + 1), 0, own.shape[1] - 1)
    across = float(np.percentile(own[np.arange(start, end)[:, None], around].sum(axis=1), CLEAR))
    return Line(start, best, min(1.5 * thickness + 1, max(thickness, across)))
