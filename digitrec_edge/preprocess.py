"""From a picture of any kind to 28 x 28 pixels as MNIST has them.

MNIST's own rule (LeCun, Cortes, Burges, http://yann.lecun.com/exdb/mnist/): the digit is scaled to
fit a 20 x 20 box with its aspect kept, and placed so that its centre of mass is the centre of the
28 x 28 field; ink is 255 on paper 0. In 69,998 of the 70,000 images the centre of mass lies in
the pixel (14, 14), counted from 0, so that is what "centre" means here too.
"""

import io
import math
import os
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from digitrec_edge.errors import PictureError
from digitrec_edge.files import read_file

FIELD = 28
BOX = 20
LIMIT_BYTES = 64 << 20
LIMIT_PIXELS = 100_000_000
MIN_CONTRAST = 24
"""Of 255; a picture whose darkest and lightest pixels are nearer than this is blank."""

INK_SHARE = 0.1
"""Of the darkest ink; fainter pixels do not count for where the digit begins and ends."""


def read_picture(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Read a picture file as ``(28, 28) uint8``, 0 paper and 255 ink.

    Raises:
        PictureError: no such file, no picture, truncated, too large, or blank.
    """
    data = read_file(Path(path), limit_bytes=LIMIT_BYTES, error=PictureError)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about damaged EXIF data and the like: the picture counts
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as picture:
                if picture.width * picture.height > LIMIT_PIXELS:
                    raise PictureError(
                        f"{path} has {picture.width} x {picture.height} pixels; at most {LIMIT_PIXELS:,} are read"
                    )
                grey = to_grey(picture)
    except PictureError:
        raise
    except UnidentifiedImageError:
        raise PictureError(f"{path} is not a picture; PNG, JPEG, BMP, GIF, TIFF and WebP are read") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(f"{path} has too many pixels; at most {LIMIT_PIXELS:,} are read") from None
    except (OSError, ValueError, SyntaxError, EOFError) as cause:
        raise PictureError(f"{path} cannot be read as a picture: {cause}") from cause
    try:
        return to_digit(grey)
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from None


def to_grey(picture: Image.Image) -> NDArray[np.uint8]:
    """Turn a Pillow picture of any mode upright and grey, transparent parts laid on contrasting paper.

    Returns:
        ``(height, width) uint8``, as bright as the picture.
    """
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith(("I", "F")):  # 16 and 32 bit greys: Pillow's convert would clip, not scale
        values = np.asarray(picture, np.float64)
        if not np.isfinite(values).all():
            raise PictureError("the picture holds NaN or infinity")
        top = 65535.0 if picture.mode.startswith("I") and values.max() > 255 else max(values.max(), 1e-9)
        if picture.mode == "F" or values.min() < 0 or values.max() > top:
            values, top = values - values.min(), max(float(np.ptp(values)), 1e-9)
        return np.rint(values / top * 255).astype(np.uint8)
    if "A" in picture.getbands() or "transparency" in picture.info:
        layers = np.asarray(picture.convert("RGBA"), np.float64)
        alpha = layers[..., 3] / 255
        grey = layers[..., :3] @ (0.299, 0.587, 0.114)
        seen = grey[alpha > 0.5]
        paper = 0.0 if alpha.min() < 0.5 and seen.size and seen.mean() > 127 else 255.0
        return np.rint(grey * alpha + paper * (1 - alpha)).astype(np.uint8)
    return np.asarray(picture.convert("L"), np.uint8)


def to_digit(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make ``(height, width) uint8`` of one digit into ``(28, 28) uint8`` as MNIST has it.

    Dark on light and light on dark are told apart by the border, which is paper.

    Raises:
        PictureError: the picture is blank.
    """
    ink = _ink(grey)
    rows, columns = (np.flatnonzero((ink > INK_SHARE * ink.max()).any(axis=axis)) for axis in (1, 0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if max(ink.shape) != BOX:
        ink = _fit(ink)
    return _centre(ink)


def _ink(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    """How much ink lies on each pixel, 0 to 255."""
    if grey.size == 0 or min(grey.shape) == 0:
        raise PictureError("the picture has no pixels")
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]).astype(np.float64)
    paper = float(np.median(border))
    values = grey.astype(np.float64)
    darker, lighter = paper - values.min(), values.max() - paper
    if max(darker, lighter) < MIN_CONTRAST:
        raise PictureError("no digit found: the picture is blank")
    ink = np.clip(paper - values if darker >= lighter else values - paper, 0, None)
    return ink * (255 / ink.max())


def _fit(ink: NDArray[np.float64]) -> NDArray[np.float64]:
    height, width = ink.shape
    scale = BOX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    resized = Image.fromarray(ink.astype(np.float32)).resize(size, Image.Resampling.LANCZOS)
    small = np.clip(np.asarray(resized, np.float64), 0, 255)
    return small * (255 / max(small.max(), 1e-9))


def _centre(ink: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Place ink of at most 20 x 20 so that its centre of mass lies in pixel (14, 14), as in MNIST."""
    field = np.zeros((FIELD, FIELD))
    corner = []
    for axis, length in enumerate(ink.shape):
        weights = ink.sum(axis=1 - axis)
        mass_centre = (weights * (np.arange(length) + 0.5)).sum() / weights.sum()
        corner.append(int(np.clip(math.ceil(FIELD / 2 - mass_centre), 0, FIELD - length)))
    top, left = corner
    field[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return np.rint(field).astype(np.uint8)
