"""Straight, thin, nearly level or upright lines in a mask."""

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.frozen import Frozen
from digitrec_edge.preprocess.components import find_components

SLOPES = np.tan(np.radians(np.arange(-9, 10)))
"""A form that is photographed is turned by a few degrees; a step of one keeps a line of 3 pixels on a length of 300."""

MIN_SLENDER = 7.0
"""Length by thickness; the strokes of a pen are shorter or thicker, most of them."""

UNBROKEN = 0.93
"""Of a line's length."""

INKED = 0.5
"""Of a line's middle; there is no ink between two lines that a stroke of the pen joins."""

LONGEST = 0.94
"""Of the width of a part that is no line as a whole; runs of that length in it may be one."""

CLEAR = 30
"""Percentile of the columns' thickness that is a line's: the pen may run along two thirds of it."""

BEND_PX, BEND = 1.0, 0.01
"""How far the middle of a line may be from straight, in pixels at the size of the search or of its length."""

_SEARCH_PX = 320


class Line(Frozen):
    """A nearly level line; an upright one is the same in the transposed mask. All in pixels.

    Attributes:
        start: its first column.
        centre: ``(length,) float64``, the row of its middle in each column from ``start`` on.
        thickness: across.
    """

    start: int
    centre: NDArray[np.float64]
    thickness: float

    @property
    def length(self) -> int:
        return len(self.centre)

    @property
    def end(self) -> int:
        """The column behind the last one."""
        return self.start + self.length

    @property
    def slope(self) -> float:
        """Rows by which it falls from one column to the next, by least squares."""
        columns = np.arange(self.length) - 0.5 * (self.length - 1)
        rows = self.centre - self.centre.mean()
        return float((columns * rows).sum()) / max(float((columns * columns).sum()), 1.0)

    def at(self, column: float) -> float:
        """Return the row of its middle at a column, or at its nearer end."""
        return float(self.centre[int(np.clip(column - self.start, 0, self.length - 1))])


def find_lines(mask: NDArray[np.bool_], least_px: float) -> list[Line]:
    """Find nearly level lines at least ``least_px`` long in ``(H, W) bool``."""
    factor = max(1, -(-max(mask.shape) // _SEARCH_PX))
    small = _shrunk(mask, factor)
    length = max(8, int(least_px / factor))
    if small.shape[1] < length:
        return []
    return [_enlarged(line, factor, mask) for line in _lines_within(small, length)]


def _lines_within(mask: NDArray[np.bool_], length: int) -> list[Line]:
    """Find nearly level lines; where a stroke of the pen goes on from one, its longest runs alone are the line."""
    labels, parts = find_components(_straight(mask, length))
    found = []
    for part in parts:
        box = part.box
        if box.width < length:
            continue
        own = part.cut(labels)
        line = _line(own, box.top, box.left)
        longer = int(LONGEST * box.width)
        if line.length >= MIN_SLENDER * line.thickness and _is_straight(line) and _is_inked(own, line.centre - box.top):
            found.append(line)
        elif longer > length:
            found += [_moved(inner, box.top, box.left) for inner in _lines_within(own, longer)]
    return found


def _moved(line: Line, top: int, left: int) -> Line:
    return Line(line.start + left, line.centre + float(top), line.thickness)


def _shrunk(mask: NDArray[np.bool_], factor: int) -> NDArray[np.bool_]:
    if factor == 1:
        return mask
    height, width = (-(-side // factor) for side in mask.shape)
    padded = np.zeros((height * factor, width * factor), bool)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    shrunk: NDArray[np.bool_] = padded.reshape(height, factor, width, factor).any(axis=(1, 3))
    return shrunk


def _straight(mask: NDArray[np.bool_], length: int) -> NDArray[np.bool_]:
    """Return the pixels that lie on unbroken straight runs of ``length``, in any of the directions of ``SLOPES``."""
    height, width = mask.shape
    columns = np.arange(width)
    reach = int(np.ceil(SLOPES.max() * width / 2)) + 2
    thick = np.pad(mask, ((reach, reach), (0, 0)))
    thick[1:-1] |= thick[:-2] | thick[2:]
    flat, rows = thick.ravel(), np.arange(height + 2 * reach)[:, None]
    found = np.zeros(mask.shape, bool)
    for slope in SLOPES:
        shift = np.rint(slope * (columns - width / 2)).astype(np.int64)
        source = np.clip(rows + shift, 0, len(rows) - 1) * width + columns
        runs = _long_runs(flat[source], length)
        target = np.arange(height)[:, None] + reach - shift
        found |= runs.ravel()[target * width + columns]
    return found & mask


def _long_runs(mask: NDArray[np.bool_], length: int) -> NDArray[np.bool_]:
    """Keep the runs along rows that are at least ``length`` long."""
    sums = np.pad(np.cumsum(mask, axis=1, dtype=np.int32), ((0, 0), (1, 0)))
    whole = (sums[:, length:] - sums[:, :-length]) >= UNBROKEN * length
    if not whole.any():
        return np.zeros_like(mask)
    sums = np.pad(np.cumsum(whole, axis=1, dtype=np.int32), ((0, 0), (length, length - 1)), mode="edge")
    sums[:, :length] = 0
    kept: NDArray[np.bool_] = sums[:, length:] - sums[:, :-length] > 0
    return kept


def _line(own: NDArray[np.bool_], top: int, left: int) -> Line:
    """Measure a line; where the pen has thickened it its middle is that between its neighbours."""
    counts = own.sum(axis=0)
    thickness = float(np.percentile(counts[counts > 0], CLEAR))
    middle = (own * np.arange(own.shape[0])[:, None]).sum(axis=0) / np.maximum(counts, 1)
    columns = np.arange(own.shape[1])
    sure = (counts > 0) & (counts <= 1.5 * thickness)
    return Line(left, np.interp(columns, columns[sure], middle[sure]) + float(top), thickness)


def _is_straight(line: Line) -> bool:
    """Whether its middle keeps to the straight line of least squares, but a quarter of it, where the pen may be."""
    columns = np.arange(line.length) - 0.5 * (line.length - 1)
    off = np.abs(line.centre - line.centre.mean() - line.slope * columns)
    return float(np.percentile(off, 75)) <= max(BEND_PX, BEND * line.length)


def _is_inked(own: NDArray[np.bool_], rows: NDArray[np.float64]) -> bool:
    """Whether there is ink in the middle of a line, whose row is given for each column."""
    return float(own[np.rint(rows).astype(int), np.arange(len(rows))].mean()) >= INKED


def _enlarged(line: Line, factor: int, mask: NDArray[np.bool_]) -> Line:
    """Return the line in pixels of the whole mask, its thickness measured there."""
    width = min(line.length * factor, mask.shape[1] - line.start * factor)
    columns = (np.arange(width) + 0.5) / factor - 0.5
    centre = (np.interp(columns, np.arange(line.length), line.centre) + 0.5) * factor - 0.5
    start = line.start * factor
    reach = int(np.ceil(line.thickness * factor))
    rows = np.rint(centre).astype(int) + np.arange(-reach, reach + 1)[:, None]
    inside = mask[np.clip(rows, 0, mask.shape[0] - 1), start + np.arange(width)]
    return Line(start, centre, max(1.0, float(np.percentile(inside.sum(axis=0), CLEAR))))
