"""Pictures of any kind become 28 x 28 pixels as MNIST has them."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge import mnist, preprocess, pretrained
from digitrec_edge.errors import PictureError
from digitrec_edge.preprocess import BOX, read_picture, reading, to_digit
from runtimes import Model, load

SHARE_READ_RIGHT = 0.985
SEVEN, TWO, ONE = 0, 1, 2
"""Places of these digits in the test set."""


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    with load(pretrained.DEFAULT) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def digits() -> mnist.Digits:
    return mnist.load("test")


@pytest.fixture(scope="module")
def sample(digits: mnist.Digits) -> mnist.Digits:
    chosen = mnist.sample_indices(500, len(digits), seed=0)
    return mnist.Digits(digits.images[chosen], digits.labels[chosen])


def on_paper(digit: NDArray[np.uint8], size: int = 140, *, dark_on_light: bool = True) -> Image.Image:
    """A digit written large in the middle of a page."""
    ink = Image.fromarray(digit).resize((size, size), Image.Resampling.BICUBIC)
    page = Image.new("L", (2 * size, 2 * size), 0)
    page.paste(ink, (size // 2, size // 2))
    return Image.fromarray(255 - np.asarray(page)) if dark_on_light else page


def saved(picture: Image.Image, path: Path, **options: Any) -> Path:
    picture.save(path, **options)
    return path


def read_all(pages: Iterable[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """Read page by page; one MNIST image in some thousand has a second mark as large as a digit and counts as wrong."""
    images = []
    for page in pages:
        try:
            images.append(to_digit(page))
        except PictureError as error:
            assert "2 digits found" in str(error)
            images.append(np.zeros((28, 28), np.uint8))
    return images


def centre_of_mass(image: NDArray[np.uint8]) -> tuple[float, float]:
    ink = image.astype(np.float64)
    places = np.arange(28) + 0.5
    return float((ink.sum(1) * places).sum() / ink.sum()), float((ink.sum(0) * places).sum() / ink.sum())


def test_the_digit_fills_20_pixels_and_its_mass_is_in_the_middle(digits: mnist.Digits) -> None:
    for digit in digits.images[:50]:
        image = to_digit(np.asarray(on_paper(digit)))
        assert image.shape == (28, 28)
        assert image.dtype == np.uint8
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        assert max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1 in (BOX - 1, BOX)
        row, column = centre_of_mass(image)
        assert row == pytest.approx(14.5, abs=0.51)
        assert column == pytest.approx(14.5, abs=0.51)
        assert image.max() == 255


def test_the_aspect_is_kept() -> None:
    page = np.full((200, 300), 255, np.uint8)
    page[50:150, 100:125] = 0
    image = to_digit(page)
    assert np.flatnonzero(image.any(axis=1)).size == 20
    assert np.flatnonzero(image.any(axis=0)).size == 5


@pytest.mark.parametrize("place", [(0, 0), (0, 200), (200, 0), (120, 77)])
def test_where_the_digit_stands_does_not_matter(digits: mnist.Digits, place: tuple[int, int]) -> None:
    ink = np.asarray(Image.fromarray(digits.images[SEVEN]).resize((80, 80)))
    page = np.zeros((300, 300), np.uint8)
    middle = page.copy()
    middle[110:190, 110:190] = ink
    page[place[0] : place[0] + 80, place[1] : place[1] + 80] = ink
    assert np.array_equal(to_digit(page), to_digit(middle))


def test_dark_on_light_and_light_on_dark_are_the_same(digits: mnist.Digits) -> None:
    for digit in digits.images[:50]:
        dark, light = (to_digit(np.asarray(on_paper(digit, dark_on_light=dark))) for dark in (True, False))
        assert np.array_equal(dark, light)


def test_grey_ink_on_grey_paper_is_read(digits: mnist.Digits, model: Model) -> None:
    for digit in digits.images[:20]:
        page = np.asarray(on_paper(digit))
        faint = (page * 0.3 + 100).astype(np.uint8)
        assert model.classify(to_digit(faint)) == model.classify(to_digit(page))


@pytest.mark.parametrize("size", [28, 37, 64, 140, 280])
@pytest.mark.parametrize("inverted", [False, True])
def test_mnist_on_paper_is_read_right(sample: mnist.Digits, model: Model, size: int, inverted: bool) -> None:
    images = read_all(np.asarray(on_paper(digit, size, dark_on_light=inverted)) for digit in sample.images)
    right = (model.predict(np.stack(images)).digits == sample.labels).mean()
    assert right >= SHARE_READ_RIGHT


def test_shifted_mnist_is_read_right(sample: mnist.Digits, model: Model) -> None:
    random = np.random.default_rng(0)
    pages = []
    for digit in sample.images:
        page = np.zeros((120, 160), np.uint8)
        top, left = random.integers(0, 92), random.integers(0, 132)
        page[top : top + 28, left : left + 28] = digit
        pages.append(page)
    images = read_all(pages)
    right = (model.predict(np.stack(images)).digits == sample.labels).mean()
    assert right >= SHARE_READ_RIGHT


def test_an_mnist_image_saved_as_it_is_comes_back_nearly_the_same(
    sample: mnist.Digits, model: Model, tmp_path: Path
) -> None:
    files = (saved(Image.fromarray(digit), tmp_path / "digit.png") for digit in sample.images)
    returned = np.stack(read_all(preprocess.read_grey(path) for path in files))
    same = np.array([np.array_equal(a, b) for a, b in zip(returned, sample.images, strict=True)])
    difference = np.abs(returned.astype(int) - sample.images).mean(axis=(1, 2))
    assert same.mean() >= 0.85
    assert np.median(difference) == 0
    assert (difference < 0.5).mean() >= 0.99
    right = (model.predict(returned).digits == sample.labels).mean()
    assert right >= SHARE_READ_RIGHT


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV", "I", "F"]
)
def test_every_mode_gives_the_same_digit(digits: mnist.Digits, model: Model, mode: str) -> None:
    for place in (SEVEN, TWO, ONE):
        page = on_paper(digits.images[place])
        converted = page.convert("RGB").convert(mode) if mode in ("LAB", "HSV") else page.convert(mode)
        assert model.classify(to_digit(preprocess.to_grey(converted))) == digits.labels[place]


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])
@pytest.mark.parametrize("white", [255, 65535])
def test_16_bit_greys_are_scaled_and_not_clipped(digits: mnist.Digits, model: Model, mode: str, white: int) -> None:
    page = np.asarray(on_paper(digits.images[TWO])).astype(np.float64) / 255 * white
    picture = Image.fromarray(page.astype(">u2" if mode.endswith("B") else "<u2"))
    assert picture.mode == mode
    assert model.classify(to_digit(preprocess.to_grey(picture))) == digits.labels[TWO]


@pytest.mark.parametrize("scale", [1.0, 255.0, 1e6])
def test_float_pictures_are_scaled(digits: mnist.Digits, model: Model, scale: float) -> None:
    page = np.asarray(on_paper(digits.images[TWO])).astype(np.float32) / 255 * scale
    assert model.classify(to_digit(preprocess.to_grey(Image.fromarray(page.astype(np.float32))))) == 2


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.png", {}), ("a.jpg", {"quality": 80}), ("a.bmp", {}), ("a.gif", {}), ("a.tif", {}), ("a.webp", {}),
        ("a.ppm", {}),
    ],
)  # fmt: skip
def test_every_usual_file_format_is_read(
    digits: mnist.Digits, model: Model, tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    page = on_paper(digits.images[SEVEN]).convert("RGB")
    assert model.classify(read_picture(saved(page, tmp_path / name, **options))) == 7


def test_the_name_of_a_picture_does_not_matter(digits: mnist.Digits, model: Model, tmp_path: Path) -> None:
    saved(on_paper(digits.images[SEVEN]), tmp_path / "a.png").rename(tmp_path / "a.txt")
    assert model.classify(read_picture(str(tmp_path / "a.txt"))) == 7


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
    digits: mnist.Digits, tmp_path: Path, orientation: int, turn: Image.Transpose
) -> None:
    upright = on_paper(digits.images[SEVEN])
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = saved(upright.transpose(turn), tmp_path / "turned.png", exif=exif)
    assert np.array_equal(read_picture(turned), read_picture(saved(upright, tmp_path / "upright.png")))


@pytest.mark.parametrize("ink", [0, 255])
@pytest.mark.parametrize("hidden", [0, 255])
def test_what_is_transparent_is_paper_whatever_colour_it_hides(
    digits: mnist.Digits, model: Model, tmp_path: Path, ink: int, hidden: int
) -> None:
    alpha = np.asarray(on_paper(digits.images[TWO], dark_on_light=False))
    colour = np.where(alpha[..., None] > 0, ink, hidden).astype(np.uint8).repeat(3, axis=2)
    picture = Image.fromarray(np.concatenate([colour, alpha[..., None]], axis=2))
    assert picture.mode == "RGBA"
    assert model.classify(read_picture(saved(picture, tmp_path / "a.png"))) == 2


def test_a_palette_with_a_transparent_colour_is_read(digits: mnist.Digits, model: Model, tmp_path: Path) -> None:
    page = on_paper(digits.images[TWO]).point(lambda value: 1 if value < 128 else 0)
    page.putpalette([255, 0, 0, 0, 0, 0])
    assert page.mode == "P"
    assert model.classify(read_picture(saved(page, tmp_path / "a.png", transparency=0))) == 2


def test_colours_are_weighed_as_the_eye_sees_them(digits: mnist.Digits, model: Model) -> None:
    ink = np.asarray(on_paper(digits.images[TWO], dark_on_light=False))[..., None] / 255
    blue, yellow = np.array([20, 20, 160]), np.array([250, 240, 120])
    page = (blue * ink + yellow * (1 - ink)).astype(np.uint8)
    assert model.classify(to_digit(preprocess.to_grey(Image.fromarray(page)))) == 2


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "I;16", "F"])
@pytest.mark.parametrize("value", [0, 1])
def test_a_blank_picture_has_no_digit(tmp_path: Path, mode: str, value: int) -> None:
    picture = Image.new(
        mode,
        (50, 50),
        (value,) * len(Image.Image.getbands(Image.new(mode, (1, 1)))) if mode in ("RGB", "RGBA") else value,
    )
    path = saved(picture, tmp_path / "blank.tif")
    with pytest.raises(PictureError, match=r"blank\.tif: no digit found: the picture is blank"):
        read_picture(path)


def test_noise_of_the_paper_is_no_digit(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(200, 215, (100, 100), dtype=np.uint8)
    with pytest.raises(PictureError, match="blank"):
        read_picture(saved(Image.fromarray(noise), tmp_path / "noise.png"))


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1)])
def test_a_picture_of_one_line_is_no_crash(size: tuple[int, int]) -> None:
    with pytest.raises(PictureError, match="blank"):
        to_digit(np.zeros(size, np.uint8))
    dotted = np.zeros(size, np.uint8)
    dotted.flat[dotted.size // 2] = 255
    if dotted.size > 1:
        with pytest.raises(PictureError, match="no mark has a digit's shape"):
            to_digit(dotted)


def test_a_single_dot_is_no_digit() -> None:
    page = np.zeros((100, 100), np.uint8)
    page[40, 60] = 255
    with pytest.raises(PictureError, match="no mark has a digit's shape"):
        to_digit(page)


def test_a_very_long_thin_picture_is_no_crash() -> None:
    page = np.zeros((3000, 9), np.uint8)
    page[10:-10, 4] = 255
    assert np.flatnonzero(to_digit(page).any(axis=0)).size <= 3


def test_an_empty_array_is_refused() -> None:
    with pytest.raises(PictureError, match="has no pixels"):
        to_digit(np.zeros((0, 5), np.uint8))


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
    digits: mnist.Digits, tmp_path: Path, kind: str
) -> None:
    stream = io.BytesIO()
    on_paper(digits.images[SEVEN], 56).convert("RGB").save(stream, kind)
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
    digits: mnist.Digits, tmp_path: Path, kind: str
) -> None:
    stream = io.BytesIO()
    on_paper(digits.images[SEVEN], 28).convert("RGB").save(stream, kind)
    random = np.random.default_rng(0)
    for _ in range(150):
        data = bytearray(stream.getvalue())
        for position in random.integers(0, min(len(data), 300), 3):
            data[position] = random.integers(0, 256)
        (tmp_path / "a").write_bytes(data)
        try:
            assert read_picture(tmp_path / "a").shape == (28, 28)
        except PictureError as error:
            assert "\n" not in str(error)


def test_a_truncated_png_says_so(digits: mnist.Digits, tmp_path: Path) -> None:
    path = saved(on_paper(digits.images[SEVEN]), tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(PictureError, match=r"a\.png cannot be read as a picture: damaged or truncated"):
        read_picture(path)


def test_a_picture_of_too_many_pixels_is_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(Image.new("1", (300, 200)), tmp_path / "a.png")
    monkeypatch.setattr(reading, "LIMIT_PIXELS", 300 * 200 - 1)
    with pytest.raises(PictureError, match="300 x 200 pixels; at most 59,999 are read"):
        read_picture(path)


def test_a_decompression_bomb_is_refused(tmp_path: Path) -> None:
    saved(Image.new("1", (20_000, 20_000)), tmp_path / "bomb.png")
    with pytest.raises(PictureError, match="too many pixels"):
        read_picture(tmp_path / "bomb.png")


@pytest.mark.parametrize("name", ["", "absent.png"])
def test_a_folder_or_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(PictureError, match="is a directory|no such file"):
        read_picture(tmp_path / name)


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.tif"])
def test_an_animation_or_several_pages_are_refused(tmp_path: Path, name: str) -> None:
    frames = [Image.new("L", (50, 50), value) for value in (0, 100, 200)]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    with pytest.raises(PictureError, match=r"is animated or has pages \(3 of them\)"):
        read_picture(tmp_path / name)


@pytest.mark.parametrize("size", [(100_000, 1), (3, 100), (500, 4)])
def test_a_picture_too_thin_for_a_digit_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(PictureError, match=rf"has {size[0]:,} x {size[1]} pixels; a digit needs 4 or more each way"):
        read_picture(saved(Image.new("L", size, 255), tmp_path / "a.png"))


def test_an_endless_standard_input_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LIMIT_BYTES", 100)
    with pytest.raises(PictureError, match="standard input is 101 bytes; at most 100 are read"):
        preprocess.decode(bytes(101), "standard input")
