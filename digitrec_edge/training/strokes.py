"""Strokes drawn with a pen, in MNIST's form: 20 pixels at the longer side, the centre of mass in the middle.

The pixel loop is plain Python, compiled by numba at its first call, as in :mod:`digitrec_edge.training.augmentation`.
"""

import functools
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.quantization import PIXEL_MAX, SIDE
from digitrec_edge.training.compiled import compile_loop
from digitrec_edge.training.letters import Points

LONGER_SIDE_PX = 20
"""LeCun et al., "Gradient-based learning applied to document recognition" (Proceedings of the IEEE, 1998)."""

TURN_RADIANS = 0.3
SHEAR = 0.4
LOG_ASPECT = 0.45
PEN_RADIUS_PX = (0.5, 2.6)

_AT_A_TIME = 2000
"""So many images are drawn by a thread, then the next ones."""


def draw(marks: Sequence[Sequence[Points]], copies: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """Draw every mark several times, each time turned, slanted, stretched and with another pen.

    Args:
        marks: strokes, of any size and place.
        copies: of each.
        random: the same state gives the same images.

    Returns:
        ``(len(marks) * copies, 28, 28) uint8``, 0 is background.
    """
    pieces = [[_pieces(stroke) for stroke in mark] for mark in marks]
    counts = [sum(map(len, mark)) for mark in pieces]
    ends = np.concatenate([[0], np.cumsum(counts)])
    count = len(marks) * copies
    low, high = np.log(PEN_RADIUS_PX)
    images = np.empty((count, SIDE, SIDE), np.uint8)
    every = np.concatenate([piece for mark in pieces for piece in mark]).astype(np.float32)
    which, slants = np.repeat(np.arange(len(marks)), copies), _slants(count, random)
    radii = np.exp(random.uniform(low, high, count)).astype(np.float32)
    kernel = _compiled()

    def draw_some(start: int) -> None:
        some = slice(start, start + _AT_A_TIME)
        kernel(every, ends, which[some], slants[some], radii[some], images[some])

    with ThreadPoolExecutor() as pool:
        list(pool.map(draw_some, range(0, count, _AT_A_TIME)))
    return images


def _pieces(stroke: Points) -> Points:
    """Return the straight pieces of a stroke, ``(N, 4)``: from x, y to x, y."""
    return np.concatenate([stroke[:-1], stroke[1:]], axis=1)


def _slants(count: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Return ``(N, 4)``: the matrix by which points are multiplied, row by row."""
    turn = random.uniform(-TURN_RADIANS, TURN_RADIANS, count)
    shear = random.uniform(-SHEAR, SHEAR, count)
    across = np.exp(random.uniform(-LOG_ASPECT, LOG_ASPECT, count))
    cos, sin = np.cos(turn), np.sin(turn)
    return np.stack([cos * across, cos * shear - sin, sin * across, sin * shear + cos], axis=1).astype(np.float32)


@functools.cache
def _compiled() -> Callable[..., None]:
    return compile_loop(_draw_all)


def _draw_all(pieces: Any, ends: Any, marks: Any, slants: Any, radii: Any, out: Any) -> None:
    """Draw mark by mark: slant, scale to the longer side, draw, and again with the centre of mass in the middle."""
    one, half = np.float32(1), np.float32(0.5)
    for n in range(len(marks)):
        xx, xy, yx, yy = slants[n]
        radius = radii[n]
        here = np.empty((ends[marks[n] + 1] - ends[marks[n]], 4), np.float32)
        left = top = np.float32(1e9)
        right = bottom = np.float32(-1e9)
        for k in range(len(here)):
            for end in (0, 2):
                x, y = pieces[ends[marks[n]] + k, end], pieces[ends[marks[n]] + k, end + 1]
                u, v = xx * x + xy * y, yx * x + yy * y
                here[k, end], here[k, end + 1] = u, v
                left, right, top, bottom = min(left, u), max(right, u), min(top, v), max(bottom, v)
        scale = (np.float32(LONGER_SIDE_PX) - 2 * radius) / max(right - left, bottom - top, np.float32(1e-6))
        middle = np.float32((SIDE - 1) / 2)
        offset_x, offset_y = middle - scale * (left + right) * half, middle - scale * (top + bottom) * half
        image = out[n]
        for attempt in range(2):
            image[:] = 0
            for k in range(len(here)):
                x0, y0 = here[k, 0] * scale + offset_x, here[k, 1] * scale + offset_y
                across, down = (here[k, 2] - here[k, 0]) * scale, (here[k, 3] - here[k, 1]) * scale
                square = across * across + down * down + np.float32(1e-9)
                reach = radius + one
                for row in range(
                    max(0, math.floor(min(y0, y0 + down) - reach)), min(SIDE, math.ceil(max(y0, y0 + down) + reach) + 1)
                ):
                    for column in range(
                        max(0, math.floor(min(x0, x0 + across) - reach)),
                        min(SIDE, math.ceil(max(x0, x0 + across) + reach) + 1),
                    ):
                        along = ((column - x0) * across + (row - y0) * down) / square
                        along = min(max(along, np.float32(0)), one)
                        dx, dy = column - x0 - along * across, row - y0 - along * down
                        ink = radius + half - math.sqrt(dx * dx + dy * dy)
                        if ink > 0:
                            image[row, column] = max(image[row, column], np.uint8(PIXEL_MAX * min(ink, one)))
            if attempt == 0:
                mass = sum_x = sum_y = 0.0
                for row in range(SIDE):
                    for column in range(SIDE):
                        mass += image[row, column]
                        sum_x += image[row, column] * column
                        sum_y += image[row, column] * row
                if mass > 0:
                    offset_x += np.float32(SIDE / 2 - sum_x / mass)
                    offset_y += np.float32(SIDE / 2 - sum_y / mass)
