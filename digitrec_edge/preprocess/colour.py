"""Ink of another colour but of the same grey as its paper: the hue makes the picture where grey would hide the ink."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge.preprocess.filters import box_mean
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

_SPREAD, _EXTREMES = (0.5, 99.5), (0.1, 99.9)
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as Pillow's mode L


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
    colours = np.asarray(sample.resize(size, Image.Resampling.BOX), np.float32)
    grey = _local((colours @ _LUMA).astype(np.float32))
    if np.ptp(np.percentile(grey, _EXTREMES)) > FAINT or float(np.ptp(colours, axis=2).max()) < FAINT:
        return None
    weights = _weights(np.log(colours + DARK))
    hue = _local((np.log(colours + DARK) @ weights).astype(np.float32))
    if _ratio(hue) < max(MIN_RATIO, MIN_GAIN * _ratio(grey)):
        return None
    return _mixed(picture, weights, (np.log(colours + DARK) @ weights).astype(np.float32))


def _local(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the difference to the surroundings."""
    return plane - box_mean(plane, min(plane.shape) // 4)


def _ratio(plane: NDArray[np.float32]) -> float:
    return float(np.ptp(np.percentile(plane, _SPREAD))) / max(noise_of(plane), 1e-6)


def _weights(logs: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return three weights of sum 0."""
    plane = np.array([[1, -1, 0], [0.5, 0.5, -1]]) / np.array([[np.sqrt(2)], [np.sqrt(1.5)]])
    hues = (logs @ plane.T).astype(np.float32)
    local = np.stack([_local(np.ascontiguousarray(hues[..., k])) for k in (0, 1)], axis=-1).reshape(-1, 2)
    steps = (hues[:, 1:] - hues[:, :-1]).reshape(-1, 2)
    quiet = steps[np.abs(steps).sum(axis=1) <= np.percentile(np.abs(steps).sum(axis=1), 80)]
    signal, noise = local.T @ local / len(local), quiet.T @ quiet / len(quiet) + 1e-6 * np.eye(2)
    values, vectors = np.linalg.eig(np.linalg.solve(noise, signal))
    weights: NDArray[np.float64] = np.real(vectors[:, int(np.real(values).argmax())]) @ plane
    return weights / np.abs(weights).max()


def _mixed(picture: Image.Image, weights: NDArray[np.float64], sample: NDArray[np.float32]) -> NDArray[np.uint8]:
    low, high = np.percentile(sample, _SPREAD)
    table = np.log(np.arange(PIXEL_MAX + 1) + DARK)
    mixed = np.zeros((picture.height, picture.width), np.float32)
    for channel, weight in zip(picture.split(), weights, strict=True):
        mixed += (weight * table).astype(np.float32)[np.asarray(channel)]
    margin = 0.2 * (high - low)
    scaled = (mixed - (low - margin)) * (PIXEL_MAX / max(high - low + 2 * margin, 1e-6))
    return np.clip(np.rint(scaled), 0, PIXEL_MAX).astype(np.uint8)
