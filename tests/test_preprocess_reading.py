"""Bytes of any picture format and mode become an upright grey picture, or one clear error."""

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge import mnist, preprocess
from digitrec_edge.errors import PictureError
from digitrec_edge.preprocess import limits, read_picture, reading, to_digit
from digitrec_edge.quantization import SIDE
from runtimes import Model

DrawPage = Callable[..., NDArray[np.uint8]]
SEVEN, TWO, ONE = 0, 1, 2
"""Places of these digits in the test set."""

RED, GREEN = (190, 70, 60), (40, 145, 60)
"""Of the same grey."""


def saved(picture: Image.Image, path: Path, **options: Any) -> Path:
    picture.save(path, **options)
    return path


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV", "I", "F"]
)
def test_every_mode_gives_the_same_digit(
    draw_page: DrawPage, mnist_test: mnist.Digits, pretrained_model: Model, mode: str
) -> None:
    for place in (SEVEN, TWO, ONE):
        page = Image.fromarray(draw_page(mnist_test.images[place]))
        converted = page.convert("RGB").convert(mode) if mode in ("LAB", "HSV") else page.convert(mode)
        assert pretrained_model.classify(to_digit(preprocess.to_grey(converted))) == mnist_test.labels[place]


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])
@pytest.mark.parametrize("white", [255, 511, 1023, 4095, 65535])
def test_16_bit_greys_are_scaled_and_not_clipped(
    draw_page: DrawPage, mnist_test: mnist.Digits, pretrained_model: Model, mode: str, white: int
) -> None:
    page = draw_page(mnist_test.images[TWO]).astype(np.float64) / 255 * white
    picture = Image.fromarray(page.astype(">u2" if mode.endswith("B") else "<u2"))
    assert picture.mode == mode
    assert pretrained_model.classify(to_digit(preprocess.to_grey(picture))) == mnist_test.labels[TWO]


def test_a_picture_that_holds_no_numbers_is_named() -> None:
    stream = io.BytesIO()
    Image.fromarray(np.full((40, 40), np.nan, np.float32)).save(stream, "TIFF")
    with pytest.raises(PictureError, match="^nan.tif holds NaN or infinity"):
        reading.open_picture(stream.getvalue(), "nan.tif")


@pytest.mark.parametrize("scale", [1.0, 255.0, 1e6])
def test_float_pictures_are_scaled(
    draw_page: DrawPage, mnist_test: mnist.Digits, pretrained_model: Model, scale: float
) -> None:
    page = draw_page(mnist_test.images[TWO]).astype(np.float32) / 255 * scale
    assert pretrained_model.classify(to_digit(preprocess.to_grey(Image.fromarray(page.astype(np.float32))))) == 2


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.png", {}), ("a.jpg", {"quality": 80}), ("a.bmp", {}), ("a.gif", {}), ("a.tif", {}), ("a.webp", {}),
        ("a.ppm", {}),
    ],
)  # fmt: skip
def test_every_usual_file_format_is_read(
    draw_page: DrawPage,
    mnist_test: mnist.Digits,
    pretrained_model: Model,
    tmp_path: Path,
    name: str,
    options: dict[str, Any],
) -> None:
    page = Image.fromarray(draw_page(mnist_test.images[SEVEN])).convert("RGB")
    assert pretrained_model.classify(read_picture(saved(page, tmp_path / name, **options))) == 7


