"""A digit on a sheet on a table, on a sticky note, or with a circle around it; see ``pictures.py``."""

import dataclasses

import numpy as np
from PIL import Image, ImageDraw

from digitrec_edge import mnist
from tests import photographs
from tests.photographs import Plane
from tests.pictures import UNIT, Layer, Made, Random, expose, written

KINDS = ("sheet", "note", "circle")
_TABLES = ((120, 80, 50), (60, 45, 35), (165, 130, 95), (40, 42, 48), (105, 105, 110), (150, 60, 50), (70, 90, 110))
_NOTES = ((250, 235, 110), (250, 170, 190), (165, 225, 150), (150, 205, 240), (250, 190, 110))
_WALLS = (*_TABLES, (245, 243, 238), (215, 220, 225))


def make(digits: mnist.Digits, kind: str, seed: int) -> Made:
    """Return a picture of one digit."""
    random = np.random.default_rng([seed, 100 + KINDS.index(kind)])
    shape, scene, label = written(digits, random)
    data = _circled(shape, scene, random) if kind == "circle" else _laid(shape, kind, scene, random)
    return Made(data, label)


def _circled(shape: Plane, scene: photographs.Scene, random: Random) -> bytes:
    side = round(np.hypot(shape.shape[0], shape.shape[1]) * random.uniform(1.1, 1.5)) + 40
    ink = _in_the_middle(shape, side, side)
    plane = Image.new("F", (side, side))
    width = UNIT * random.uniform(0.03, 0.11)
    angles = np.linspace(0, 2 * np.pi * random.uniform(0.97, 1.05), 100)
    wobble = 1 + 0.03 * np.sin(angles * random.integers(1, 4) + random.uniform(0, 6)) - 0.02 * angles / 6
    radius = (side / 2 - 20) * wobble
    flat = random.uniform(0.85, 1.0, 2)
    points = np.stack([side / 2 + flat[0] * radius * np.cos(angles), side / 2 + flat[1] * radius * np.sin(angles)], 1)
    ImageDraw.Draw(plane).line([tuple(p) for p in points], 1.0, round(width), joint="curve")
    ring = np.asarray(plane, np.float32)
    colour = scene.ink if random.random() < 0.6 else (190, 40, 40)
    scene = dataclasses.replace(scene, digit_px=float(random.uniform(130, 420)))
    return expose([Layer(ring, colour), Layer(ink, scene.ink)], scene, random)


def _laid(shape: Plane, kind: str, scene: photographs.Scene, random: Random) -> bytes:
    """A sheet or note with the digit somewhere on it; now and then a sheet leaves the picture."""
    least = 1.15 if kind == "note" else 1.3
    width, height = (round(max(shape.shape) * random.uniform(least, 2.6)) for _ in range(2))
    if kind == "note":
        height = width
    page = np.zeros((height, width), np.float32)
    room = np.array([height, width]) - shape.shape
    top, left = (int(random.uniform(0.12, 0.88) * r) for r in room)
    page[top : top + shape.shape[0], left : left + shape.shape[1]] = shape
    tone = _NOTES[random.integers(len(_NOTES))] if kind == "note" else scene.paper
    grounds = _WALLS if kind == "note" else _TABLES
    ground = grounds[random.integers(len(grounds))]
    turned = float(random.uniform(-12, 12))
    scene = dataclasses.replace(
        scene, paper=ground, digit_px=float(random.uniform(230, 430)), slant_degrees=turned, gradient=scene.gradient / 2
    )
    out = kind == "sheet" and random.random() < 0.25
    if out:
        scene = dataclasses.replace(scene, digit_px=scene.digit_px * 1.3)
    sheet = Layer(np.ones_like(page), tone)
    return expose([sheet, Layer(page, scene.ink)], scene, random)


def _in_the_middle(shape: Plane, height: int, width: int) -> Plane:
    page = np.zeros((height, width), np.float32)
    top, left = (height - shape.shape[0]) // 2, (width - shape.shape[1]) // 2
    page[top : top + shape.shape[0], left : left + shape.shape[1]] = shape
    return page
