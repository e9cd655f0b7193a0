"""Dark rooms and faint ink: where noise is near to the contrast, pixels are averaged and the contrast is stretched."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge.frozen import Frozen
from digitrec_edge.preprocess.filters import BAND_ROWS, box_mean
from digitrec_edge.quantization import PIXEL_MAX

MIN_SIDE_PX = 96
"""Smaller pictures have no pixels to spare."""

NOISY = 8.0
"""A picture is noisy when its contrast is less than so many standard deviations of its noise."""

WANTED = 36.0
"""... and is averaged down until its contrast is as many."""

MAX_REDUCTION = 5

SMOOTH_PX = 1
"""... and over so many pixels around each, after that."""

MIN_RATIO = 9.0
"""Contrast by noise, after averaging; noise alone has 6.2."""

MIN_RANGE = 8.0
"""Of 255; a fainter picture is blank."""

FLOOR, TOP = 0.6, 240.0
"""The darkest stays above 0, by so much of the range: contrast is relative to the light; the brightest becomes TOP."""

LAG_PX = 3
"""Noise is measured between pixels so far apart: JPEG makes neighbours alike."""

_SPREAD = (0.1, 99.9)
_MAD_OF_DIFFERENCES = 1.4826 / np.sqrt(2)


class Calm(Frozen):
    """A picture with less noise.

    Attributes:
        grey: ``(H, W) uint8``, from the darkest to the brightest.
        reduction: how many pixels of the picture went into one, along each axis.
    """

    grey: NDArray[np.uint8]
    reduction: int


def noise_of(values: NDArray[np.float32]) -> float:
    """Estimate the standard deviation of the noise in ``(H, W)``, from pixels that are near each other."""
    differences = values[:, LAG_PX:] - values[:, :-LAG_PX]
    return float(_MAD_OF_DIFFERENCES * np.median(np.abs(differences - np.median(differences))))


def noise_of_pixels(grey: NDArray[np.uint8]) -> float:
    """Return what :func:`noise_of` returns; differences of whole numbers are counted, which takes no memory."""
    counts = np.zeros(2 * PIXEL_MAX + 1, np.int64)
    for top in range(0, len(grey), BAND_ROWS):
        band = grey[top : top + BAND_ROWS].astype(np.int16)
        differences = band[:, LAG_PX:] - band[:, :-LAG_PX]
        counts += np.bincount(differences.ravel() + PIXEL_MAX, minlength=len(counts))
    sizes = np.arange(-PIXEL_MAX, PIXEL_MAX + 1)
    return float(_MAD_OF_DIFFERENCES * _median(np.abs(sizes - _median(sizes, counts)), counts))


def _median(values: NDArray[Any], counts: NDArray[np.int64]) -> float:
    """Return the median of values each of which there is so many times."""
    order = np.argsort(values)
    ends = np.cumsum(counts[order])
    middle = np.searchsorted(ends, [(ends[-1] - 1) // 2, ends[-1] // 2], side="right")
    return float(values[order[middle]].mean())


def is_noisy(grey: NDArray[np.uint8]) -> bool:
    """Whether noise hides what ``(H, W) uint8`` shows."""
    if min(grey.shape) < MIN_SIDE_PX:
        return False
    low, high = np.percentile(np.asarray(Image.fromarray(grey).reduce(4)), _SPREAD)
    return bool(NOISY * noise_of_pixels(grey[:: max(1, len(grey) // 64)]) > high - low)


def calm(grey: NDArray[np.uint8]) -> Calm | None:
    """Average a picture down by as much as its noise needs, and stretch its contrast.

    Args:
        grey: ``(H, W) uint8``.

    Returns:
        None when there is nothing but noise.
    """
    if min(grey.shape) < MIN_SIDE_PX:
        return None
    low, high = np.percentile(np.asarray(Image.fromarray(grey).reduce(4)), _SPREAD)
    wanted = int(np.ceil(WANTED * noise_of_pixels(grey) / max(high - low, 1.0)))
    reduction = max(1, -(-max(grey.shape) // 1024), min(wanted, MAX_REDUCTION, min(grey.shape) // MIN_SIDE_PX))
    smooth = box_mean(_reduced(grey, reduction), SMOOTH_PX)
    low, high = (float(bound) for bound in np.percentile(smooth, _SPREAD))
    if high - low < max(MIN_RANGE, MIN_RATIO * noise_of(smooth)):
        return None
    floor = max(0.0, low - FLOOR * (high - low))
    stretched = np.clip((smooth - floor) * (TOP / (high - floor)), 0, PIXEL_MAX)
    return Calm(np.rint(stretched).astype(np.uint8), reduction)


def _reduced(grey: NDArray[np.uint8], reduction: int) -> NDArray[np.float32]:
    """Average so many pixels each way, some rows at a time: as float32 a whole picture is four times as large."""
    height = reduction * -(-BAND_ROWS // reduction)
    bands = (grey[top : top + height].astype(np.float32) for top in range(0, len(grey), height))
    return np.concatenate([np.asarray(Image.fromarray(band).reduce(reduction)) for band in bands])
