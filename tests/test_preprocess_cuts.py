"""Cuts go where there is little ink, straight or slanted, and say what they cut through."""

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.preprocess.cuts import find_cuts


def bars(slant: int = 0) -> NDArray[np.float32]:
    """Two bars of 8 pixels in 80 rows, upright or slanted, joined by a thin one in the middle row."""
    strength = np.zeros((80, 100), np.float32)
    for row in range(80):
        shift = slant * (40 - row) // 80
        strength[row, 30 + shift : 38 + shift] = 1
        strength[row, 62 + shift : 70 + shift] = 1
    strength[38:42, 38:62] = 1
    return strength


def test_a_cut_goes_between_two_strokes_through_what_joins_them() -> None:
    between = [cut for cut in find_cuts(bars()) if cut.columns.min() >= 38 and cut.columns.max() <= 62]
    assert between
    assert all(cut.strokes == 1 and cut.crossed < 1 for cut in between)


def test_a_cut_follows_a_slant() -> None:
    rows = np.arange(80)
    shift = 40 * (40 - rows) // 80
    cuts = find_cuts(bars(slant=40))
    assert any((cut.columns >= 37 + shift).all() and (cut.columns <= 63 + shift).all() for cut in cuts)


def test_cuts_are_in_order_and_as_high_as_the_shape() -> None:
    cuts = find_cuts(bars())
    assert [cut.columns.mean() for cut in cuts] == sorted(cut.columns.mean() for cut in cuts)
    assert {len(cut.columns) for cut in cuts} == {80}


def test_a_cut_along_a_stroke_costs_its_ink() -> None:
    solid = np.ones((40, 60), np.float32)
    assert all(cut.crossed >= 9 for cut in find_cuts(solid))


def test_digits_that_reach_over_each_other_are_parted_above_and_below() -> None:
    """Two hooks meet in the middle: what is right of both at the top, or left of both, are other cuts."""
    strength = bars()
    strength[0:6, 10:30] = 1
    strength[0:6, 38:50] = 1
    tops = [cut.columns[:6].mean() for cut in find_cuts(strength) if 38 <= cut.columns[60] <= 62]
    assert tops
    assert all(top >= 45 for top in tops)


def test_a_cut_between_strokes_that_lie_side_by_side_meets_ink_at_their_ends_alone() -> None:
    """A 1 along the stem of its neighbour, which has a ring at its other side."""
    strength = np.zeros((80, 80), np.float32)
    strength[:, 50:70] = 1
    rows, columns = np.mgrid[:80, :80]
    from_centre = np.hypot(rows - 25, columns - 28)
    strength[(from_centre < 25) & (from_centre > 15)] = 1
    along = [cut for cut in find_cuts(strength) if cut.columns.min() >= 56 and cut.columns.max() <= 64]
    assert along
    assert all(cut.crossed < 3 and cut.beside > 6 for cut in along)