def test_the_name_of_a_picture_does_not_matter(
    draw_page: DrawPage, mnist_test: mnist.Digits, pretrained_model: Model, tmp_path: Path
) -> None:
    saved(Image.fromarray(draw_page(mnist_test.images[SEVEN])), tmp_path / "a.png").rename(tmp_path / "a.txt")
    assert pretrained_model.classify(read_picture(str(tmp_path / "a.txt"))) == 7


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (2, Image.Transpose.FLIP_LEFT_RIGHT),
        (3, Image.Transpose.ROTATE_180),
        (4, Image.Transpose.FLIP_TOP_BOTTOM),
        (6, Image.Transpose.ROTATE_90),
        (8, Image.Transpose.ROTATE_270),
    ],
)
def test_a_picture_that_a_camera_held_otherwise_is_turned_upright(
    draw_page: DrawPage, mnist_test: mnist.Digits, tmp_path: Path, orientation: int, turn: Image.Transpose
) -> None:
    upright = Image.fromarray(draw_page(mnist_test.images[SEVEN]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = saved(upright.transpose(turn), tmp_path / "turned.png", exif=exif)
    assert np.array_equal(read_picture(turned), read_picture(saved(upright, tmp_path / "upright.png")))


@pytest.mark.parametrize("colour", [0, 255])
@pytest.mark.parametrize("hidden", [0, 255])
def test_what_is_transparent_is_background_whatever_colour_it_hides(
    draw_page: DrawPage, mnist_test: mnist.Digits, pretrained_model: Model, tmp_path: Path, colour: int, hidden: int
) -> None:
    alpha = 255 - draw_page(mnist_test.images[TWO])
    colours = np.where(alpha[..., None] > 0, colour, hidden).astype(np.uint8).repeat(3, axis=2)
    picture = Image.fromarray(np.concatenate([colours, alpha[..., None]], axis=2))
    assert picture.mode == "RGBA"
    assert pretrained_model.classify(read_picture(saved(picture, tmp_path / "a.png"))) == 2


def test_a_palette_with_a_transparent_colour_is_read(
    draw_page: DrawPage, mnist_test: mnist.Digits, pretrained_model: Model, tmp_path: Path
) -> None:
    page = Image.fromarray(draw_page(mnist_test.images[TWO])).point(lambda value: 1 if value < 128 else 0)
    page.putpalette([255, 0, 0, 0, 0, 0])
    assert page.mode == "P"
    assert pretrained_model.classify(read_picture(saved(page, tmp_path / "a.png", transparency=0))) == 2


def test_colours_are_weighed_as_the_eye_sees_them(
    draw_page: DrawPage, mnist_test: mnist.Digits, pretrained_model: Model
) -> None:
    strength = 1 - draw_page(mnist_test.images[TWO])[..., None] / 255
    blue, yellow = np.array([20, 20, 160]), np.array([250, 240, 120])
    page = (blue * strength + yellow * (1 - strength)).astype(np.uint8)
    assert pretrained_model.classify(to_digit(preprocess.to_grey(Image.fromarray(page)))) == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", r"is empty \(0 bytes\)"),
        (b"not a picture at all", "is not a picture; PNG, JPEG"),
        (b"\x89PNG\r\n\x1a\n", "is not a picture|cannot be read"),
        (b"GIF89a", "is not a picture|cannot be read"),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(PictureError, match=reason):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("kind", ["png", "jpeg", "bmp", "gif", "tiff", "webp", "ppm"])
def test_a_truncated_picture_is_refused_or_read_but_never_a_crash(
    draw_page: DrawPage, mnist_test: mnist.Digits, tmp_path: Path, kind: str
) -> None:
    stream = io.BytesIO()
    Image.fromarray(draw_page(mnist_test.images[SEVEN], 56)).convert("RGB").save(stream, kind)
    data = stream.getvalue()
    refused = 0
    lengths = np.random.default_rng(0).integers(1, len(data), 40)
    for length in lengths:
        (tmp_path / "a").write_bytes(data[:length])
        try:
            read_picture(tmp_path / "a")
        except PictureError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused >= len(lengths) // 2


@pytest.mark.parametrize("kind", ["png", "jpeg", "bmp", "gif", "tiff", "webp", "ppm"])
def test_a_damaged_picture_is_refused_or_read_but_never_a_crash(
    draw_page: DrawPage, mnist_test: mnist.Digits, tmp_path: Path, kind: str
) -> None:
    stream = io.BytesIO()
    Image.fromarray(draw_page(mnist_test.images[SEVEN], 28)).convert("RGB").save(stream, kind)
    random = np.random.default_rng(0)
    for _ in range(150):
        data = bytearray(stream.getvalue())
        for position in random.integers(0, min(len(data), 300), 3):
            data[position] = random.integers(0, 256)
        (tmp_path / "a").write_bytes(data)
        try:
            assert read_picture(tmp_path / "a").shape == (SIDE, SIDE)
        except PictureError as error:
            assert "\n" not in str(error)


def test_a_truncated_png_is_named_as_such(draw_page: DrawPage, mnist_test: mnist.Digits, tmp_path: Path) -> None:
    path = saved(Image.fromarray(draw_page(mnist_test.images[SEVEN])), tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(PictureError, match=r"a\.png cannot be read as a picture: damaged or truncated"):
        read_picture(path)


def test_a_picture_of_too_many_pixels_is_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(Image.new("1", (300, 200)), tmp_path / "a.png")
    monkeypatch.setattr(limits, "LIMIT_PIXELS", 300 * 200 - 1)
    with pytest.raises(PictureError, match="300 x 200 pixels; at most 59,999 are read"):
        read_picture(path)


def test_a_decompression_bomb_is_refused(tmp_path: Path) -> None:
    header = struct.pack(">4sIIBBBBB", b"IHDR", 20_000, 20_000, 1, 0, 0, 0, 0)
    chunks = [
        struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)) for body in (header, b"IDAT")
    ]
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    with pytest.raises(PictureError, match=r"20,000 x 20,000 pixels; at most|too many pixels"):
        read_picture(tmp_path / "bomb.png")


@pytest.mark.parametrize("name", ["", "absent.png"])
def test_a_folder_or_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PictureError, match="is a directory|no such file"):
        read_picture(tmp_path / name)


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.tif"])
def test_an_animation_or_several_pages_are_refused(tmp_path: Path, name: str) -> None:
    frames = [Image.new("L", (50, 50), value) for value in (0, 100, 200)]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    with pytest.raises(PictureError, match=r"is animated or has pages; save one"):
        read_picture(tmp_path / name)


