"""A picture and the digits on it, with every stage between kept for those who want to see it."""

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.errors import PictureError
from digitrec_edge.preprocess.components import Box
from digitrec_edge.preprocess.ink import Ink, find_ink
from digitrec_edge.preprocess.normalise import normalise
from digitrec_edge.preprocess.reading import read_grey
from digitrec_edge.preprocess.segmentation import Found, find_digits


@dataclass(frozen=True)
class Digit:
    """A digit as the recogniser takes it.

    Attributes:
        box: where it is, in pixels of the upright original.
        image: ``(28, 28) uint8``, 0 paper and 255 ink.
    """

    box: Box
    image: NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """What was found on a picture; ``digits`` are in reading order, at least one."""

    ink: Ink
    digits: tuple[Digit, ...]


def read_stages(grey: NDArray[np.uint8]) -> Picture:
    """Find and normalise every digit on ``(height, width) uint8``.

    Raises:
        PictureError: the picture is blank, or there is nothing like a digit on it.
    """
    ink = find_ink(grey)
    return Picture(ink, tuple(_digit(found, ink.reduction) for found in find_digits(ink)))


def _digit(found: Found, reduction: int) -> Digit:
    box = found.box
    original = Box(*(edge * reduction for edge in (box.top, box.left, box.bottom, box.right)))
    return Digit(original, normalise(found.strength))


def single(picture: Picture) -> Digit:
    """Return the one digit.

    Raises:
        PictureError: there are several.
    """
    if len(picture.digits) > 1:
        raise PictureError(f"{len(picture.digits)} digits found where one is expected; read them all with --multi")
    return picture.digits[0]


def to_digit(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make ``(height, width) uint8`` of one digit into ``(28, 28) uint8`` as MNIST has it.

    Dark on light and light on dark are told apart: ink is what there is less of.

    Raises:
        PictureError: the picture is blank, or has no digit or several.
    """
    return single(read_stages(grey)).image


def read_picture(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Read a picture file of one digit as ``(28, 28) uint8``, 0 paper and 255 ink.

    Raises:
        PictureError: no such file, no picture, truncated, too large, blank, no digit or several.
    """
    grey = read_grey(path)
    try:
        return to_digit(grey)
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from None
