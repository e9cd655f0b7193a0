"""Normalising: the ink of one digit becomes 28 x 28 pixels as MNIST has them.

MNIST's own rule (LeCun, Cortes, Burges, http://yann.lecun.com/exdb/mnist/): the digit is scaled to
fit a 20 x 20 box with its aspect kept, and placed so that its centre of mass is the centre of the
28 x 28 field; ink is 255 on paper 0.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge.preprocess.filters import box_max

FIELD = 28
BOX = 20
THIN_PX = 1.8
"""In the 20 x 20 box; a stroke that would come out thinner is widened first: MNIST's are 2 to 3 wide."""

WANTED_PX = 2.2

COARSE = 2
COARSE_BOX, COARSE_GAIN = 19, 1.15
"""A digit enlarged more than twice has soft, wide strokes: it is made a little smaller and harder. Chosen on
MNIST's training images averaged down to 8 x 8: 99.49 % are read right, 99.40 % with 20 and 1."""


def normalise(strength: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Make the ink of one digit, cut at its bounds, a picture as MNIST has it.

    Args:
        strength: ``(height, width) float32``, 0 paper to 1 full ink; some ink at least.

    Returns:
        ``(28, 28) uint8``.
    """
    ink = strength.astype(np.float32)
    if max(ink.shape) >= 2 * BOX:
        ink = _widen(ink)
    if max(ink.shape) != BOX:
        ink = _fit(ink)
    return _centre(ink.astype(np.float64) * (255 / max(float(ink.max()), 1e-9)))


def stroke_width(strength: NDArray[np.float32]) -> float:
    """Estimate the mean width of a stroke in pixels: twice the area by the outline's length.

    The outline is counted along both axes; a line in a random direction meets pi / 4 of the crossings
    (Cauchy-Crofton).
    """
    solid = np.pad(strength > 0.5, 1).astype(np.int8)
    crossings = np.abs(np.diff(solid, axis=0)).sum() + np.abs(np.diff(solid, axis=1)).sum()
    return float(2 * solid.sum() / max(np.pi / 4 * crossings, 1.0))


def _widen(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    scale = BOX / max(ink.shape)
    width_px = stroke_width(ink) * scale
    if width_px >= THIN_PX:
        return ink
    radius = round((WANTED_PX - width_px) / scale / 2)
    return box_max(np.pad(ink, radius), radius)


def _fit(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = ink.shape
    coarse = COARSE * max(height, width) < BOX
    scale = (COARSE_BOX if coarse else BOX) / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    fitted = np.clip(np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.LANCZOS), np.float32), 0, None)
    return np.minimum(fitted * (COARSE_GAIN / fitted.max()), 1) if coarse else fitted


def _centre(ink: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Place ink of at most 20 x 20 so that its centre of mass comes nearest to the pixel (14, 14).

    Pixels count from 0, so that is half a pixel right of and below the middle of the field; so it is in
    MNIST, whose digits this reproduces to the pixel.
    """
    field = np.zeros((FIELD, FIELD))
    corner = []
    for axis, length in enumerate(ink.shape):
        weights = ink.sum(axis=1 - axis)
        mass_centre = (weights * np.arange(length)).sum() / weights.sum()
        corner.append(int(np.clip(round(FIELD / 2 - mass_centre), 0, FIELD - length)))
    top, left = corner
    field[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return np.clip(np.rint(field), 0, 255).astype(np.uint8)
