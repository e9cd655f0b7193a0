"""Reading: bytes of any picture format and mode become an upright grey picture."""

import io
import os
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from digitrec_edge.errors import PictureError
from digitrec_edge.files import read_file
from digitrec_edge.quantization import PIXEL_MAX

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")
"""What a folder is searched for; a file that is named is read whatever it is called."""

LIMIT_BYTES = 64 << 20
LIMIT_PIXELS = 100_000_000
MIN_SIDE = 4
MAX_ASPECT = 100
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "TIFF", "GIF", "PPM", "TGA", "ICO")
_DEEP_MAX = (1 << 16) - 1

_DAMAGED = (
    OSError, ValueError, SyntaxError, EOFError, MemoryError, ArithmeticError, LookupError, TypeError, AttributeError,
    RuntimeError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow's decoders raise for damaged files."""


def read_grey(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Read a picture file; see :func:`decode`.

    Raises:
        PictureError: also when there is no such file or it cannot be read.
    """
    return decode(read_file(Path(path), limit_bytes=LIMIT_BYTES, error=PictureError), str(path))


def decode(data: bytes, name: str) -> NDArray[np.uint8]:
    """Turn a picture file's bytes into ``(height, width) uint8``, upright, as bright as the picture.

    Args:
        data: the file.
        name: what errors call it.

    Raises:
        PictureError: empty, no picture, truncated, animated, too large or too thin.
    """
    if not data:
        raise PictureError(f"{name} is empty (0 bytes)")
    if len(data) > LIMIT_BYTES:
        raise PictureError(f"{name} is {len(data):,} bytes; at most {LIMIT_BYTES:,} are read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
                _check_size(picture, name)
                return to_grey(picture)
    except PictureError:
        raise
    except UnidentifiedImageError:
        raise PictureError(f"{name} is not a picture; PNG, JPEG, WebP, BMP, GIF and TIFF are read") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(f"{name} has too many pixels; at most {LIMIT_PIXELS:,} are read") from None
    except _DAMAGED as cause:
        text = " ".join(str(cause).split()) or type(cause).__name__
        raise PictureError(f"{name} cannot be read as a picture: damaged or truncated ({text})") from cause


def _check_size(picture: Image.Image, name: str) -> None:
    width, height = picture.size
    if width * height > LIMIT_PIXELS:
        raise PictureError(f"{name} has {width:,} x {height:,} pixels; at most {LIMIT_PIXELS:,} are read")
    if min(width, height) < MIN_SIDE or max(width, height) > MAX_ASPECT * min(width, height):
        raise PictureError(
            f"{name} has {width:,} x {height:,} pixels; a digit needs {MIN_SIDE} or more each way, "
            f"and no side {MAX_ASPECT} times the other"
        )
    frames = getattr(picture, "n_frames", 1)
    if frames > 1 and picture.format != "MPO":  # MPO: a phone's JPEG with further views behind the picture
        raise PictureError(f"{name} is animated or has pages ({frames} of them); save one as a picture of its own")


def to_grey(picture: Image.Image) -> NDArray[np.uint8]:
    """Turn a Pillow picture of any mode upright and grey, transparent parts on a contrasting background.

    Returns:
        ``(height, width) uint8``, as bright as the picture.

    Raises:
        PictureError: it holds NaN or infinity.
    """
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith(("I", "F")):
        return _from_deep(picture)
    if "A" in picture.getbands() or "a" in picture.getbands() or "transparency" in picture.info:
        return _from_transparent(picture)
    return np.array(picture.convert("L"), np.uint8)


def _from_deep(picture: Image.Image) -> NDArray[np.uint8]:
    """16 and 32 bits: Pillow's own conversion would clip instead of scale."""
    values = np.asarray(picture, np.float32)
    if not np.isfinite(values).all():
        raise PictureError("the picture holds NaN or infinity")
    low, high = float(values.min()), float(values.max())
    if picture.mode == "F" or low < 0 or high > _DEEP_MAX:
        offset, top = low, max(high - low, 1e-9)
    else:
        offset, top = 0.0, float(_DEEP_MAX if high > PIXEL_MAX else PIXEL_MAX)
    return np.rint((values - offset) * (PIXEL_MAX / top)).astype(np.uint8)


def _from_transparent(picture: Image.Image) -> NDArray[np.uint8]:
    layers = picture.convert("RGBA")
    alpha = np.asarray(layers.getchannel("A"), np.uint8)
    grey = np.asarray(layers.convert("RGB").convert("L"), np.uint8)
    seen = grey[alpha > 127]
    background = 0.0 if alpha.min() < 128 and seen.size and seen.mean() > 127 else PIXEL_MAX
    share = alpha.astype(np.float32) / PIXEL_MAX
    return np.rint(grey * share + background * (1 - share)).astype(np.uint8)
