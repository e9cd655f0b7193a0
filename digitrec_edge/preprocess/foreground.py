"""Separating foreground from background, even or uneven, dark on light or light on dark."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge.errors import PictureError
from digitrec_edge.frozen import Frozen
from digitrec_edge.preprocess.filters import box_mean, close, median, sums_of_nine
from digitrec_edge.quantization import PIXEL_MAX

WORKING_PX = 1024
"""Larger pictures are averaged down to this first."""

MIN_CONTRAST = 24.0
"""Of 255; a picture in which nothing differs so much from the background is blank."""

EVEN_SHARE = 0.6
EVEN_TOLERANCE = 0.1
"""The background is even when so much of the picture's border is within this share of the foreground's contrast."""

MIN_SIGNAL = 6.0
"""The foreground must differ from an uneven background by so many of the background's standard deviations."""

CLEAN_THRESHOLD = 0.05
EVEN_THRESHOLD = 0.25
UNEVEN_THRESHOLD = 0.3
"""Of full strength; weaker pixels do not decide where a digit is and what is connected."""

MIN_BACKGROUND = 16.0
"""Of 255; contrast is relative to the background, as light makes both brighter, but to none darker than this."""

MAD_TO_SIGMA = 1.4826
"""From the median absolute deviation to the standard deviation of a normal distribution."""

SMALL_PX = 48
"""In a clean picture no larger than this, the faintest pixel is part of a stroke."""

_COARSE_PX = 160
_WINDOW_SHARE = 0.45
"""Of the short side: wider than any stroke; a smaller window would take the middle of a thick one for background."""


class Foreground(Frozen):
    """The foreground of a picture, at working size.

    Attributes:
        background: ``(H, W) float32``, how bright the picture would be without foreground.
        strength: ``(H, W) float32``, 0 background to 1 full foreground.
        mask: ``(H, W) bool``, where the strength is above the threshold.
        reduction: how many pixels of the original went into one, along each axis.
        even: the background was even.
        clean: it was also free of noise: every shade is foreground, as an anti-aliased drawing has it.
        threshold: the strength that makes the mask.
    """

    background: NDArray[np.float32]
    strength: NDArray[np.float32]
    mask: NDArray[np.bool_]
    reduction: int
    even: bool
    clean: bool
    threshold: float


def find_foreground(grey: NDArray[np.uint8]) -> Foreground:
    """Separate foreground from background.

    Args:
        grey: ``(height, width) uint8``.

    Raises:
        PictureError: there is no foreground.
    """
    if grey.size == 0:
        raise PictureError("the picture has no pixels")
    reduction = -(-max(grey.shape) // WORKING_PX)
    if reduction > 1:
        grey = np.asarray(Image.fromarray(grey).reduce(reduction))
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]]).astype(np.float32)
    level = median(border)
    darkest, lightest = _extremes(grey)
    darker, lighter = level - darkest, lightest - level
    contrast = max(darker, lighter)
    if contrast < MIN_CONTRAST:
        raise PictureError("no digit found: the picture is blank")
    near = np.abs(border - level) <= max(3.0, EVEN_TOLERANCE * contrast)
    if np.count_nonzero(near) / len(near) >= EVEN_SHARE:
        return _on_even_background(grey, border, level, dark=darker >= lighter, reduction=reduction)
    return _on_uneven_background(grey, reduction)


def _extremes(grey: NDArray[np.uint8]) -> tuple[float, float]:
    """Return the darkest and the lightest mean over 3 x 3 pixels; of a small picture the pixels themselves."""
    if min(grey.shape) < 64:
        return float(grey.min()), float(grey.max())
    sums = sums_of_nine(grey, np.uint16)
    return float(sums.min()) / 9, float(sums.max()) / 9


def _on_even_background(
    grey: NDArray[np.uint8], border: NDArray[np.float32], level: float, *, dark: bool, reduction: int
) -> Foreground:
    """One level of background for all of the picture; every shade of a clean scan is kept."""
    values = grey.astype(np.float32)
    contrast = np.clip(level - values if dark else values - level, 0, None)
    noise = MAD_TO_SIGMA * median(np.abs(border - level))
    clean = noise < 1
    low, high = (0.0, float(contrast.max())) if clean else (2.5 * noise, _full_contrast(contrast, 2.5 * noise))
    if high - low < MIN_CONTRAST / 2:
        raise PictureError("no digit found: nothing stands out from the background")
    strength = np.clip((contrast - low) / (high - low), 0, 1).astype(np.float32)
    threshold = EVEN_THRESHOLD
    if clean:
        threshold = CLEAN_THRESHOLD if max(values.shape) > SMALL_PX else 0.0
    background = np.full(values.shape, level, np.float32)
    mask = strength > threshold if clean else sums_of_nine(strength, np.float32) > 9 * threshold
    return Foreground(background, strength, mask, reduction, even=True, clean=clean, threshold=threshold)


def _full_contrast(contrast: NDArray[np.float32], low: float) -> float:
    """Return the contrast in the middle of a stroke: the median of what is nearer to the peak than to ``low``."""
    smooth = box_mean(contrast, 1)
    peak = float(smooth.max())
    if peak <= low:
        return peak
    return median(smooth.ravel()[np.flatnonzero(smooth >= low + 0.5 * (peak - low))])


def _on_uneven_background(grey: NDArray[np.uint8], reduction: int) -> Foreground:
    """Light, shadow and vignette remain when everything narrow is filled; the contrast is relative to them."""
    coarse = _coarse(grey)
    dark = _is_dark_on_light(coarse)
    background = _background(coarse, grey.shape) if dark else -_background(-coarse, grey.shape)
    relative = background - grey if dark else grey - background
    relative /= np.maximum(background, MIN_BACKGROUND)
    centre, noise = _centre_and_noise(relative)
    low = centre + 2.5 * noise
    high = _full_contrast(relative, low)
    if high - centre < max(MIN_SIGNAL * noise, MIN_CONTRAST / PIXEL_MAX):
        raise PictureError("no digit found: nothing stands out from the background")
    relative -= low
    relative /= max(high - low, 1e-6)
    strength = np.clip(relative, 0, 1, out=relative)
    mask = sums_of_nine(strength, np.float32) > 9 * UNEVEN_THRESHOLD
    return Foreground(background, strength, mask, reduction, even=False, clean=False, threshold=UNEVEN_THRESHOLD)


def _centre_and_noise(values: NDArray[np.float32]) -> tuple[float, float]:
    """Return the median, and the standard deviation that the median absolute deviation from it stands for."""
    centre = median(values)
    differences = values - centre
    return centre, MAD_TO_SIGMA * median(np.abs(differences, out=differences))


def _coarse(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    factor = max(1, -(-max(grey.shape) // _COARSE_PX))
    height, width = grey.shape
    size = (max(1, width // factor), max(1, height // factor))
    return np.asarray(Image.fromarray(grey).convert("F").resize(size, Image.Resampling.BOX), np.float32)


def _background(coarse: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the brightness without foreground, at a picture's ``(height, width)``."""
    radius = max(1, int(_WINDOW_SHARE * min(coarse.shape) / 2))
    filled = box_mean(close(coarse, radius), 2)
    return np.asarray(Image.fromarray(filled).resize((shape[1], shape[0]), Image.Resampling.BILINEAR), np.float32)


def _is_dark_on_light(coarse: NDArray[np.float32]) -> bool:
    """The foreground is the minority: it makes the long tail of the differences from the local mean."""
    differences = (coarse - box_mean(coarse, max(2, min(coarse.shape) // 4))).astype(np.float64)
    return bool((differences * differences * differences).sum() <= 0)
