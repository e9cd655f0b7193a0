"""Normalising: the foreground of one digit becomes 28 x 28 pixels as MNIST has them.

MNIST's own rule (LeCun, Cortes, Burges, http://yann.lecun.com/exdb/mnist/): the digit is scaled to
fit a 20 x 20 box with its aspect kept, and placed so that its centre of mass is the centre of the
28 x 28 field; 0 is background, 255 is foreground.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge.mnist import SIDE
from digitrec_edge.preprocess.filters import box_max
from digitrec_edge.quantization import PIXEL_MAX

BOX = 20
THIN_PX = 1.8
"""In the 20 x 20 box; a stroke that would come out thinner is widened first: MNIST's are 2 to 3 wide."""

WANTED_PX = 2.2

COARSE = 2
COARSE_BOX, COARSE_GAIN = 19, 1.15
"""A digit enlarged more than twice has soft, wide strokes: it is made a little smaller and harder. Chosen on
MNIST's training images averaged down to 8 x 8: 99.49 % are read right, 99.40 % with 20 and 1."""


def normalise(strength: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Make the foreground of one digit, cut at its bounds, a picture as MNIST has it.

    Args:
        strength: ``(height, width) float32``, 0 background to 1 full foreground; not 0 everywhere.

    Returns:
        ``(28, 28) uint8``.
    """
    strength = strength.astype(np.float32)
    if max(strength.shape) >= 2 * BOX:
        strength = _widen(strength)
    if max(strength.shape) != BOX:
        strength = _fit(strength)
    return _centre(strength.astype(np.float64) * (PIXEL_MAX / max(float(strength.max()), 1e-9)))


def stroke_width(strength: NDArray[np.float32]) -> float:
    """Estimate the mean width of a stroke in pixels: twice the area by the outline's length.

    The outline is counted along both axes; a line in a random direction meets pi / 4 of the crossings
    (Cauchy-Crofton).
    """
    solid = np.pad(strength > 0.5, 1).astype(np.int8)
    crossings = np.abs(np.diff(solid, axis=0)).sum() + np.abs(np.diff(solid, axis=1)).sum()
    return float(2 * solid.sum() / max(np.pi / 4 * crossings, 1.0))


def _widen(strength: NDArray[np.float32]) -> NDArray[np.float32]:
    scale = BOX / max(strength.shape)
    width_px = stroke_width(strength) * scale
    if width_px >= THIN_PX:
        return strength
    radius = round((WANTED_PX - width_px) / scale / 2)
    return box_max(np.pad(strength, radius), radius)


def _fit(strength: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = strength.shape
    coarse = COARSE * max(height, width) < BOX
    scale = (COARSE_BOX if coarse else BOX) / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    fitted = np.clip(np.asarray(Image.fromarray(strength).resize(size, Image.Resampling.LANCZOS), np.float32), 0, None)
    return np.minimum(fitted * (COARSE_GAIN / float(fitted.max())), 1) if coarse else fitted


def _centre(pixels: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Place pixels of at most 20 x 20 so that their centre of mass comes nearest to the pixel (14, 14).

    Pixels count from 0, so that is half a pixel right of and below the middle of the field; so it is in
    MNIST, whose digits this reproduces to the pixel.
    """
    field = np.zeros((SIDE, SIDE))
    corner = []
    for axis, length in enumerate(pixels.shape):
        weights = pixels.sum(axis=1 - axis)
        mass_centre = (weights * np.arange(length)).sum() / weights.sum()
        corner.append(min(max(round(SIDE / 2 - float(mass_centre)), 0), SIDE - length))
    top, left = corner
    field[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return np.clip(np.rint(field), 0, PIXEL_MAX).astype(np.uint8)
