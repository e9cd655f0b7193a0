"""A picture and the digits found on it, with every stage between."""

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge.errors import PictureError
from digitrec_edge.preprocess.components import Box
from digitrec_edge.preprocess.foreground import Foreground, find_foreground
from digitrec_edge.preprocess.normalise import normalise
from digitrec_edge.preprocess.reading import read_grey, to_grey
from digitrec_edge.preprocess.segmentation import Region, find_digits


@dataclass(frozen=True)
class Digit:
    """A digit as the recogniser takes it.

    Attributes:
        box: where it is, in pixels of the upright original.
        image: ``(28, 28) uint8``, 0 is background, 255 is foreground.
    """

    box: Box
    image: NDArray[np.uint8]


@dataclass(frozen=True)
class Stages:
    """What reading a picture gave, as far as it got.

    Attributes:
        grey: ``(height, width) uint8``, the picture.
        foreground: None when none was found.
        found: the digits in reading order; empty when none was found.
        failure: why reading ended before there was a digit; None when it did not.
    """

    grey: NDArray[np.uint8]
    foreground: Foreground | None
    found: tuple[Digit, ...]
    failure: PictureError | None

    def digits(self) -> tuple[Digit, ...]:
        """Return the digits in reading order, at least one.

        Raises:
            PictureError: the picture is blank, or there is nothing like a digit on it.
        """
        if self.failure:
            raise self.failure
        return self.found

    def single(self) -> Digit:
        """Return the one digit.

        Raises:
            PictureError: there is none, or there are several.
        """
        digits = self.digits()
        if len(digits) > 1:
            raise PictureError(f"{len(digits)} digits found where one is expected; read them all with --multi")
        return digits[0]


def read_stages(grey: NDArray[np.uint8], reduction: int = 1) -> Stages:
    """Find and normalise every digit on ``(height, width) uint8``; a failure is part of the answer.

    Args:
        grey: the picture.
        reduction: how many pixels of the original went into one of these, along each axis.
    """
    foreground = None
    try:
        foreground = find_foreground(grey)
        digits = tuple(_digit(region, foreground.reduction * reduction) for region in find_digits(foreground))
    except PictureError as failure:
        return Stages(grey, foreground, (), failure)
    return Stages(grey, foreground, digits, None)


def _digit(region: Region, reduction: int) -> Digit:
    box = region.box
    original = Box(*(edge * reduction for edge in (box.top, box.left, box.bottom, box.right)))
    return Digit(original, normalise(region.strength))


def to_digit(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make a picture of one digit into ``(28, 28) uint8`` as MNIST has it.

    Dark on light and light on dark are told apart: the foreground is what there is less of.

    Args:
        picture: ``(height, width) uint8`` in grey, or ``(height, width, 3 or 4) uint8``, a frame in red, green, blue
            and perhaps opacity.

    Raises:
        PictureError: another shape or dtype, or the picture is blank, or has no digit or several.
    """
    return read_stages(_grey(picture)).single().image


def _grey(picture: Any) -> NDArray[np.uint8]:
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8:
        kind = picture.dtype if isinstance(picture, np.ndarray) else type(picture).__name__
        raise PictureError(f"the picture is {kind}; a numpy array of uint8, 0 to 255, is needed")
    if picture.size == 0:
        raise PictureError(f"the picture has no pixels: its shape is {picture.shape}")
    if picture.ndim == 2:
        return picture
    if picture.ndim == 3 and picture.shape[2] in (3, 4):
        return to_grey(Image.fromarray(picture))
    raise PictureError(f"the picture has shape {picture.shape}; (height, width), or with 3 or 4 for colour, is needed")


def read_picture(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Read a picture file of one digit as ``(28, 28) uint8``, 0 is background, 255 is foreground.

    Raises:
        PictureError: no such file, no picture, truncated, too large, blank, no digit or several.
    """
    grey = read_grey(path)
    try:
        return to_digit(grey)
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from None
