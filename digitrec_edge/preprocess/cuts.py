"""Where a shape may be cut into digits: paths from its top to its bottom through little ink.

They are paths of least ink (as in seam carving, Avidan and Shamir 2007), not only upright lines: a 7 may reach over its
neighbour. Through each pixel of three rows goes one such path; those that are better than their neighbours are kept.
A 1 may lie along a stroke of its neighbour: where ink is as thick as two strokes, a path through its middle meets none.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge.frozen import Frozen
from digitrec_edge.preprocess.filters import disc_min
from digitrec_edge.preprocess.normalise import stroke_width

SEARCH_PX = 56
"""Of height, at which cuts are looked for."""

ROWS = (0.5, 0.25, 0.75)
"""Of the height. Where digits reach over each other two good cuts may meet in the middle, and part above or below."""

SIDEWAYS = (0.2, 1.0, 4.0)
"""What a step to the side costs, in pixels of ink at that height: winding cuts and straight ones."""

CUTS_PER_HEIGHT = 6.0
"""So many cuts at most, of each kind and row, for a width equal to the height."""

APART_PX = 1.2
"""The mean distance of two cuts at that height; of nearer ones the one through less ink is kept."""

STROKE = 0.1
"""Of the height: the width of a stroke."""

THICK = 0.6
"""Of the strokes' mean width: a disc of this radius fits into two strokes that lie side by side, and into no single
one. Of 2,400 made numbers (``tests/pictures_touching.py``, seeds 1000 to 1149, 2000 to 2449, 2500 to 2699) more are
read right than with 0.5 and 0.7, or where all ink counts."""

SOLID = 0.5
"""Of full strength: what a cut that goes through a stroke meets."""


class Cut(Frozen):
    """A path from top to bottom.

    Attributes:
        columns: ``(height,) float64``, where it is in each row; what is left of it has lower ones.
        crossed: the ink of strokes that it goes through, in their widths.
        strokes: how many strokes it goes through.
        beside: the ink that it goes through between strokes that lie side by side, in widths of a stroke.
    """

    columns: NDArray[np.float64]
    crossed: float
    strokes: int
    beside: float


def find_cuts(strength: NDArray[np.float32]) -> list[Cut]:
    """Find the cuts through ``(height, width) float32``, 0 background to 1 full foreground, from left to right."""
    height, width = strength.shape
    scale = min(1.0, SEARCH_PX / height)
    size = (max(4, round(width * scale)), max(4, round(height * scale)))
    small = np.asarray(Image.fromarray(strength).resize(size, Image.Resampling.BOX), np.float32)
    most = max(3, int(CUTS_PER_HEIGHT * width / height))
    parted = small - disc_min(small, max(1, round(THICK * stroke_width(small))))
    found = [path for plane in (parted, small) for sideways in SIDEWAYS for path in _paths(plane, sideways, most)]
    rows = (np.arange(height) + 0.5) * len(small) / height - 0.5
    here = np.arange(len(small))
    cuts = []
    for path in _apart(found):
        ink, all_ink = parted[here, path], small[here, path]
        starts = np.diff((ink > SOLID).astype(np.int8), prepend=0) > 0
        columns = (np.interp(rows, here, path) + 0.5) * width / small.shape[1]
        crossed, met = (float(pixels.sum()) / (STROKE * len(small)) for pixels in (ink, all_ink))
        cuts.append(Cut(columns, crossed, int(starts.sum()), met - crossed))
    return cuts


def _paths(small: NDArray[np.float32], sideways: float, most: int) -> list[tuple[float, NDArray[np.int64]]]:
    """Return the cheapest paths from top to bottom through columns that are better than others, with what they cost."""
    down, back = _least_ink(small, sideways)
    up, forth = _least_ink(small[::-1], sideways)
    paths = []
    for share in ROWS:
        row = int(share * len(small))
        above = len(small) - 1 - row
        total = down[row] + up[above] - small[row]
        for column in _lowest(total, most):
            path = np.concatenate([_trace(back, row, column), _trace(forth, above, column)[-2::-1]])
            paths.append((float(total[column]), path))
    return paths


def _apart(paths: list[tuple[float, NDArray[np.int64]]]) -> list[NDArray[np.int64]]:
    """Drop paths that are nearly the same as a cheaper one; the others from left to right."""
    kept: list[NDArray[np.int64]] = []
    for _, path in sorted(paths, key=lambda pair: pair[0]):
        if all(float(np.abs(path - other).mean()) >= APART_PX for other in kept):
            kept.append(path)
    return sorted(kept, key=lambda path: float(path.mean()))


def _least_ink(small: NDArray[np.float32], sideways: float) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Return the least ink from the top to every pixel, and the step from the row above that it came by."""
    total, steps = small.copy(), np.zeros(small.shape, np.int8)
    for row in range(1, len(small)):
        above = np.pad(total[row - 1], 1, constant_values=np.inf)
        ways = np.stack([above[1:-1], above[:-2] + sideways, above[2:] + sideways])
        came = ways.argmin(axis=0)
        total[row] += ways.min(axis=0)
        steps[row] = np.array([0, -1, 1], np.int8)[came]
    return total, steps


def _trace(steps: NDArray[np.int8], row: int, column: int) -> NDArray[np.int64]:
    """Return the columns of the path from the top to a pixel."""
    path = [column]
    for here in range(row, 0, -1):
        path.append(path[-1] + int(steps[here, path[-1]]))
    return np.array(path[::-1])


def _lowest(total: NDArray[np.float32], most: int) -> list[int]:
    """Return the columns of up to ``most`` local minima, from left to right."""
    padded = np.pad(total, 1, constant_values=np.inf)
    minima = np.flatnonzero((total <= padded[:-2]) & (total < padded[2:]))
    inside = [int(k) for k in minima if 1 < k < len(total) - 2]
    return sorted(sorted(inside, key=lambda k: float(total[k]))[:most])
