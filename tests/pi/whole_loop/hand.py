"""Another hand: one writer with a few ways to write each digit, who leans back so far that many are taken for others.

The ways are digits of MNIST's test set; no two pictures are the same.
"""

import functools
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge import mnist

_FIRST, _WAYS = 8000, 3
"""Where in the test set the ways begin, and how many of each digit there are. Of some writers a model misreads a fifth,
of some nine tenths; of this one half."""

_LEAN, _UNSTEADY = -1.0, 0.15
"""So far a stroke goes to the left, for each step that it goes up, and so much more or less."""

_WIDTH, _HEIGHT, _DIGIT = 240, 160, 112


def labels(places: range) -> list[int]:
    """Return what this hand wrote, by the places of pictures in all that it ever writes."""
    return [_choice(place)[0] for place in places]


def pictures(places: range) -> list[bytes]:
    """Return PNG files, dark on white, a digit on each."""
    return [_png(255 - leaning(*_choice(place), np.random.default_rng(place))) for place in places]


def leaning(digit: int, way: int, random: np.random.Generator) -> NDArray[Any]:
    """Write a digit in one of the ways, never twice the same: ``(160, 240) uint8``, light on black."""
    page = Image.new("L", (_WIDTH, _HEIGHT))
    large = Image.fromarray(_ways()[digit][way]).resize((_DIGIT, _DIGIT), Image.Resampling.BICUBIC)
    page.paste(large, ((_WIDTH - _DIGIT) // 2, (_HEIGHT - _DIGIT) // 2))
    lean = _LEAN + random.uniform(-_UNSTEADY, _UNSTEADY)
    wide, high = random.uniform(1 - _UNSTEADY, 1 + _UNSTEADY, 2)
    x, y = _WIDTH / 2, _HEIGHT / 2
    bent = (wide, lean, x - wide * x - lean * y, 0, high, y - high * y)
    return np.asarray(page.transform(page.size, Image.Transform.AFFINE, bent, Image.Resampling.BICUBIC))


def _choice(place: int) -> tuple[int, int]:
    digit, way = np.random.default_rng([place, 1]).integers((mnist.CLASSES, _WAYS)).tolist()
    return digit, way


@functools.cache
def _ways() -> list[NDArray[np.uint8]]:
    """Return the ways to write each digit, ``(_WAYS, 28, 28) uint8``."""
    test = mnist.load("test")
    images, labels = test.images[_FIRST:], test.labels[_FIRST:]
    return [images[labels == digit][:_WAYS] for digit in range(mnist.CLASSES)]


def _png(pixels: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()
