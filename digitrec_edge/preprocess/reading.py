"""Reading: bytes of any picture format and mode become an upright grey picture."""

import os
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from digitrec_edge.errors import PictureError
from digitrec_edge.files import read_file
from digitrec_edge.frozen import Frozen
from digitrec_edge.preprocess import bmff, limits
from digitrec_edge.preprocess.colour import hue_if_clearer
from digitrec_edge.preprocess.foreground import WORKING_PX
from digitrec_edge.quantization import PIXEL_MAX

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif", *bmff.SUFFIXES)
"""What a folder is searched for; a file that is named is read whatever it is called."""

LIMIT_BYTES = 48 << 20
MIN_SIDE = 4
MAX_ASPECT = 100
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "TIFF", "GIF", "PPM", "TGA")
_BY_HEAD = {b"\x89PNG\r\n\x1a\n": "Png", b"\xff\xd8\xff": "Jpeg"}
_DEEP_MAX = (1 << 16) - 1
_BAND_PIXELS = 1 << 20

_ORIENTATION = 0x0112
_UPRIGHT: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    2: np.fliplr,
    3: lambda grey: grey[::-1, ::-1],
    4: np.flipud,
    5: np.transpose,
    6: lambda grey: np.rot90(grey, -1),
    7: lambda grey: grey[::-1, ::-1].T,
    8: np.rot90,
}
"""How a picture is turned upright, by EXIF's orientation."""

