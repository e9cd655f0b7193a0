"""Blemishes: lines, blots and rectangles over a training image, blur, outlines of its strokes.

General means, drawn by chance; none of the corruptions that ``robustness`` measures with is made here. The pixel loop
is plain Python, compiled by numba at its first call, as in :mod:`digitrec_edge.training.augmentation`.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.quantization import PIXEL_MAX, SIDE
from digitrec_edge.training.compiled import compile_loop

_CHANCES = 24
"""Random numbers of an image: what a kind of blemish needs at most."""


def add_blemishes(images: NDArray[np.uint8], probability: float, random: np.random.Generator) -> NDArray[np.uint8]:
    """Blemish some images, each in one way.

    Args:
        images: ``(N, 28, 28) uint8``, 0 is background, 255 is foreground.
        probability: of an image to be blemished.
        random: the same state gives the same images.

    Returns:
        ``(N, 28, 28) uint8``.
    """
    out = images.copy()
    places = np.flatnonzero(random.random(len(images)) < probability)
    kinds = random.choice(len(KINDS), len(places), p=[kind.share for kind in KINDS])
    chances = random.random((len(places), _CHANCES), np.float32)
    for number, kind in enumerate(KINDS):
        rows = np.flatnonzero(kinds == number)
        if len(rows):
            _compiled(kind.blemish)(out, images, places[rows], chances[rows], *kind.strengths)
    return out


@functools.cache
def _compiled(loop: Callable[..., None]) -> Callable[..., None]:
    return compile_loop(loop)


def _rectangle(out: Any, images: Any, places: Any, chances: Any, widest: Any, inverted: Any) -> None:
    """Invert or erase a rectangle, two of five a whole stripe; in all these loops chances are uniform in 0 to 1."""
    side = out.shape[1]
    for n in range(len(places)):
        image, chance = out[places[n]], chances[n]
        high = side if chance[5] < 0.4 else 2 + chance[0] * (side - 2)
        wide = 1 + chance[1] * widest
        if chance[2] < 0.5:
            high, wide = wide, high
        top, left = chance[3] * (side - high), chance[4] * (side - wide)
        for row in range(int(top), int(top + high)):
            for column in range(int(left), int(left + wide)):
                image[row, column] = PIXEL_MAX - image[row, column] if inverted else 0


def _draw_lines(out: Any, images: Any, places: Any, chances: Any) -> None:
    """Draw one to five lines, each from the end of the one before."""
    side = out.shape[1]
    for n in range(len(places)):
        image, chance = out[places[n]], chances[n]
        radius, ink, x, y = 0.2 + chance[0], 0.5 + 0.5 * chance[1], chance[2] * side, chance[3] * side
        for k in range(1 + int(chance[4] * 5)):
            next_x, next_y = chance[5 + 2 * k] * side, chance[6 + 2 * k] * side
            across, down = next_x - x, next_y - y
            square = across * across + down * down + 1e-6
            for row in range(side):
                for column in range(side):
                    along = min(max(((column - x) * across + (row - y) * down) / square, 0.0), 1.0)
                    far = math.hypot(column - x - along * across, row - y - along * down)
                    value = PIXEL_MAX * ink * min(max(radius + 0.5 - far, 0.0), 1.0)
                    image[row, column] = max(image[row, column], int(value))
            x, y = next_x, next_y


def _blot(out: Any, images: Any, places: Any, chances: Any) -> None:
    """Cover up to five spots, three in ten of them with background."""
    side = out.shape[1]
    for n in range(len(places)):
        image, chance = out[places[n]], chances[n]
        for k in range(1 + int(chance[0] * 5)):
            x, y, radius = chance[1 + 4 * k] * side, chance[2 + 4 * k] * side, 0.5 + 2.5 * chance[3 + 4 * k]
            there = 0.0 if chance[4 + 4 * k] < 0.3 else float(PIXEL_MAX)
            for row in range(side):
                for column in range(side):
                    cover = min(max(radius + 0.5 - math.hypot(column - x, row - y), 0.0), 1.0)
                    image[row, column] = int(image[row, column] * (1 - cover) + there * cover)


def _blur(out: Any, images: Any, places: Any, chances: Any) -> None:
    """Mix every pixel with the mean of its 3 x 3 neighbours."""
    side = out.shape[1]
    for n in range(len(places)):
        image, before, centre = out[places[n]], images[places[n]], 0.2 + 0.5 * chances[n, 0]
        for row in range(side):
            for column in range(side):
                near = 0.0
                for down in range(max(0, row - 1), min(side, row + 2)):
                    for across in range(max(0, column - 1), min(side, column + 2)):
                        near += before[down, across]
                image[row, column] = int(centre * before[row, column] + (1 - centre) * near / 9)


def _smear(out: Any, images: Any, places: Any, chances: Any) -> None:
    """Take the mean along a short line in some direction."""
    side = out.shape[1]
    for n in range(len(places)):
        image, before, chance = out[places[n]], images[places[n]], chances[n]
        angle, steps = math.pi * chance[0], 2 + int(chance[1] * 6)
        for row in range(side):
            for column in range(side):
                total = 0.0
                for k in range(steps):
                    move = k - (steps - 1) / 2
                    x, y = column + round(move * math.cos(angle)), row + round(move * math.sin(angle))
                    if 0 <= x < side and 0 <= y < side:
                        total += before[y, x]
                image[row, column] = int(total / steps)


def _outline(out: Any, images: Any, places: Any, chances: Any) -> None:
    """Leave how far the largest and the least value of a 3 x 3 cross are apart, every other time in black and white."""
    side = out.shape[1]
    for n in range(len(places)):
        image, before, chance = out[places[n]], images[places[n]], chances[n]
        for row in range(side):
            for column in range(side):
                low = high = float(before[row, column])
                for down, across in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                    y, x = row + down, column + across
                    there = float(before[y, x]) if 0 <= y < side and 0 <= x < side else 0.0
                    low, high = min(low, there), max(high, there)
                value = min((high - low) * (1 + chance[0]), PIXEL_MAX)
                image[row, column] = int(value if chance[1] < 0.5 or value > PIXEL_MAX / 2 else 0)


def _veil(out: Any, images: Any, places: Any, chances: Any) -> None:
    """Add light that falls off to one side, in waves."""
    side = out.shape[1]
    for n in range(len(places)):
        image, chance = out[places[n]], chances[n]
        light, slope_x, slope_y = chance[0] * 150, (chance[1] - 0.5) * 8, (chance[2] - 0.5) * 8
        waves, phase = 0.1 + chance[3] * 0.5, chance[4] * 7
        for row in range(side):
            for column in range(side):
                veil = light + slope_x * (column - side / 2) + slope_y * (row - side / 2)
                veil *= 0.75 + 0.25 * math.sin(waves * (column * chance[5] + row * (1 - chance[5])) + phase)
                image[row, column] = int(min(max(image[row, column] + max(veil, 0.0), 0.0), PIXEL_MAX))


@dataclass(frozen=True)
class Blemish:
    """A kind of blemish.

    Attributes:
        share: of all blemished images.
        blemish: loop over the images ``out[places]``, to be compiled; ``images`` are those before.
        strengths: its further arguments.
    """

    name: str
    share: float
    blemish: Callable[..., None]
    strengths: tuple[float | bool, ...] = ()


KINDS = (
    Blemish("inverted rectangle", 0.32, _rectangle, (SIDE / 3, True)),
    Blemish("erased rectangle", 0.05, _rectangle, (SIDE / 8, False)),
    Blemish("lines", 0.17, _draw_lines),
    Blemish("blots", 0.10, _blot),
    Blemish("blur", 0.05, _blur),
    Blemish("smear", 0.12, _smear),
    Blemish("outline", 0.14, _outline),
    Blemish("veil", 0.05, _veil),
)
