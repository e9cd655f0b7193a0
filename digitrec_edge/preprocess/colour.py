"""Ink of another colour but of the same grey as its paper: the hue makes the picture where grey would hide the ink."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge.preprocess.filters import BAND_ROWS, box_mean
from digitrec_edge.preprocess.noise import noise_of
from digitrec_edge.quantization import PIXEL_MAX

SAMPLE_PX = 96

FAINT = 45.0
"""Of 255; where grey differs by more from its surroundings, grey it is."""

MIN_GAIN = 1.6
"""The hue must stand out from its noise by so much more than grey does."""

MIN_RATIO = 7.0
"""How many standard deviations of its noise the hue must spread over; noise alone has 5.2."""

DARK = 12.0
"""Added before the logarithm, of 255: the hue of dark pixels is mostly noise."""

Weights = tuple[float, float, float]

_SPREAD, _EXTREMES = (0.5, 99.5), (0.1, 99.9)
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow's mode L
_HUES = (
    (1 / math.sqrt(2), -1 / math.sqrt(2), 0.0),
    (0.5 / math.sqrt(1.5), 0.5 / math.sqrt(1.5), -1 / math.sqrt(1.5)),
)
"""Two directions without light, at right angles to each other."""

_LOGS = np.log(np.arange(PIXEL_MAX + 1) + DARK).astype(np.float32)
"""Of every brightness; the last bits, in which logarithms differ between libraries, are rounded off."""


def hue_if_clearer(picture: Image.Image) -> NDArray[np.uint8] | None:
    """Return the one mixture of hues that shows the ink, where grey does not.

    The logarithms of red, green and blue are mixed so that light, the same factor for all three, leaves the mixture as
    it is; the direction is that in which neighbours differ most, by the noise (a generalised eigenvector).

    Args:
        picture: of any mode; only RGB has hues.

    Returns:
        ``(H, W) uint8``; None where grey shows the ink, which is most often.
    """
    if picture.mode != "RGB" or min(picture.size) < SAMPLE_PX:
        return None
    scale = SAMPLE_PX / max(picture.size)
    size = (max(8, round(picture.width * scale)), max(8, round(picture.height * scale)))
    sample = picture.resize((4 * size[0], 4 * size[1]), Image.Resampling.NEAREST)
    colours = np.asarray(sample.resize(size, Image.Resampling.BOX))
    grey = _local(_mixture(colours, _LUMA))
    if np.ptp(np.percentile(grey, _EXTREMES)) > FAINT or float(np.ptp(colours, axis=2).max()) < FAINT:
        return None
    weights = _weights(_LOGS[colours])
    hue = _mixture(_LOGS[colours], weights)
    if _ratio(_local(hue)) < max(MIN_RATIO, MIN_GAIN * _ratio(grey)):
        return None
    return _mixed(picture, weights, hue)


def _mixture(channels: NDArray[Any], weights: Weights) -> NDArray[np.float32]:
    """Mix the three channels of ``(H, W, 3)``, from the first to the last."""
    one, two, three = (channels[..., k].astype(np.float64) * weight for k, weight in enumerate(weights))
    mixture: NDArray[np.float32] = (one + two + three).astype(np.float32)
    return mixture


def _local(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the difference to the surroundings."""
    return plane - box_mean(plane, min(plane.shape) // 4)


def _ratio(plane: NDArray[np.float32]) -> float:
    return float(np.ptp(np.percentile(plane, _SPREAD))) / max(noise_of(plane), 1e-6)


def _weights(logs: NDArray[np.float32]) -> Weights:
    """Return three weights of sum 0."""
    hues = [_mixture(logs, weights) for weights in _HUES]
    one, other = (_local(hue).ravel().astype(np.float64) for hue in hues)
    step_one, step_other = ((hue[:, 1:] - hue[:, :-1]).ravel().astype(np.float64) for hue in hues)
    size = np.abs(step_one) + np.abs(step_other)
    quiet = size <= np.percentile(size, 80)
    first, second = _leading(_products(one, other), _products(step_one[quiet], step_other[quiet]))
    weights = [first * a + second * b for a, b in zip(*_HUES, strict=True)]
    longest = max(abs(weight) for weight in weights)
    return weights[0] / longest, weights[1] / longest, weights[2] / longest


def _products(one: NDArray[np.float64], other: NDArray[np.float64]) -> Weights:
    """Return the means of the squares and of the product: added by numpy, for BLAS adds in an order of its own."""
    squares, mixed, others = ((a * b).sum() / len(one) for a, b in ((one, one), (one, other), (other, other)))
    return float(squares), float(mixed), float(others)


def _leading(signal: Weights, noise: Weights) -> tuple[float, float]:
    """Return the direction in which signal by noise is largest: the first eigenvector of ``noise^-1 signal``."""
    xx, xy, yy = signal
    n, nm, m = noise[0] + 1e-6, noise[1], noise[2] + 1e-6
    determinant = n * m - nm * nm
    a, b = (m * xx - nm * xy) / determinant, (m * xy - nm * yy) / determinant
    c, d = (n * xy - nm * xx) / determinant, (n * yy - nm * xy) / determinant
    half = 0.5 * (a - d)
    root = math.sqrt(max(half * half + b * c, 0.0))
    if half < 0:
        return -b, half - root
    return (half + root, c) if half + root > 0 else (1.0, 0.0)


def _mixed(picture: Image.Image, weights: Weights, sample: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Mix the channels of a picture, some rows at a time; the hues of a sample tell what becomes 0 and 255."""
    low, high = (float(bound) for bound in np.percentile(sample, _SPREAD))
    margin = 0.2 * (high - low)
    gain = PIXEL_MAX / max(high - low + 2 * margin, 1e-6)
    tables = [(weight * _LOGS.astype(np.float64)).astype(np.float32) for weight in weights]
    hue = np.empty((picture.height, picture.width), np.uint8)
    for top in range(0, picture.height, BAND_ROWS):
        rows = hue[top : top + BAND_ROWS]
        band = np.asarray(picture.crop((0, top, picture.width, top + len(rows))))
        mixed = np.zeros(rows.shape, np.float32)
        for channel, table in enumerate(tables):
            mixed += table[band[..., channel]]
        rows[...] = np.clip(np.rint((mixed - (low - margin)) * gain), 0, PIXEL_MAX)
    return hue
