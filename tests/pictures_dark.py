"""Dark rooms, glare, faint ink, and pens and paper of the same darkness; see ``pictures.py``."""

import dataclasses

import numpy as np

from digitrec_edge import mnist
from tests import photographs
from tests.photographs import Plane
from tests.pictures import Layer, Made, Random, expose, written

KINDS = ("room", "glare", "faint", "coloured")
_HUES = ((215, 60, 60), (50, 150, 60), (60, 90, 215), (200, 110, 30), (150, 70, 190), (40, 150, 150))


def make(digits: mnist.Digits, kind: str, seed: int) -> Made:
    """Return a picture of one digit."""
    random = np.random.default_rng([seed, 200 + KINDS.index(kind)])
    shape, scene, label = written(digits, random)
    scene = dataclasses.replace(scene, digit_px=float(random.uniform(100, 380)))
    if kind == "glare":
        return Made(_glare(shape, scene, random), label)
    scene = {"room": _room, "faint": _faint, "coloured": _coloured}[kind](scene, random)
    return Made(expose([Layer(shape, scene.ink)], scene, random), label)


def _grey(level: float) -> tuple[int, int, int]:
    return (round(level), round(level), round(level))


def _room(scene: photographs.Scene, random: Random) -> photographs.Scene:
    paper = random.uniform(30, 80)
    ink = paper * random.uniform(0.15, 0.45)
    return dataclasses.replace(
        scene,
        paper=_grey(paper),
        ink=_grey(ink),
        noise=float(random.uniform(4, 9)),
        gradient=float(random.uniform(0, 0.3)),
        shadow=1.0,
    )


def _faint(scene: photographs.Scene, random: Random) -> photographs.Scene:
    paper = random.uniform(90, 240)
    return dataclasses.replace(
        scene,
        paper=_grey(paper),
        ink=_grey(paper - random.uniform(25, 45)),
        noise=float(random.uniform(2, 9)),
        gradient=float(random.uniform(0, 0.3)),
        shadow=1.0,
    )


def _coloured(scene: photographs.Scene, random: Random) -> photographs.Scene:
    """Two hues of nearly the same grey, as the weights 299, 587 and 114 of 1,000 give it."""
    one, other = (np.array(_HUES[k], float) for k in random.permutation(len(_HUES))[:2])
    weights = np.array([0.299, 0.587, 0.114])
    other = np.clip(other * (one @ weights) / (other @ weights) + random.uniform(-8, 8), 0, 255)
    ink, paper = ((int(hue[0]), int(hue[1]), int(hue[2])) for hue in (one, other))
    return dataclasses.replace(scene, ink=ink, paper=paper, gradient=scene.gradient / 2, noise=min(scene.noise, 4.0))


def _glare(shape: Plane, scene: photographs.Scene, random: Random) -> bytes:
    """A flash or a lamp mirrored in the paper, beside the digit or over a part of it."""
    width, height = scene.size
    scene = dataclasses.replace(scene, noise=min(scene.noise, 5.0))
    down, right = np.mgrid[:height, :width].astype(np.float32)
    y, x = random.uniform(0.1, 0.9) * height, random.uniform(0.1, 0.9) * width
    spread = random.uniform(0.06, 0.2) * min(width, height)
    near = ((down - y) ** 2 + ((right - x) * random.uniform(0.6, 1.4)) ** 2) / (2 * spread**2)
    strength = random.uniform(60, 200)
    return expose([Layer(shape, scene.ink)], scene, random, shine=(strength * np.exp(-near)).astype(np.float32))
