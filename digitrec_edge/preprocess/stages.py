"""A picture and the digits found on it, with every stage between."""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge.errors import PictureError
from digitrec_edge.frozen import Frozen, replace
from digitrec_edge.preprocess.components import Box, find_components
from digitrec_edge.preprocess.foreground import Foreground, find_foreground
from digitrec_edge.preprocess.frames import without_frames
from digitrec_edge.preprocess.noise import calm, is_noisy
from digitrec_edge.preprocess.normalise import normalise
from digitrec_edge.preprocess.reading import read_grey, to_grey
from digitrec_edge.preprocess.segmentation import Region, find_digits
from digitrec_edge.preprocess.sheets import Sheet, find_sheet, suggests_sheet


class Digit(Frozen):
    """A digit as the recogniser takes it.

    Attributes:
        box: where it is, in pixels of the upright original.
        image: ``(28, 28) uint8``, 0 is background, 255 is foreground.
        strength: ``(height, width) float32``, what the image was made of; None where it is not kept.
    """

    box: Box
    image: NDArray[np.uint8]
    strength: NDArray[np.float32] | None = None


class Stages(Frozen):
    """What reading a picture gave, as far as it got.

    Attributes:
        grey: ``(height, width) uint8``, the picture.
        foreground: None when none was found.
        found: the digits in reading order; empty when none was found.
        failure: why reading ended before there was a digit; None when it did not.
        shapes: the digits, and what is too wide to be one.
        cleaned: the foreground without frames; None when there are none.
        crowded: there is more foreground than a pen writes.
        repaired: ``(H, W) uint8``, what was read instead of the picture: without noise, or the sheet of paper
            that it shows; None when it was read as it is.
        reduced: how many pixels of the picture went into one of ``repaired``, along each axis.
        corner: where ``repaired`` begins, top and left in pixels of the picture.
        reduction: how many pixels of the original went into one of the picture, along each axis.
    """

    grey: NDArray[np.uint8]
    foreground: Foreground | None
    found: tuple[Digit, ...]
    failure: PictureError | None
    shapes: tuple[Digit, ...] = ()
    cleaned: Foreground | None = None
    crowded: bool = False
    repaired: NDArray[np.uint8] | None = None
    reduced: int = 1
    corner: tuple[int, int] = (0, 0)
    reduction: int = 1

    def digits(self) -> tuple[Digit, ...]:
        """Return the digits in reading order, at least one.

        Raises:
            PictureError: the picture is blank, or there is nothing like a digit on it.
        """
        if self.failure:
            raise self.failure
        return self.found

    def several(self) -> tuple[Digit, ...]:
        """Return the digits in reading order, and shapes too wide for one, which may be several that touch.

        Raises:
            PictureError: there is neither.
        """
        return self.shapes or self.digits()

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
    plain = _read(grey, reduction)
    if (not plain.shapes or is_noisy(grey)) and (quiet := calm(grey)):
        calmer = _read(quiet.grey, reduction * quiet.reduction)
        if calmer.shapes and not (plain.shapes and calmer.crowded):
            plain = replace(calmer, grey=grey, repaired=quiet.grey, reduced=quiet.reduction, reduction=reduction)
    if plain.shapes and not plain.crowded:
        return plain
    if (sheet := find_sheet(grey)) is not None:
        within = _read(sheet.grey, reduction, sheet.corner)
        if within.shapes and not _is_cut(within, sheet, reduction):
            return replace(within, grey=grey, repaired=sheet.grey, corner=sheet.corner)
    return plain


def _is_cut(stages: Stages, sheet: Sheet, reduction: int) -> bool:
    """Whether something that was found reaches the edge of the sheet."""
    (top, left), (height, width) = sheet.corner, sheet.grey.shape
    near = 2 * reduction * (stages.foreground.reduction if stages.foreground else 1)
    low, high = (
        (top * reduction + near, left * reduction + near),
        ((top + height) * reduction, (left + width) * reduction),
    )
    return any(
        d.box.top < low[0] or d.box.left < low[1] or d.box.bottom > high[0] or d.box.right > high[1]
        for d in stages.shapes
    )


def _read(grey: NDArray[np.uint8], reduction: int, corner: tuple[int, int] = (0, 0)) -> Stages:
    """Read a picture, or the cut of one whose top and left are given."""
    foreground = cleaned = None
    crowded = False
    shapes: tuple[Digit, ...] = ()
    try:
        foreground = find_foreground(grey)
        parts = find_components(foreground.mask)
        crowded = suggests_sheet(foreground.mask, parts[1])
        cleaned = without_frames(foreground, *parts)
        regions = find_digits(cleaned) if cleaned else find_digits(foreground, parts)
        shapes = tuple(_digit(region, foreground.reduction, reduction, corner) for region in regions)
        digits = tuple(shape for shape, region in zip(shapes, regions, strict=True) if not region.wide)
        if not digits:
            raise PictureError("no digit found: nothing has a digit's shape; digits that touch are read with --multi")
    except PictureError as failure:
        return Stages(grey, foreground, (), failure, shapes, cleaned, crowded, reduction=reduction)
    return Stages(grey, foreground, digits, None, shapes, cleaned, crowded, reduction=reduction)


def _digit(region: Region, reduced: int, reduction: int, corner: tuple[int, int]) -> Digit:
    box, (top, left) = region.box, corner
    edges = zip((box.top, box.left, box.bottom, box.right), (top, left, top, left), strict=True)
    return Digit(
        Box(*((edge * reduced + start) * reduction for edge, start in edges)),
        normalise(region.strength),
        region.strength,
    )


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
