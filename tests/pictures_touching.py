"""Numbers whose digits touch; see ``pictures.py``."""

import dataclasses

import numpy as np

from digitrec_edge import mnist
from tests import photographs
from tests.photographs import Plane
from tests.pictures import UNIT, Layer, Made, Random, expose, handwriting

KINDS = ("two", "three", "four")


def make(digits: mnist.Digits, kind: str, seed: int) -> Made:
    """Return a picture of a number of two to four digits, each touching the next."""
    random = np.random.default_rng([seed, 300 + KINDS.index(kind)])
    chosen = random.integers(0, len(digits), 2 + KINDS.index(kind))
    pen = float(random.uniform(0.3, 0.5))
    page = joined([handwriting(digits.images[i], pen, round(UNIT * random.uniform(0.85, 1.1))) for i in chosen], random)
    scene = photographs.draw_scene(random)
    least = 60 * len(chosen)
    scene = dataclasses.replace(scene, digit_px=float(random.uniform(least, 440)), perspective=scene.perspective / 2)
    data = expose([Layer(page, scene.ink)], scene, random)
    return Made(data, "".join(str(digits.labels[i]) for i in chosen), multi=True)


def joined(shapes: list[Plane], random: Random) -> Plane:
    """Push each shape to the left until its ink meets that of the ones before, and a little further."""
    height = round(1.3 * UNIT)
    page = np.zeros((height, sum(shape.shape[1] for shape in shapes) + 2 * UNIT), np.float32)
    end = 4
    for k, shape in enumerate(shapes):
        top = (height - shape.shape[0]) // 2 + round(random.uniform(-0.06, 0.06) * UNIT)
        rows = page[top : top + shape.shape[0]]
        start = end
        while k and start > 4 and not _meet(rows, shape, start):
            start -= 1
        start = max(4, start - round(UNIT * random.uniform(0.0, 0.03))) if k else start
        target = rows[:, start : start + shape.shape[1]]
        np.maximum(target, shape, out=target)
        end = max(end, start + shape.shape[1] + 2)
    return page[:, : end + 4]


def _meet(rows: Plane, shape: Plane, start: int) -> bool:
    return bool(((rows[:, start : start + shape.shape[1]] > 0.5) & (shape > 0.5)).any())
