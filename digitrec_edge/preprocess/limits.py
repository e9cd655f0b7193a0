"""What decoding a picture may cost, known before it is spent: bytes of pixels, of working memory, and reads of a file.

Every limit is a count that is checked first, none is a timer: a small file can promise any number of pixels, and a
large one can consist of millions of segments that each cost a decoder microseconds.
"""

import io
import re
import struct
from typing import Any

from PIL import Image

from digitrec_edge.errors import PictureError
from digitrec_edge.frozen import Frozen
from digitrec_edge.preprocess.bmff import DECODER_BYTES

PIXEL_BYTES = 64 << 20
"""Of decoded pixels: the picture in its own mode, and in grey."""

TOTAL_BYTES = 152 << 20
"""Of these and what the decoder holds: WebP's two canvases and frame, the coefficients of a progressive JPEG."""

LIMIT_PIXELS = 100_000_000
"""Of any picture, at whatever size it is decoded."""

PYTHON_PIXELS = 2_000_000
"""Of pictures that Pillow decodes in Python, about a second for a million: plain PPM, BMP with run lengths."""

HEADER_BYTES, HEADER_READS = 16 << 20, 4_096
"""Before the first pixel: 16 MiB hold every thumbnail, profile and depth map; honest files take 100 to 500 reads."""

PIXEL_READS = 100_000
"""For the pixels: 8 KB at a time, as PNG encoders write them, are 24,000 for 64 MiB."""

JPEG_SCANS = 64
"""A progressive JPEG has about 10; each is work for every pixel, even when it is empty."""

PNG_PACKED_TEXTS = 16
"""Compressed texts, each of up to 1 MiB when it is unpacked."""

REDUCTIONS = (1, 2, 4, 8)
"""At which a JPEG can be decoded."""

_WEBP_DECODER = 12
_DECODERS = {"WEBP": _WEBP_DECODER, "AVIF": DECODER_BYTES, "HEIF": DECODER_BYTES}
_STEPS = 1 << 19
_JPEG_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd9-\xfe]")
"""What ends the coded data of a scan: no zero that was stuffed in, no restart, nothing that a decoder skips."""


