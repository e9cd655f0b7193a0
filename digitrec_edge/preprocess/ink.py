"""Finding ink: how much of it lies on every pixel, on even or uneven paper, dark on light or light on dark."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge.errors import PictureError
from digitrec_edge.preprocess.filters import box_mean, close

WORKING_PX = 1024
"""Larger pictures are averaged down to this first."""

MIN_CONTRAST = 24.0
"""Of 255; a picture without any ink that differs so much from its paper is blank."""

EVEN_SHARE = 0.6
EVEN_TOLERANCE = 0.1
"""Paper is even when so much of the picture's rim is within this share of the ink's contrast."""

MIN_SIGNAL = 6.0
"""Ink must differ from uneven paper by so many standard deviations of the paper."""

CLEAN_THRESHOLD = 0.05
EVEN_THRESHOLD = 0.25
UNEVEN_THRESHOLD = 0.3
"""Of full ink; weaker pixels do not decide where a digit is and what hangs together."""

MIN_PAPER = 16.0
"""Of 255; ink is taken relative to its paper, as light makes both brighter, but to no darker paper than this."""

MAD_TO_SIGMA = 1.4826
"""From the median absolute deviation to the standard deviation of a normal distribution."""

SMALL_PX = 48
"""In a clean picture no larger than this, the faintest pixel is part of a stroke."""

_COARSE_PX = 160
_WINDOW_SHARE = 0.45
"""Of the short side: wider than any stroke, for a smaller window would hollow a marker's out."""


@dataclass(frozen=True)
class Ink:
    """A picture as ink.

    Attributes:
        grey: ``(H, W) uint8``, the picture at working size.
        paper: ``(H, W) float32``, how bright it would be without ink.
        strength: ``(H, W) float32``, 0 paper to 1 full ink.
        mask: ``(H, W) bool``, where ink is strong enough to count.
        reduction: how many pixels of the original went into one, along each axis.
        even: the paper was even.
        clean: it was also free of noise: every shade is ink, as an anti-aliased drawing has it.
        threshold: what strength makes the mask.
    """

    grey: NDArray[np.uint8]
    paper: NDArray[np.float32]
    strength: NDArray[np.float32]
    mask: NDArray[np.bool_]
    reduction: int
    even: bool
    clean: bool
    threshold: float


def find_ink(grey: NDArray[np.uint8]) -> Ink:
    """Tell ink from paper.

    Args:
        grey: ``(height, width) uint8``.

    Raises:
        PictureError: there is no ink.
    """
    if grey.size == 0:
        raise PictureError("the picture has no pixels")
    reduction = -(-max(grey.shape) // WORKING_PX)
    if reduction > 1:
        grey = np.asarray(Image.fromarray(grey).reduce(reduction))
    values = grey.astype(np.float32)
    rim = np.concatenate([values[0], values[-1], values[1:-1, 0], values[1:-1, -1]])
    level = float(np.median(rim))
    smooth = box_mean(values, 1) if min(values.shape) >= 64 else values
    darker, lighter = level - float(smooth.min()), float(smooth.max()) - level
    contrast = max(darker, lighter)
    if contrast < MIN_CONTRAST:
        raise PictureError("no digit found: the picture is blank")
    if (np.abs(rim - level) <= max(3.0, EVEN_TOLERANCE * contrast)).mean() >= EVEN_SHARE:
        return _on_even_paper(grey, values, rim, level, dark=darker >= lighter, reduction=reduction)
    return _on_uneven_paper(grey, values, reduction)


def _on_even_paper(
    grey: NDArray[np.uint8],
    values: NDArray[np.float32],
    rim: NDArray[np.float32],
    level: float,
    *,
    dark: bool,
    reduction: int,
) -> Ink:
    """One level of paper for all of the picture; every shade of a clean scan is kept."""
    ink = np.clip(level - values if dark else values - level, 0, None)
    noise = MAD_TO_SIGMA * float(np.median(np.abs(rim - level)))
    clean = noise < 1
    low, high = (0.0, float(ink.max())) if clean else (2.5 * noise, _full_ink(ink, 2.5 * noise))
    if high - low < MIN_CONTRAST / 2:
        raise PictureError("no digit found: nothing stands out of the paper")
    strength = np.clip((ink - low) / (high - low), 0, 1).astype(np.float32)
    threshold = EVEN_THRESHOLD
    if clean:
        threshold = CLEAN_THRESHOLD if max(values.shape) > SMALL_PX else 0.0
    paper = np.full(values.shape, level, np.float32)
    mask = (strength if clean else box_mean(strength, 1)) > threshold
    return Ink(grey, paper, strength, mask, reduction, even=True, clean=clean, threshold=threshold)


def _full_ink(ink: NDArray[np.float32], low: float) -> float:
    """Return how strong the ink of a stroke's middle is: the median of what is nearer to the peak than to paper."""
    smooth = box_mean(ink, 1)
    peak = float(smooth.max())
    return float(np.median(smooth[smooth >= low + 0.5 * (peak - low)])) if peak > low else peak


def _on_uneven_paper(grey: NDArray[np.uint8], values: NDArray[np.float32], reduction: int) -> Ink:
    """Light, shadow and vignette are what remains when everything narrow is filled; ink is relative to it."""
    dark = _is_dark_on_light(values)
    paper = _paper(values) if dark else -_paper(-values)
    relative = (paper - values if dark else values - paper) / np.maximum(paper, MIN_PAPER)
    centre = float(np.median(relative))
    noise = MAD_TO_SIGMA * float(np.median(np.abs(relative - centre)))
    low = centre + 2.5 * noise
    high = _full_ink(relative.astype(np.float32), low)
    if high - centre < max(MIN_SIGNAL * noise, MIN_CONTRAST / 255):
        raise PictureError("no digit found: nothing stands out of the paper")
    strength = np.clip((relative - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)
    mask = box_mean(strength, 1) > UNEVEN_THRESHOLD
    return Ink(grey, paper, strength, mask, reduction, even=False, clean=False, threshold=UNEVEN_THRESHOLD)


def _coarse(values: NDArray[np.float32]) -> NDArray[np.float32]:
    factor = max(1, -(-max(values.shape) // _COARSE_PX))
    height, width = values.shape
    size = (max(1, width // factor), max(1, height // factor))
    return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BOX), np.float32)


def _paper(values: NDArray[np.float32]) -> NDArray[np.float32]:
    coarse = _coarse(values)
    radius = max(1, int(_WINDOW_SHARE * min(coarse.shape) / 2))
    filled = box_mean(close(coarse, radius), 2)
    size = (values.shape[1], values.shape[0])
    return np.array(Image.fromarray(filled).resize(size, Image.Resampling.BILINEAR), np.float32)


def _is_dark_on_light(values: NDArray[np.float32]) -> bool:
    """Ink is the minority: it makes the long tail of the differences from the local mean."""
    coarse = _coarse(values)
    differences = coarse - box_mean(coarse, max(2, min(coarse.shape) // 4))
    return bool((differences.astype(np.float64) ** 3).sum() <= 0)
