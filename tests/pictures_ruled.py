"""Digits and numbers on ruled and squared paper, whose lines run through them; see ``pictures.py``."""

import numpy as np
from PIL import Image, ImageDraw

from digitrec_edge import mnist
from tests.photographs import Plane
from tests.pictures import UNIT, Made, Random, handwriting, row_of
from tests.pictures_frames import expose_print

KINDS = ("lines", "squares", "number-lines", "number-squares")
_MARGIN, _BEYOND = 160, 1800
"""Around the number, and around that: the paper fills the picture."""


def make(digits: mnist.Digits, kind: str, seed: int) -> Made:
    """Return a picture of one digit, or of a number of two to five, on printed paper."""
    random = np.random.default_rng([seed, KINDS.index(kind)])
    several = kind.startswith("number")
    chosen = random.integers(0, len(digits), random.integers(2, 6) if several else 1)
    pen = float(random.uniform(0.3, 0.5))
    shapes = [handwriting(digits.images[i], pen, round(UNIT * random.uniform(0.85, 1.1))) for i in chosen]
    cell = round(max(max(shape.shape[1] for shape in shapes) * random.uniform(1.15, 1.6), 0.6 * UNIT))
    ink, _ = row_of(shapes, cell, _MARGIN, random)
    ink = np.pad(ink, _BEYOND)
    print_ = _paper(ink.shape, kind.endswith("squares"), random)
    data = expose_print(print_, ink, several, random, _BEYOND)
    return Made(data, "".join(str(digits.labels[i]) for i in chosen), several)


def _paper(shape: tuple[int, ...], squares: bool, random: Random) -> Plane:
    plane = Image.new("F", (shape[1], shape[0]))
    draw = ImageDraw.Draw(plane)
    pitch = UNIT * random.uniform(0.3, 0.7) if squares else UNIT * random.uniform(0.7, 1.6)
    width = round(UNIT * random.uniform(0.008, 0.03))
    for y in np.arange(random.uniform(0, pitch), shape[0], pitch):
        draw.line((0, y, shape[1], y), 1.0, width)
    for x in np.arange(random.uniform(0, pitch), shape[1], pitch) if squares else ():
        draw.line((x, 0, x, shape[0]), 1.0, width)
    return np.asarray(plane, np.float32)
