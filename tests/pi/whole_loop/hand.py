"""Another hand: digits of MNIST's test set that lean back so far that a model trained on MNIST takes many for none."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge import mnist

_LEAN = -1.0
"""So far a stroke goes to the left, for each step that it goes up."""

_WIDTH, _HEIGHT, _DIGIT = 240, 160, 112


def labels(places: range) -> list[int]:
    """Return what this hand wrote, by places in the test set."""
    found: list[int] = mnist.load("test").labels[places.start : places.stop].tolist()
    return found


def pictures(places: range) -> list[bytes]:
    """Return PNG files, dark on white, a digit on each."""
    return [_png(255 - leaning(image)) for image in mnist.load("test").images[places.start : places.stop]]


def leaning(image: NDArray[np.uint8]) -> NDArray[Any]:
    """Return a larger picture of a digit ``(28, 28) uint8`` that leans."""
    page = Image.new("L", (_WIDTH, _HEIGHT))
    large = Image.fromarray(image).resize((_DIGIT, _DIGIT), Image.Resampling.BICUBIC)
    page.paste(large, ((_WIDTH - _DIGIT) // 2, (_HEIGHT - _DIGIT) // 2))
    lean = (1, _LEAN, -_LEAN * _HEIGHT / 2, 0, 1, 0)
    return np.asarray(page.transform(page.size, Image.Transform.AFFINE, lean, Image.Resampling.BICUBIC))


def _png(pixels: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()
