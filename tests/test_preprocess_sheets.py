"""A sheet on a table is found and cut out; ink, shadows and empty patches are none."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitrec_edge.preprocess.sheets import find_sheet

SHEET = [(120, 60), (330, 80), (310, 250), (100, 230)]


def table(tone: int = 230, ground: int = 70, ink: int | None = 30) -> NDArray[np.uint8]:
    page = Image.new("L", (400, 300), ground)
    draw = ImageDraw.Draw(page)
    draw.polygon(SHEET, fill=tone)
    if ink is not None:
        draw.line([(180, 110), (240, 110), (200, 200)], ink, 14)
    return np.asarray(page)


@pytest.mark.parametrize(("tone", "ground", "ink"), [(230, 70, 30), (90, 220, 20), (60, 200, 230)])
def test_a_sheet_is_cut_out_with_its_ink(tone: int, ground: int, ink: int) -> None:
    sheet = find_sheet(table(tone, ground, ink))
    assert sheet is not None
    top, left = sheet.corner
    assert 60 < top < 90
    assert 100 < left < 130
    assert (np.abs(sheet.grey.astype(int) - ink) < 5).sum() == (
        np.abs(table(tone, ground, ink).astype(int) - ink) < 5
    ).sum()
    assert not (np.abs(sheet.grey.astype(int) - ground) < 5).any()


def test_an_empty_sheet_and_no_sheet_are_none() -> None:
    assert find_sheet(table(ink=None)) is None
    assert find_sheet(np.full((300, 400), 200, np.uint8)) is None


def test_a_0_is_no_sheet() -> None:
    page = Image.new("L", (400, 300), 240)
    ImageDraw.Draw(page).ellipse((120, 40, 280, 260), outline=20, width=30)
    assert find_sheet(np.asarray(page)) is None


def test_a_small_picture_has_no_table() -> None:
    assert find_sheet(table()[:100]) is None
