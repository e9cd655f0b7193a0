"""Nearly level lines are found, and curves and thick strokes are not."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitrec_edge.preprocess.lines import find_lines


def drawn(points: list[tuple[int, int]], width: int) -> NDArray[np.bool_]:
    page = Image.new("1", (400, 200))
    ImageDraw.Draw(page).line(points, 1, width)
    return np.asarray(page, bool)


@pytest.mark.parametrize("fall", [-40, -10, 0, 15, 40])
def test_a_slanted_line_is_found_where_it_is(fall: int) -> None:
    (line,) = find_lines(drawn([(50, 100), (350, 100 + fall)], 4), 150)
    assert line.start == pytest.approx(50, abs=6)
    assert line.end == pytest.approx(350, abs=6)
    assert line.at(200) == pytest.approx(100 + fall / 2, abs=3)
    assert line.thickness <= 7
    assert line.slope == pytest.approx(fall / 300, abs=0.01)


@pytest.mark.parametrize(
    ("points", "width"), [([(200, 20), (200, 180)], 4), ([(50, 100), (350, 100)], 60), ([(50, 10), (350, 190)], 4)]
)
def test_upright_thick_and_steep_ones_are_not(points: list[tuple[int, int]], width: int) -> None:
    assert find_lines(drawn(points, width), 150) == []


def test_an_arc_is_no_line() -> None:
    page = Image.new("1", (400, 400))
    ImageDraw.Draw(page).ellipse((50, 50, 350, 350), outline=1, width=5)
    assert find_lines(np.asarray(page, bool), 100) == []


def test_a_stroke_that_runs_into_a_line_leaves_it_a_line() -> None:
    mask = np.zeros((60, 120), bool)
    mask[20:23] = True
    for column in range(20, 110):
        row = round(40 - (column - 20) * 17 / 90)
        mask[row : row + 5, column] = True
    (line,) = find_lines(mask, 24)
    assert (line.start, line.end) == (0, 120)
    assert np.abs(line.centre - 21).max() <= 1
    assert line.thickness == 3


def test_two_lines_that_a_stroke_joins_are_two() -> None:
    page = Image.new("1", (400, 100))
    draw = ImageDraw.Draw(page)
    for row in (30, 60):
        draw.line((0, row, 399, row), 1, 4)
    draw.line((60, 30, 250, 60), 1, 8)
    lines = find_lines(np.asarray(page, bool), 80)
    assert sorted(round(line.at(390)) for line in lines) == pytest.approx([30, 60], abs=2)
