"""A line that fell to pieces is found as one, and the strokes of a row of digits are none."""

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.preprocess.dashes import closed, find_dashed_lines


def dashes(length: int, gap: int) -> NDArray[np.bool_]:
    """A line of 3 pixels, 400 long, and above it upright strokes of 6 x 60 pixels."""
    mask = np.zeros((110, 400), bool)
    mask[90:93] = np.arange(400) % (length + gap) < length
    for column in range(20, 400, 26):
        mask[10:70, column : column + 6] = True
    return mask


def test_a_line_with_gaps_is_one_line_and_strokes_beside_each_other_are_none() -> None:
    (line,) = find_dashed_lines(dashes(30, 20), 0.4, 60, 280)
    assert line.length >= 380
    assert np.abs(line.centre - 91).max() <= 1


def test_a_line_that_is_mostly_gaps_is_none() -> None:
    assert find_dashed_lines(dashes(16, 20), 0.4, 60, 280) == []
    assert find_dashed_lines(dashes(30, 40), 0.4, 60, 280) == []


def test_gaps_along_rows_are_closed_and_wider_ones_are_not() -> None:
    mask = np.zeros((2, 30), bool)
    mask[0, [3, 4, 8, 15]] = True
    assert np.flatnonzero(closed(mask, 3)[0]).tolist() == [*range(3, 9), 15]
    assert np.flatnonzero(closed(mask, 6)[0]).tolist() == list(range(3, 16))
    assert not closed(mask, 6)[1].any()