@pytest.mark.parametrize("size", [(100_000, 1), (3, 100), (500, 4)])
def test_a_picture_too_thin_for_a_digit_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(PictureError, match=rf"has {size[0]:,} x {size[1]} pixels; a digit needs 4 or more each way"):
        read_picture(saved(Image.new("L", size, 255), tmp_path / "a.png"))


def test_an_endless_standard_input_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LIMIT_BYTES", 100)
    with pytest.raises(PictureError, match="standard input is 101 bytes; at most 100 are read"):
        preprocess.decode(bytes(101), "standard input")


def large(size: tuple[int, int], mode: str = "RGB", **options: Any) -> bytes:
    page = Image.new("L", (400, 300), 230)
    page.paste(Image.fromarray(255 - mnist.load("test").images[SEVEN]).resize((150, 150)), (180, 90))
    stream = io.BytesIO()
    page.resize(size).convert(mode).save(stream, **options)
    return stream.getvalue()


@pytest.mark.parametrize("options", [{"format": "JPEG"}, {"format": "JPEG", "progressive": True}], ids=repr)
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_photograph_of_48_megapixels_is_read_at_reduced_size(
    pretrained_model: Model, options: dict[str, Any], orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = reading.open_picture(large((8000, 6000), exif=exif, **options), "photograph")
    assert picture.reduction == 8  # as digits are sought at 1,000 x 750
    shape = (6000 // picture.reduction, 8000 // picture.reduction)
    assert picture.grey.shape == (shape if orientation == 1 else shape[::-1])
    if orientation == 1:
        digit = preprocess.read_stages(picture.grey, picture.reduction).single()
        assert pretrained_model.classify(digit.image) == 7
        assert 3600 < digit.box.left < 4800  # in pixels of the file
        assert 5200 < digit.box.right < 6300


@pytest.mark.parametrize(
    ("size", "reduction"),
    [((1024, 768), 1), ((1025, 768), 2), ((1600, 1200), 2), ((2064, 1548), 1), ((3000, 4000), 4), ((4400, 2600), 1),
     ((5200, 3900), 2)],
)  # fmt: skip
def test_a_jpeg_is_decoded_at_the_size_at_which_digits_are_sought_or_a_multiple(
    pretrained_model: Model, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], reduction: int
) -> None:
    """5 times smaller is not a quarter and then a half: the digit is cut from as many pixels as without."""
    data = large(size, format="JPEG")
    picture = reading.open_picture(data, "photograph")
    assert picture.reduction == reduction
    found = preprocess.read_stages(picture.grey, picture.reduction)
    monkeypatch.setattr(reading, "WORKING_PX", 10_000)  # nothing is reduced before it is decoded
    whole = reading.open_picture(data, "photograph")
    alone = preprocess.read_stages(whole.grey, whole.reduction)
    assert found.foreground
    assert alone.foreground
    assert found.foreground.reduction * reduction == alone.foreground.reduction * whole.reduction
    assert found.foreground.mask.shape == alone.foreground.mask.shape
    assert np.corrcoef(found.single().image.ravel(), alone.single().image.ravel())[0, 1] > 0.99
    assert pretrained_model.classify(found.single().image) == 7


def test_a_jpeg_that_is_not_reduced_is_what_it_was_to_the_byte() -> None:
    data = large((1000, 750), format="JPEG")
    with Image.open(io.BytesIO(data)) as picture:
        assert np.array_equal(reading.decode(data, "photograph"), np.asarray(picture.convert("L")))


@pytest.mark.parametrize(
    ("size", "mode", "options", "most"),
    [
        ((8000, 6000), "RGB", {"format": "PNG", "compress_level": 1}, "13,421,772"),
        ((8000, 6000), "L", {"format": "PNG", "compress_level": 1}, "33,554,432"),
        ((4000, 3000), "RGB", {"format": "WEBP", "method": 0}, "8,854,641"),
    ],
)
def test_more_pixels_than_the_budget_are_refused_and_the_limit_is_true(
    size: tuple[int, int], mode: str, options: dict[str, Any], most: str
) -> None:
    reason = f"pixels; at most {most} are read of a .* file like this one: make it smaller, or save it as"
    with pytest.raises(PictureError, match=reason):
        reading.open_picture(large(size, mode, **options), "page")


def test_the_limit_in_the_message_is_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PIXEL_BYTES", 5 * 200 * 100)
    assert reading.decode(large((200, 100), format="PNG"), "page").shape == (100, 200)
    with pytest.raises(PictureError, match="200 x 101 pixels; at most 20,000 are read of a PNG"):
        reading.decode(large((200, 101), format="PNG"), "page")
    assert reading.open_picture(large((1600, 800), format="JPEG"), "page").reduction == 8
    with pytest.raises(PictureError, match="1,608 x 800 pixels; at most 1,280,000 are read of a JPEG"):
        reading.decode(large((1608, 800), format="JPEG"), "page")


def test_pictures_that_are_decoded_in_python_have_a_limit_of_their_own() -> None:
    plain = b"P2 1500 1400 255\n" + b"255 " * (1500 * 1400)
    with pytest.raises(PictureError, match="at most 2,000,000 are read of a PPM"):
        reading.decode(plain, "page")


def test_what_stands_behind_a_jpeg_is_no_part_of_it() -> None:
    """The video of a motion photo, megabytes of anything, has the two bytes of a scan's start in it 89 times."""
    photograph = large((200, 150), format="JPEG", progressive=True)
    video = b"ftypmp42" + b"\xff\xda\0\x0c" * 89
    assert np.array_equal(reading.decode(photograph + video, "motion"), reading.decode(photograph, "still"))


@pytest.mark.parametrize(
    "before", [b"\xff\xfe\0\6\xff\xd9\xff\xd9", b"\xff\0\xff\2\xff\xff", b"\xff\1\xff\xff", b"\xff\xd0\xff\xff"]
)
def test_scans_are_counted_behind_what_looks_like_an_end_or_a_length(before: bytes) -> None:
    """An end within a comment is none, and a decoder skips no length behind what is no segment."""
    scans = b"\xff\xda\0\2\xff\xff" * 65
    with pytest.raises(PictureError, match="has 66 scans; at most 64"):
        reading.decode(_inside(before + scans, -2, "JPEG"), "page")


HOSTILE_FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "comments in JPEG": (lambda: _inside(b"\xff\xfe\0\3c" * 9_000_000, 2, "JPEG"), "4,096 pieces"),
    "comments in GIF": (lambda: _inside(b"!\xfe" + b"\1c" * 20_000_000 + b"\0", -1, "GIF", "P"), ""),
    "chunks in PNG": (lambda: _inside(png_chunk(b"teXt", b"a\0b") * 3_000_000, 33, "PNG"), "4,096 pieces"),
    "chunks behind the pixels": (lambda: _inside(png_chunk(b"teXt", b"a\0b") * 3_000_000, -12, "PNG"), "4,096 pieces"),
    "texts in PNG": (lambda: _inside(packed_text() * 60, 33, "PNG"), "60 packed texts; at most 16"),
    "scans behind comments": (
        lambda: _inside(b"\xff\xfe\0\2" * 9_000_000 + b"\xff\xda\0\2" * 65, 2, "JPEG"),
        "66 scans;",
    ),
    "scans in JPEG": (lambda: _inside(b"\xff\xda\0\2" * 65, -2, "JPEG"), "scans; at most 64"),
    "pixels in WebP": (lambda: blank((8_000, 6_000), format="WEBP", method=0, quality=1), "at most 8,854,641"),
    "blank in PNG": (lambda: blank((5_700, 5_700), format="PNG", compress_level=1), "(5700, 5700)"),
    "long in PNG": (lambda: blank((57_000, 580), format="PNG", compress_level=1), "(580, 57000)"),
    "sheet in PNG": (lambda: in_each_other((5_700, 5_700), "L", 60, 225, 30, format="PNG"), "(5700, 5700)"),
    "hues in PNG": (lambda: in_each_other((3_600, 3_600), "RGB", GREEN, GREEN, RED, format="PNG"), "(3600, 3600)"),
    "pixels in PNG": (lambda: blank((8_000, 6_000), format="PNG", compress_level=1), "at most 33,554,432"),
}


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def packed_text() -> bytes:
    return png_chunk(b"iTXt", b"k\0\1\0\0\0" + zlib.compress(("x" * 1_000_000 + "\U0001f600").encode()))


