"""digitrec_edge.preprocess.bmff: AVIF and HEIC are read where a decoder is, and named with what to do where none is."""

import io
import struct
import sys

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, features

from digitrec_edge.errors import PictureError
from digitrec_edge.pip_lines import install_extra
from digitrec_edge.preprocess import bmff, limits
from digitrec_edge.preprocess.reading import SUFFIXES, decode, open_picture

ORIENTATION = 0x0112


def file_type(major: bytes, *compatible: bytes) -> bytes:
    body = major + bytes(4) + b"".join(compatible)
    return struct.pack(">I4s", 8 + len(body), b"ftyp") + body


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (file_type(b"avif", b"mif1"), "AVIF"),
        (file_type(b"mif1", b"mif1", b"avif"), "AVIF"),
        (file_type(b"heic", b"mif1"), "HEIC"),
        (file_type(b"mif1", b"miaf"), "HEIC"),
        (file_type(b"isom", b"mp41"), None),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), None),
        (b"ftyp", None),
        (b"", None),
        (b"\xff\xff\xff\xffftypheic", "HEIC"),
    ],
)
def test_the_brand_tells_the_kind(head: bytes, kind: str | None) -> None:
    assert bmff.kind_of(head) == kind


def drawn(kind: str, orientation: int = 1) -> tuple[NDArray[np.uint8], bytes]:
    """A page with a stroke on it, and the file."""
    page = np.full((60, 90), 255, np.uint8)
    page[10:50, 20:26] = 0
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stream = io.BytesIO()
    Image.fromarray(page).convert("RGB").save(stream, kind, exif=exif.tobytes(), quality=95)
    return page, stream.getvalue()


needs_avif = pytest.mark.skipif(not features.check("avif"), reason="this Pillow is built without AVIF")


@needs_avif
@pytest.mark.parametrize("orientation", [1, 6])
def test_avif_is_read_upright(orientation: int) -> None:
    page, data = drawn("AVIF", orientation)
    grey = decode(data, "picture")
    expected = page if orientation == 1 else np.rot90(page, -1)
    assert grey.shape == expected.shape
    assert np.abs(grey.astype(int) - expected).mean() < 3


@pytest.mark.parametrize("orientation", [1, 6])
def test_heic_is_read_upright_with_the_extra(orientation: int) -> None:
    heif = pytest.importorskip("pillow_heif", reason="the extra heif is not installed")
    heif.register_heif_opener()
    page, data = drawn("HEIF", orientation)
    grey = decode(data, "picture")
    expected = page if orientation == 1 else np.rot90(page, -1)
    assert grey.shape == expected.shape
    assert np.abs(grey.astype(int) - expected).mean() < 3


def test_heic_without_the_extra_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PictureError) as raised:
        open_picture(file_type(b"heic", b"mif1") + bytes(100), "photo.heic")
    assert "photo.heic is an HEIC picture" in str(raised.value)
    assert install_extra("heif") in str(raised.value)


def test_avif_without_a_decoder_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "modules", {})
    with pytest.raises(PictureError, match="photo.avif is an AVIF picture, .*'pillow>=11.3'"):
        open_picture(file_type(b"avif", b"mif1") + bytes(100), "photo.avif")


@needs_avif
def test_damaged_and_too_large_ones_are_errors() -> None:
    _, data = drawn("AVIF")
    for cut in (40, len(data) // 2, len(data) - 20):
        with pytest.raises(PictureError):
            decode(data[:cut], "picture")
    stream = io.BytesIO()
    Image.new("L", (5000, 4000)).save(stream, "AVIF", speed=10)
    with pytest.raises(PictureError, match=r"5,000 x 4,000 pixels; at most [\d,]+ are read of a AVIF"):
        decode(stream.getvalue(), "picture")


def test_a_phone_s_12_million_pixels_are_within_the_budget() -> None:
    assert limits.Cost(5, bmff.DECODER_BYTES, reducible=False, python=False).most_pixels >= 4032 * 3024


def test_folders_are_searched_for_them() -> None:
    assert {*bmff.SUFFIXES} < {*SUFFIXES}
