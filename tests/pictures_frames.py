"""Digits in printed frames: boxes, combs, underlines, dotted lines and table grids; see ``pictures.py``."""

import dataclasses

import numpy as np
from PIL import Image, ImageDraw

from digitrec_edge import mnist
from tests import photographs
from tests.photographs import Plane
from tests.pictures import UNIT, Layer, Made, Random, expose, handwriting, row_of

_ROWS = {"boxes": "box", "combs": "comb", "grids": "grid"}
KINDS = ("box", "comb", "underline", "dotted", "grid", "boxes", "combs", "grids")
_PRINTS = ((20, 20, 20), (110, 110, 110), (150, 180, 225), (200, 60, 60), (60, 140, 80), (235, 150, 70))
_MARGIN = 160


def make(digits: mnist.Digits, kind: str, seed: int) -> Made:
    """Return a picture of one digit in or on a frame, or of two to five in a row of them."""
    random = np.random.default_rng([seed, KINDS.index(kind)])
    several = kind in _ROWS
    chosen = random.integers(0, len(digits), random.integers(2, 6) if several else 1)
    pen = float(random.uniform(0.3, 0.5))
    heights = [round(UNIT * random.uniform(0.85, 1.1)) if several else UNIT for _ in chosen]
    shapes = [handwriting(digits.images[i], pen, height) for i, height in zip(chosen, heights, strict=True)]
    touched = bool(random.random() < 0.25)
    widest = max(shape.shape[1] for shape in shapes)
    cell = round(max(widest * (random.uniform(0.95, 1.05) if touched else random.uniform(1.15, 1.6)), 0.6 * UNIT))
    ink, cells = row_of(shapes, cell, _MARGIN, random)
    top = _MARGIN - round(UNIT * (random.uniform(-0.03, 0.03) if touched else random.uniform(0.08, 0.3)))
    bottom = (
        ink.shape[0] - _MARGIN + round(UNIT * (random.uniform(-0.03, 0.03) if touched else random.uniform(0.06, 0.3)))
    )
    print_ = _frame(ink.shape, _ROWS.get(kind, kind), cells, (top, bottom), random)
    return Made(expose_print(print_, ink, several, random), "".join(str(digits.labels[i]) for i in chosen), several)


def expose_print(print_: Plane, ink: Plane, several: bool, random: Random, beyond: int = 0) -> bytes:
    """Photograph handwriting on a printed form, on paper; ``beyond`` is that of ``expose``."""
    scene = dataclasses.replace(photographs.draw_scene(random), board=False)
    if scene.ink[0] > 200:
        scene = dataclasses.replace(scene, ink=(25, 25, 30), paper=(244, 238, 220))
    least = 320 if several else 150
    scene = dataclasses.replace(scene, digit_px=float(random.uniform(least, 440)), perspective=scene.perspective / 2)
    colour = _PRINTS[random.integers(len(_PRINTS))]
    return expose([Layer(print_, colour), Layer(ink, scene.ink)], scene, random, beyond=beyond)


def _frame(
    shape: tuple[int, ...], kind: str, cells: list[tuple[int, int]], rows: tuple[int, int], random: Random
) -> Plane:
    plane = Image.new("F", (shape[1], shape[0]))
    draw = ImageDraw.Draw(plane)
    top, bottom = rows
    left, right = cells[0][0], cells[-1][1]
    width = round(UNIT * random.uniform(0.012, 0.055))
    edges = [left, *(cell[1] for cell in cells)]
    if kind == "box":
        for start, end in cells:
            draw.rectangle((start, top, end, bottom), outline=1.0, width=width)
    elif kind == "comb":
        tooth = top + round((bottom - top) * (0.0 if random.random() < 0.5 else random.uniform(0.3, 0.7)))
        draw.line((left, bottom, right, bottom), 1.0, width)
        for edge in edges:
            draw.line((edge, tooth, edge, bottom), 1.0, width)
    elif kind == "underline":
        reach = round(UNIT * random.uniform(0.0, 0.5))
        draw.line((max(0, left - reach), bottom, right + reach, bottom), 1.0, width)
    elif kind == "dotted":
        step = max(round(UNIT * random.uniform(0.05, 0.1)), 2 * width + 2)
        for x in range(left - step, right + step, step):
            draw.ellipse((x - width / 2, bottom - width / 2, x + width / 2, bottom + width / 2), fill=1.0)
    else:
        pitch = cells[0][1] - cells[0][0]
        for edge in (left - pitch // 2, *edges, right + pitch // 2):
            draw.line((edge, 0, edge, shape[0]), 1.0, width)
        for y in (top, bottom):
            draw.line((0, y, shape[1], y), 1.0, width)
    return np.asarray(plane, np.float32)