def blank(size: tuple[int, int], **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.new("L", size, 255).save(stream, **options)
    return stream.getvalue()


def in_each_other(size: tuple[int, int], mode: str, *colours: Any, **options: Any) -> bytes:
    page, (right, bottom) = Image.new(mode, size, colours[0]), size
    for k, colour in enumerate(colours[1:], 1):
        page.paste(colour, (right * k // 5, bottom * k // 5, right * (5 - k) // 5, bottom * (5 - k) // 5))
    stream = io.BytesIO()
    page.save(stream, **options)
    return stream.getvalue()


def _inside(more: bytes, place: int, kind: str, mode: str = "L") -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (60, 60), 255).save(stream, kind)
    data = stream.getvalue()
    return data[:place] + more + data[place:]


@pytest.mark.checkout  # emulated boards count neither memory nor time as a device does
@pytest.mark.parametrize(("make", "reason"), HOSTILE_FILES.values(), ids=list(HOSTILE_FILES))
def test_a_small_device_survives_what_asks_for_memory_or_time(
    tmp_path: Path, make: Callable[[], bytes], reason: str
) -> None:
    (tmp_path / "a").write_bytes(make())
    code = (
        "import sys, time\n"
        "from digitrec_edge.errors import PictureError\n"
        "from digitrec_edge.preprocess import read_grey, read_stages\n"
        "try:\n    print(read_stages(read_grey(sys.argv[1])).grey.shape)\n"
        "except PictureError as error:\n    print(error)\n"
        "from tests.watched import peak_mb\n"
        "print(peak_mb(), time.process_time())\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a")]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=True, cwd=Path(__file__).parents[1]
    )
    answer, figures = done.stdout.splitlines()
    peak_mb, seconds = map(float, figures.split())
    assert reason in answer
    assert 0 < peak_mb < 300
    assert seconds < 5
