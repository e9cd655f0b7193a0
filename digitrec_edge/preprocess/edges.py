"""Upright lines that stand on level ones: the walls of boxes, the columns of a table, the teeth of a comb."""

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.frozen import replace
from digitrec_edge.preprocess.cells import missing_lines
from digitrec_edge.preprocess.lines import Line

SKEW = 0.105
"""The tangent of 6 degrees: how far from square to the longest level line an upright one may be; a stroke of the pen
leans."""

DOUBLE = 2.3
"""Of another line's thickness; where two boxes meet the line between them is double."""

SHORTER = 0.75
"""Of the longer edges' length; shorter ones are strokes of the pen, as the edges of a row are alike."""


def find_edges(own: NDArray[np.bool_], level: list[Line], upright: list[Line]) -> tuple[list[Line], list[Line]]:
    """Tell the upright lines that stand on level ones from a digit's strokes, and add those that the pen hides.

    Args:
        own: ``(H, W) bool``, the ink.
        level: level lines in it.
        upright: upright ones, as :class:`Line` of the transposed ink.

    Returns:
        Both kinds, where the pen runs along them as thin as the others.
    """
    upright = [line for line in upright if any(meet(line, other) for other in level) and _is_square(line, level)]
    level, upright = _alike(level, upright)
    edges = _long([line for line in upright if _is_edge(line, level, upright)])
    return level, edges + missing_lines(own, level, edges)


def _long(edges: list[Line]) -> list[Line]:
    """Return the edges that are about as long as the longer ones; three quarters are no longer than those."""
    longer = float(np.percentile([line.length for line in edges], 75)) if edges else 0.0
    return [line for line in edges if line.length >= SHORTER * longer]


def _alike(*kinds: list[Line]) -> list[list[Line]]:
    """Give lines that seem thicker than the thin ones, as the pen runs along them, the thickness of those."""
    all_ = [line.thickness for lines in kinds for line in lines]
    most = 1.5 * float(np.percentile(all_, 25)) + 1 if all_ else 0.0
    return [[replace(line, thickness=min(line.thickness, most)) for line in lines] for lines in kinds]


def _is_square(upright: Line, level: list[Line]) -> bool:
    longest = max(level, key=lambda line: line.length)
    return abs(upright.slope + longest.slope) <= SKEW


def meet(upright: Line, level: Line) -> bool:
    """Whether an upright line crosses a level one, or nearly reaches it."""
    column, row = float(upright.centre.mean()), float(level.at(float(upright.centre.mean())))
    reach = 2 * level.thickness + 0.05 * min(upright.length, level.length) + 3
    return upright.start - reach <= row <= upright.end + reach and level.start - reach <= column <= level.end + reach


def _is_corner(upright: Line, level: Line) -> bool:
    column = upright.at(float(level.centre.mean()))
    reach = 0.06 * level.length + 2 * upright.thickness
    return meet(upright, level) and min(abs(column - level.start), abs(column - level.end)) <= reach


def _is_edge(line: Line, level: list[Line], upright: list[Line]) -> bool:
    """At the end of a level line; or between such ones and as long as they are; or across two level lines."""
    if any(_is_corner(line, other) for other in level):
        return True
    if sum(meet(line, other) and line.thickness <= DOUBLE * other.thickness for other in level) >= 2:
        return True
    corners = [other for other in upright if any(_is_corner(other, base) for base in level)]
    return any(
        abs(line.length - other.length) <= 0.12 * other.length and line.thickness <= DOUBLE * other.thickness
        for other in corners
    )
