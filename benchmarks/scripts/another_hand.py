"""See how much a recogniser learns of another hand from 100 corrected digits, and what it forgets.

``python benchmarks/scripts/another_hand.py BASE.keras [--hands choosing|testing|usps] [--seed 0]``: a hand is a handwriting
font, got from npm as ``letter_glyphs.py`` does, whose every digit is drawn anew: slanted, scaled, bent and with another
pen. Or it is the mail of the United States Postal Service (``tests/usps.py``). A device reads its digits and keeps what
it is unsure of; the first 100 of these are corrected; ``train --base`` goes on with them; and 500 other digits of the
hand, drawn after them, are read by both. The hands ``choosing`` are those that the recipe was chosen by.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from benchmarks.scripts.letter_glyphs import font_of
from digitrec_edge.errors import PictureError
from digitrec_edge.preprocess import to_digit

HANDS = {
    "choosing": ("architects-daughter", "covered-by-your-grace", "gaegu", "indie-flower", "kalam", "reenie-beanie"),
    "testing": ("caveat", "gloria-hallelujah", "homemade-apple", "just-another-hand", "nothing-you-could-do", "rock-salt"),
}  # fmt: skip
CORRECTED, TESTED = 100, 500
SIZE_PX, POINTS, GRID = 280, 150, 4

Images = NDArray[np.uint8]


def write_digit(digit: int, font: bytes, random: np.random.Generator) -> Images:
    """Draw a digit as one person writes it, never twice the same; dark on light, ``(280, 280) uint8``."""
    import io

    face = ImageFont.truetype(io.BytesIO(font), int(POINTS * random.uniform(0.8, 1.2)))
    picture = Image.new("L", (SIZE_PX, SIZE_PX), 255)
    ImageDraw.Draw(picture).text((SIZE_PX / 2, SIZE_PX / 2), str(digit), fill=0, font=face, anchor="mm")
    pen = int(random.integers(0, 4))
    if pen:
        picture = picture.filter(ImageFilter.MinFilter(2 * pen + 1))
    return np.asarray(_bent(picture, random))


def _bent(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Slant, stretch and bend a picture: the corners of a grid move, and what is between them follows."""
    step = SIZE_PX / GRID
    corners = np.stack(np.meshgrid(np.arange(GRID + 1), np.arange(GRID + 1)), axis=-1) * step
    centred = corners - SIZE_PX / 2
    slant, turn = random.uniform(-0.15, 0.15), random.uniform(-0.1, 0.1)
    matrix = np.array([[1, turn], [slant - turn, 1]]) * random.uniform(0.9, 1.1, 2)
    moved = centred @ matrix + SIZE_PX / 2 + random.normal(0, 5, corners.shape)
    mesh = [
        (
            (int(x * step), int(y * step), int((x + 1) * step), int((y + 1) * step)),
            tuple(np.concatenate([moved[y, x], moved[y + 1, x], moved[y + 1, x + 1], moved[y, x + 1]]).tolist()),
        )
        for y in range(GRID)
        for x in range(GRID)
    ]
    return picture.transform(picture.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR, fillcolor=255)


def written(font: bytes, random: np.random.Generator) -> Iterator[tuple[Images, int]]:
    """Yield digits of a hand as ``(28, 28) uint8`` and what they are, without end."""
    while True:
        digit = int(random.integers(10))
        try:
            yield to_digit(write_digit(digit, font, random)), digit
        except PictureError:
            continue
