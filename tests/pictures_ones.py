"""A 1 with a long upstroke, as it is written in much of Europe; see ``pictures.py``.

Its strokes are drawn here, and are no one's handwriting: an upstroke of a third to two thirds of the stem's length, and
a stem that is upright or leans to the right.
"""

import numpy as np
from PIL import Image, ImageDraw

from digitrec_edge import mnist
from tests import photographs
from tests.pictures import UNIT, Layer, Made, Random, expose

KINDS = ("upstroke", "thin")


def make(digits: mnist.Digits, kind: str, seed: int) -> Made:
    """Return a picture of a 1; of the kind ``thin`` the upstroke is half as wide as the stem."""
    del digits
    random = np.random.default_rng([seed, 400 + KINDS.index(kind)])
    page = _drawn(0.5 if kind == "thin" else 1.0, random)
    scene = photographs.draw_scene(random)
    return Made(expose([Layer(page, scene.ink)], scene, random), "1")


def _drawn(thinner: float, random: Random) -> photographs.Plane:
    side = 2 * UNIT
    plane = Image.new("F", (side, side))
    draw = ImageDraw.Draw(plane)
    width = UNIT * random.uniform(0.07, 0.12)
    lean = np.radians(random.uniform(-3, 18))
    foot = np.array([UNIT, 1.5 * UNIT])
    head = foot + UNIT * np.array([np.sin(lean), -np.cos(lean)])
    angle = np.radians(random.uniform(25, 50))  # between the stem's direction and the upstroke
    start = head + UNIT * random.uniform(0.33, 0.66) * np.array([-np.sin(angle), np.cos(angle)])
    for one, other, pen in ((start, head, thinner * width), (head, foot, width)):
        draw.line((*one, *other), 1.0, max(3, round(pen)))
        for end in (one, other):
            draw.ellipse((*(end - pen / 2), *(end + pen / 2)), fill=1.0)
    drawn = np.asarray(plane, np.float32)
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    return drawn[rows[0] - 4 : rows[-1] + 5, columns[0] - 4 : columns[-1] + 5]
