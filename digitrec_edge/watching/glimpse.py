"""A glimpse: what one frame shows in one region, or why it cannot be told."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge.preprocess.reading import Picture, to_grey
from digitrec_edge.recognition import How, Recognition, recognise

if TYPE_CHECKING:
    from runtimes import Model

DARK, FLAT = 40, 24
"""Grey below which the brightest of a region counts as dark, and the least contrast that a number has."""

EDGES = (2.0, 98.0)
"""Percentiles that stand for the darkest and the brightest."""

DARKNESS, NOTHING, UNSURE = "too dark", "no digit", "unsure"


@dataclass(frozen=True)
class Glimpse:
    """What was read in a region of one frame.

    Attributes:
        text: the number as it stands there; None when it cannot be told.
        probabilities: of each digit of the text.
        reason: why there is no text.
        found: what was recognised; None when nothing was sought.
    """

    text: str | None
    probabilities: tuple[float, ...]
    reason: str | None
    found: Recognition | None = None


def no_glimpse(reason: str) -> Glimpse:
    """Return what is known when there is no frame."""
    return Glimpse(None, (), reason)


def glimpse(model: "Model", pixels: NDArray[np.uint8], name: str, how: How) -> Glimpse:
    """Read one number.

    Args:
        model: that reads it.
        pixels: of the region, ``(height, width)`` or ``(height, width, 3) uint8``.
        name: what messages call it.
        how: several digits, and the least probability of each.
    """
    grey = pixels if pixels.ndim == 2 else to_grey(Image.fromarray(pixels))
    low, high = np.percentile(grey[::2, ::2], EDGES)
    if high < DARK:
        return no_glimpse(DARKNESS)
    if high - low < FLAT:
        return no_glimpse(NOTHING)
    found = recognise(model, name, lambda: Picture(np.ascontiguousarray(grey), 1), how)
    return _glimpse(found)


def _glimpse(found: Recognition) -> Glimpse:
    if not found.answers:
        return Glimpse(None, (), NOTHING, found)
    labels = found.model.labels
    probabilities = tuple(float(answer.probabilities[answer.digits]) for answer in found.answers)
    if not all(found.accepted):
        return Glimpse(None, probabilities, NOTHING, found)
    if min(probabilities) < found.how.min_confidence:
        return Glimpse(None, probabilities, UNSURE, found)
    return Glimpse("".join(labels[answer.digits] for answer in found.answers), probabilities, None, found)