class BoundedStream(io.BytesIO):
    """A file in memory of which so much can be read before its pixels, and in so many pieces all in all."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self._name = name
        self._reads_left, self._bytes_left = HEADER_READS, HEADER_BYTES

    def read(self, size: int | None = -1, /) -> bytes:
        """Read like any stream.

        Raises:
            PictureError: too much was read already.
        """
        found = super().read(size)
        self._reads_left -= 1
        self._bytes_left -= len(found)
        if self._reads_left < 0 or self._bytes_left < 0:
            raise PictureError(
                f"{self._name} has more in it than a picture needs; at most {HEADER_BYTES >> 20} MiB in "
                f"{HEADER_READS:,} pieces are read before the pixels, and {PIXEL_READS:,} pieces after: save it anew"
            )
        return found

    def expect_pixels(self) -> None:
        """What is read from now on are pixels: any number of bytes, for the file is bounded."""
        self._reads_left, self._bytes_left = PIXEL_READS, 1 << 62


class Cost(Frozen):
    """What a pixel costs while a picture is decoded and made grey.

    Attributes:
        pixel_bytes: in memory, as decoded and in grey.
        decoder_bytes: that the decoder holds per pixel of the whole picture, besides.
        reducible: the format decodes at a half, a quarter and an eighth of its size.
        python: Pillow decodes it in Python.
    """

    pixel_bytes: int
    decoder_bytes: float
    reducible: bool
    python: bool

    @property
    def most_pixels(self) -> int:
        """How many a picture may have."""
        least_bytes = self.pixel_bytes / (REDUCTIONS[-1] ** 2 if self.reducible else 1)
        within = min(PIXEL_BYTES / least_bytes, TOTAL_BYTES / (self.decoder_bytes + least_bytes))
        return min(int(within), LIMIT_PIXELS, PYTHON_PIXELS if self.python else LIMIT_PIXELS)

    def reduction(self, pixels: int) -> int:
        """The smallest reduction of each side at which a picture of so many pixels is within the budget."""
        left_bytes = min(PIXEL_BYTES, TOTAL_BYTES - pixels * self.decoder_bytes)
        return next((by for by in REDUCTIONS if pixels / by**2 * self.pixel_bytes <= left_bytes), REDUCTIONS[-1])


def cost(picture: Image.Image, data: bytes) -> Cost:
    """Tell what an opened picture costs, before it is decoded."""
    mode = picture.mode
    own = 1 if mode in ("1", "L", "P") else 2 if mode.startswith("I;16") else 4
    tiles: list[Any] = getattr(picture, "tile", [])
    return Cost(
        pixel_bytes=own + 1 + is_transparent(picture),
        decoder_bytes=_DECODERS.get(picture.format or "") or _jpeg_coefficients(picture, data),
        reducible=picture.format in ("JPEG", "MPO"),
        python=any(tile[0] in Image.DECODERS for tile in tiles),
    )


def is_transparent(picture: Image.Image) -> bool:
    """Whether parts of a picture may be transparent."""
    return bool({"A", "a"} & set(picture.getbands())) or "transparency" in picture.info


def _jpeg_coefficients(picture: Image.Image, data: bytes) -> float:
    """Bytes per pixel of a JPEG whose coefficients are all held until its last scan is read; 0 of any other."""
    layers = getattr(picture, "layer", [])
    if not layers:
        return 0.0
    stream = picture.fp  # type: ignore[attr-defined]
    scan = struct.pack(">HB", 6 + 2 * len(layers), len(layers))  # a first scan of all components
    interleaved = data.endswith(scan, 0, stream.tell() - 3 - 2 * len(layers))
    if interleaved and not picture.info.get("progressive"):
        return 0.0
    widest, highest = max(layer[1] for layer in layers), max(layer[2] for layer in layers)
    return 2.0 * sum(layer[1] * layer[2] for layer in layers) / max(1, widest * highest)


def check_content(data: bytes, name: str) -> None:
    """Refuse what can be told to be too much from the file's bytes alone.

    Raises:
        PictureError: too many scans, compressed texts, or pixels of a WebP, whose decoder makes room at once.
    """
    if data.startswith(b"\xff\xd8") and (scans := _jpeg_scans(data)) > JPEG_SCANS:
        raise PictureError(f"{name} has {scans:,} scans; at most {JPEG_SCANS} are read: save it anew")
    if data.startswith(b"\x89PNG") and (texts := data.count(b"zTXt") + data.count(b"iTXt")) > PNG_PACKED_TEXTS:
        raise PictureError(f"{name} has {texts:,} packed texts; at most {PNG_PACKED_TEXTS} are read: save it anew")
    if size := _webp_size(data):
        check_pixels(*size, Cost(6, _WEBP_DECODER, reducible=False, python=False), "WEBP", name)


def _jpeg_scans(jpeg: bytes) -> int:
    """Count scans up to the end of the picture; a phone's file may have further views or a video behind it."""
    place, scans = 2, 0
    for _ in range(_STEPS):
        found = _JPEG_MARKER.search(jpeg, place)
        if not found or found[0] == b"\xff\xd9":
            return scans
        scans += found[0] == b"\xff\xda"
        place = found.end() + int.from_bytes(jpeg[found.end() : found.end() + 2], "big")
    return scans + jpeg.count(b"\xff\xda", place)


def check_pixels(width: int, height: int, needs: Cost, kind: str, name: str) -> None:
    """Refuse more pixels than the budget is for.

    Raises:
        PictureError: names the limit for this kind of picture.
    """
    if width * height > needs.most_pixels:
        cure = "make it smaller" if needs.reducible else "make it smaller, or save it as a baseline JPEG"
        raise PictureError(
            f"{name} has {width:,} x {height:,} pixels; at most {needs.most_pixels:,} are read "
            f"of a {kind} file like this one: {cure}"
        )


def _webp_size(data: bytes) -> tuple[int, int] | None:
    """Width and height that the head of a WebP file promises (RFC 9649); None when it is no WebP file."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or len(data) < 30:
        return None
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def has_more_frames(picture: Image.Image, data: bytes) -> bool:
    """Whether a picture is animated or has pages; later ones are not decoded for it.

    An MPO is one picture: a phone's JPEG with further views behind it.
    """
    if picture.format == "GIF":  # Pillow would read the next frame
        return _has_two_images(data)
    return picture.format != "MPO" and bool(getattr(picture, "is_animated", False))


def _has_two_images(gif: bytes) -> bool:
    place, images = 13 + (3 << (gif[10] & 7) + 1 if gif[10] & 0x80 else 0), 0
    try:
        for _ in range(_STEPS):
            introducer = gif[place]
            if introducer == 0x3B:  # the end
                return False
            if introducer == 0x2C:  # an image
                images += 1
                flags = gif[place + 9]
                place += 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
            elif introducer == 0x21:  # an extension
                place += 2
            else:
                place += 1
                continue
            if images > 1:
                return True
            place = _end_of_blocks(gif, place)
    except IndexError:
        pass
    return False


def _end_of_blocks(gif: bytes, place: int) -> int:
    for _ in range(_STEPS):
        if not gif[place]:
            return place + 1
        place += gif[place] + 1
    return len(gif)
