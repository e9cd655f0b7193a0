"""Lines that are so faint that they fell to pieces."""

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.preprocess.lines import Line, find_lines

THICK, MIN_THICK_PX = 0.12, 5
"""Of the height of what may be lines, and in pixels: what is thicker is no piece of a line."""

MIN_GAP_PX = 3

INKED = 0.5
"""Of a line's length; the strokes of the digits in a row make up less of a line through them, its own pieces more."""


def find_dashed_lines(own: NDArray[np.bool_], gap: float, high_px: int, least_px: float) -> list[Line]:
    """Find nearly level lines that have gaps.

    Args:
        own: ``(H, W) bool``, the ink.
        gap: the longest, by ``high_px``.
        high_px: the height of what may be lines.
        least_px: how long they are.
    """
    thin = _thin(own, max(MIN_THICK_PX, round(THICK * high_px)))
    whole = closed(thin, max(MIN_GAP_PX, round(gap * high_px)))
    return [line for line in find_lines(whole, least_px) if _is_inked(thin, line)]


def _thin(own: NDArray[np.bool_], most: int) -> NDArray[np.bool_]:
    """Keep the ink that is at most so many pixels high in its column."""
    rows = np.arange(len(own))[:, None]
    above = np.maximum.accumulate(np.where(own, -1, rows), axis=0)
    below = np.minimum.accumulate(np.where(own, len(own), rows)[::-1], axis=0)[::-1]
    kept: NDArray[np.bool_] = own & (below - above <= most + 1)
    return kept


def closed(own: NDArray[np.bool_], gap: int) -> NDArray[np.bool_]:
    """Fill gaps of up to so many pixels along rows."""
    columns = np.arange(own.shape[1])
    far = own.shape[1] + gap + 2
    before = np.maximum.accumulate(np.where(own, columns, -far), axis=1)
    behind = np.minimum.accumulate(np.where(own, columns, 2 * far)[:, ::-1], axis=1)[:, ::-1]
    filled: NDArray[np.bool_] = behind - before <= gap + 1
    return own | filled


def _is_inked(thin: NDArray[np.bool_], line: Line) -> bool:
    """Whether most of a line's columns have ink within its thickness."""
    reach = int(np.ceil(0.5 * line.thickness))
    rows = np.rint(line.centre).astype(int) + np.arange(-reach, reach + 1)[:, None]
    ink = thin[np.clip(rows, 0, len(thin) - 1), np.arange(line.start, line.end)]
    return float(ink.any(axis=0).mean()) >= INKED
