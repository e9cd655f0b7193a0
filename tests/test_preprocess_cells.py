"""Lines between cells that were not found are sought where the others say, and taken only where ink is."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitrec_edge.preprocess.cells import missing_lines
from digitrec_edge.preprocess.lines import Line, find_lines

PLACES = (20, 100, 180, 260, 340)


def row_of_cells(lean: int = 0, without: tuple[int, ...] = ()) -> NDArray[np.bool_]:
    """Four cells of 80 x 100 pixels in lines of 3, uprights leaning by so many pixels from top to bottom."""
    page = Image.new("1", (380, 140))
    draw = ImageDraw.Draw(page)
    for row in (20, 120):
        draw.line((20, row, 340, row), 1, 3)
    for k, column in enumerate(PLACES):
        if k not in without:
            draw.line((column, 20, column + lean, 120), 1, 3)
    return np.array(page, bool)


def found_in(own: NDArray[np.bool_]) -> tuple[list[Line], list[Line]]:
    return find_lines(own, 150), find_lines(np.ascontiguousarray(own.T), 60)


def middles(lines: list[Line]) -> list[int]:
    return sorted(round(float(line.centre.mean())) for line in lines)


@pytest.mark.parametrize("lean", [0, 4, -4])
@pytest.mark.parametrize("hidden", [(2,), (1, 2), (0,), (4,), (1, 3)])
def test_a_line_that_was_not_found_is_found_by_the_distance_of_the_others(hidden: tuple[int, ...], lean: int) -> None:
    own = row_of_cells(lean)
    level, edges = found_in(own)
    assert middles(edges) == pytest.approx([place + lean / 2 for place in PLACES], abs=1)
    known = [edge for k, edge in enumerate(sorted(edges, key=lambda e: float(e.centre.mean()))) if k not in hidden]
    missing = missing_lines(own, level, known)
    assert middles(missing) == pytest.approx([PLACES[k] + lean / 2 for k in hidden], abs=2)
    for line in missing:
        assert line.length >= 90
        assert line.thickness == pytest.approx(3, abs=1)


def test_nothing_is_found_where_no_ink_is() -> None:
    own = row_of_cells(without=(2,))
    level, edges = found_in(own)
    assert missing_lines(own, level, edges) == []


def test_half_a_line_of_ink_is_none() -> None:
    own = row_of_cells(without=(2,))
    own[20:80, 179:182] = True
    level, edges = found_in(own)
    assert missing_lines(own, level, [e for e in edges if abs(float(e.centre.mean()) - 180) > 20]) == []


def test_of_wide_cells_some_are_not_taken_for_two() -> None:
    own = row_of_cells(without=(1, 3))
    level, edges = found_in(own)
    assert missing_lines(own, level, edges) == []
    own = row_of_cells(without=(3,))
    level, edges = found_in(own)
    assert missing_lines(own, level, [e for e in edges if abs(float(e.centre.mean()) - 100) > 20]) == []


def test_of_one_line_the_others_are_found_if_they_part_the_row_into_equal_cells() -> None:
    own = row_of_cells()
    level, edges = found_in(own)
    first = min(edges, key=lambda edge: float(edge.centre.mean()))
    assert middles(missing_lines(own, level, [first])) == pytest.approx(PLACES[1:], abs=2)
    assert missing_lines(row_of_cells(without=(2,)), level, [first]) == []
    assert missing_lines(own, level, []) == []