_DAMAGED = (
    OSError, ValueError, SyntaxError, EOFError, MemoryError, ArithmeticError, LookupError, TypeError, AttributeError,
    RuntimeError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow's decoders raise for damaged files."""


class Picture(Frozen):
    """A picture that was read.

    Attributes:
        grey: ``(height, width) uint8``, upright, as bright as the picture.
        reduction: how many pixels of the file went into one of these, along each axis; 1 but for large JPEG files.
    """

    grey: NDArray[np.uint8]
    reduction: int


def read(path: str | os.PathLike[str]) -> Picture:
    """Read a picture file; see :func:`open_picture`.

    Raises:
        PictureError: also when there is no such file or it cannot be read.
    """
    return open_picture(read_file(Path(path), limit_bytes=LIMIT_BYTES, error=PictureError), str(path))


def read_grey(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Read a picture file; see :func:`decode`.

    Raises:
        PictureError: also when there is no such file or it cannot be read.
    """
    return read(path).grey


def decode(data: bytes, name: str) -> NDArray[np.uint8]:
    """Turn a picture file's bytes into ``(height, width) uint8``, upright, as bright as the picture.

    A JPEG file of more than 1,024 pixels either way may be decoded at a half, a quarter or an eighth of its size, as
    digits are sought at no more than these 1,024. Boxes of digits on it are then in pixels of what is returned.

    Args:
        data: the file.
        name: what errors call it.

    Raises:
        PictureError: empty, no picture, truncated, animated, too large or too thin.
    """
    return open_picture(data, name).grey


def open_picture(data: bytes, name: str) -> Picture:
    """Decode a picture file's bytes within the limits of :mod:`digitrec_edge.preprocess.limits`.

    Raises:
        PictureError: see :func:`decode`.
    """
    if not data:
        raise PictureError(f"{name} is empty (0 bytes)")
    if len(data) > LIMIT_BYTES:
        raise PictureError(f"{name} is {len(data):,} bytes; at most {LIMIT_BYTES:,} are read")
    limits.check_content(data, name)
    kind = bmff.kind_of(data)
    formats = (bmff.decoder(kind, name),) if kind else _FORMATS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stream = limits.BoundedStream(data, name)
            with _opened(stream, data, formats) as picture:
                reduction = _prepare(picture, data, name)
                stream.expect_pixels()
                picture.load()
                return Picture(to_grey(picture, name), reduction)
    except PictureError:
        raise
    except (UnidentifiedImageError, SyntaxError):
        other = "is not a picture; PNG, JPEG, WebP, BMP, GIF, TIFF, AVIF and HEIC are read"
        raise PictureError(f"{name} {f'is a damaged or truncated {kind}' if kind else other}") from None
    except Image.DecompressionBombError:
        raise PictureError(f"{name} has too many pixels; at most {limits.LIMIT_PIXELS:,} are read") from None
    except _DAMAGED as cause:
        text = " ".join(str(cause).split()) or type(cause).__name__
        raise PictureError(f"{name} cannot be read as a picture: damaged or truncated ({text})") from cause


def _opened(stream: limits.BoundedStream, data: bytes, formats: tuple[str, ...]) -> ImageFile.ImageFile:
    """Open a picture; for one whose decoder its head names, Pillow imports no other first."""
    for head, decoder in _BY_HEAD.items():
        if data.startswith(head):
            import_module(f"PIL.{decoder}ImagePlugin")
            factory, _ = Image.OPEN[decoder.upper()]
            return factory(stream, "")
    return Image.open(stream, formats=formats)


def _prepare(picture: Image.Image, data: bytes, name: str) -> int:
    """Check an opened picture and choose the size to decode it at; returns the reduction.

    Where digits are sought at reduced size, a JPEG is decoded at the largest power of 2 of a reduction that leaves a
    whole one to be made up to that size: a decoder reduces at a fraction of the cost. Its colours may be needed.
    """
    width, height = picture.size
    needs = limits.cost(picture, data)
    limits.check_pixels(width, height, needs, picture.format or "", name)
    if min(width, height) < MIN_SIDE or max(width, height) > MAX_ASPECT * min(width, height):
        raise PictureError(
            f"{name} has {width:,} x {height:,} pixels; a digit needs {MIN_SIDE} or more each way, "
            f"and no side {MAX_ASPECT} times the other"
        )
    if limits.has_more_frames(picture, data):
        raise PictureError(f"{name} is animated or has pages; save one as a picture of its own")
    sought = -(-max(width, height) // WORKING_PX)  # the reduction at which digits are sought
    by = max(needs.reduction(width * height), min(limits.REDUCTIONS[-1], sought & -sought))
    if not needs.reducible or by == 1:
        return 1
    picture.draft("RGB", (width // by, height // by))
    return max(1, round(width / picture.size[0]))


def to_grey(picture: Image.Image, name: str = "the picture") -> NDArray[np.uint8]:
    """Turn a Pillow picture of any mode upright and grey, transparent parts on a contrasting background.

    More than 8 bits are brought to 8 from as many as the picture makes use of.

    Returns:
        ``(height, width) uint8``, as bright as the picture.

    Raises:
        PictureError: it holds NaN or infinity.
    """
    turn = _UPRIGHT.get(picture.getexif().get(_ORIENTATION, 1))
    if picture.mode.startswith(("I", "F")):
        grey = _from_deep(picture, name)
    elif limits.is_transparent(picture):
        grey = _from_transparent(picture)
    elif (hue := hue_if_clearer(picture)) is not None:
        grey = hue
    else:
        grey = np.empty((picture.height, picture.width), np.uint8)
        for rows, part in _bands(picture):
            grey[rows] = part.convert("L")
    return np.ascontiguousarray(turn(grey)) if turn else grey


def _bands(picture: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """Cut a picture into bands of about a million pixels, so that converting needs no second picture."""
    height = max(1, _BAND_PIXELS // picture.width)
    for top in range(0, picture.height, height):
        bottom = min(top + height, picture.height)
        yield slice(top, bottom), picture.crop((0, top, picture.width, bottom))


def _from_deep(picture: Image.Image, name: str) -> NDArray[np.uint8]:
    """16 and 32 bits: Pillow's own conversion would clip instead of scale."""
    low, high = np.inf, -np.inf
    for _, part in _bands(picture):
        values = np.asarray(part, np.float32)
        if not np.isfinite(values).all():
            raise PictureError(f"{name} holds NaN or infinity")
        low, high = min(low, float(values.min())), max(high, float(values.max()))
    if picture.mode == "F" or low < 0 or high > _DEEP_MAX:
        offset, top = low, max(high - low, 1e-9)
    else:
        offset, top = 0.0, float(max(PIXEL_MAX, (1 << int(high).bit_length()) - 1))
    grey = np.empty((picture.height, picture.width), np.uint8)
    for rows, part in _bands(picture):
        grey[rows] = np.rint((np.asarray(part, np.float32) - offset) * (PIXEL_MAX / top))
    return grey


def _from_transparent(picture: Image.Image) -> NDArray[np.uint8]:
    grey, alpha = (np.empty((picture.height, picture.width), np.uint8) for _ in range(2))
    seen = bright = 0
    for rows, part in _bands(picture):
        layers = part.convert("RGBA")
        alpha[rows] = layers.getchannel("A")
        grey[rows] = layers.convert("RGB").convert("L")
        opaque = grey[rows][alpha[rows] > 127]
        seen, bright = seen + opaque.size, bright + int(opaque.sum(dtype=np.int64))
    background = 0.0 if alpha.min() < 128 and seen and bright / seen > 127 else PIXEL_MAX
    for rows, _ in _bands(picture):
        share = alpha[rows].astype(np.float32) / PIXEL_MAX
        grey[rows] = np.rint(grey[rows] * share + background * (1 - share))
    return grey
