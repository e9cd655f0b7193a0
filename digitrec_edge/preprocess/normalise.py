"""Normalising: the foreground of one digit becomes 28 x 28 pixels as MNIST has them.

MNIST's own rule (LeCun, Cortes, Burges, http://yann.lecun.com/exdb/mnist/): the digit is scaled to
fit a 20 x 20 box with its aspect kept, and placed so that its centre of mass is the centre of the
28 x 28 field; 0 is background, 255 is foreground.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge.preprocess.components import bounds_of
from digitrec_edge.preprocess.filters import box_max, disc_min
from digitrec_edge.quantization import PIXEL_MAX, SIDE

BOX = 20
THIN_PX = 1.8
"""In the 20 x 20 box; a stroke that would come out thinner is widened first: MNIST's are 2 to 3 wide."""

WANTED_PX = 2.2

THICK_PX, THINNED_PX = 5.0, 3.0
"""In the 20 x 20 box; a thicker stroke than 99 % of MNIST's, as of a felt pen on a small field, is thinned first; the
width after it was chosen on 3,000 of MNIST's training images that were held out, drawn with thicker pens."""

FINE_BOX, FAINT = 80, 0.02
"""Strokes are thinned in a box of this size; what is fainter is none of the digit then."""

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
    longer = max(strength.shape)
    width_px = stroke_width(strength) * BOX / longer
    if width_px < THIN_PX and longer >= 2 * BOX:
        strength = _widened(strength, width_px)
    if width_px >= THICK_PX and COARSE * longer >= BOX:
        strength = _thinned(strength)
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


def _widened(strength: NDArray[np.float32], width_px: float) -> NDArray[np.float32]:
    radius = round((WANTED_PX - width_px) * max(strength.shape) / BOX / 2)
    return box_max(np.pad(strength, radius), radius)


def _thinned(strength: NDArray[np.float32]) -> NDArray[np.float32]:
    """Erode strokes by a disc; a blot of which nothing is left stays as it is."""
    fine = np.minimum(_resized(strength, FINE_BOX), 1)
    eroded = disc_min(fine, max(0, round((stroke_width(fine) - THINNED_PX * FINE_BOX / BOX) / 2)))
    bounds = bounds_of(eroded > FAINT)
    return eroded[bounds.top : bounds.bottom, bounds.left : bounds.right] if bounds.height else strength


def _resized(strength: NDArray[np.float32], longer: int) -> NDArray[np.float32]:
    """Scale to so many pixels along the longer side, 0 and more."""
    height, width = strength.shape
    scale = longer / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.clip(np.asarray(Image.fromarray(strength).resize(size, Image.Resampling.LANCZOS), np.float32), 0, None)


def _fit(strength: NDArray[np.float32]) -> NDArray[np.float32]:
    coarse = COARSE * max(strength.shape) < BOX
    fitted = _resized(strength, COARSE_BOX if coarse else BOX)
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
