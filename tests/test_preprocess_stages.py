"""From a picture to its digits: read right, at every size, and a failure keeps the stages before it."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge import mnist, preprocess
from digitrec_edge.errors import PictureError
from digitrec_edge.preprocess import read_picture, read_stages, to_digit
from digitrec_edge.preprocess import stages as stages_module
from digitrec_edge.preprocess.foreground import Foreground, find_foreground
from digitrec_edge.quantization import SIDE
from runtimes import Model

DrawPage = Callable[..., NDArray[np.uint8]]
SHARE_READ_RIGHT = 0.985


def saved(picture: Image.Image, path: Path, **options: Any) -> Path:
    picture.save(path, **options)
    return path


@pytest.fixture(scope="module")
def sample(mnist_test: mnist.Digits) -> mnist.Digits:
    chosen = mnist.sample_indices(500, len(mnist_test), seed=0)
    return mnist.Digits(mnist_test.images[chosen], mnist_test.labels[chosen])


def read_all(pages: Iterable[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """Read page by page; a rare MNIST image has a second component as large as a digit and counts as wrong."""
    images = []
    for page in pages:
        try:
            images.append(to_digit(page))
        except PictureError as error:
            assert "2 digits found" in str(error)
            images.append(np.zeros((SIDE, SIDE), np.uint8))
    return images


def test_dark_on_light_and_light_on_dark_are_the_same(draw_page: DrawPage, mnist_test: mnist.Digits) -> None:
    for digit in mnist_test.images[:20]:
        page = draw_page(digit)
        assert np.array_equal(to_digit(page), to_digit(np.invert(page)))


def test_a_28_by_28_picture_that_is_dark_on_light_is_the_same_digit_to_the_byte(sample: mnist.Digits) -> None:
    for image in sample.images[:300]:
        assert np.array_equal(to_digit(np.invert(image)), to_digit(image))


def test_low_contrast_is_read(draw_page: DrawPage, mnist_test: mnist.Digits, pretrained_model: Model) -> None:
    for digit in mnist_test.images[:20]:
        page = draw_page(digit)
        faint = (page * 0.3 + 100).astype(np.uint8)
        assert pretrained_model.classify(to_digit(faint)) == pretrained_model.classify(to_digit(page))


@pytest.mark.parametrize(
    ("size", "count"), [(28, 500), (37, 500), (64, 200), (140, 70), (280, 20)], ids=lambda value: str(value)
)
@pytest.mark.parametrize("light_on_dark", [False, True])
def test_mnist_at_any_size_is_read_right(
    draw_page: DrawPage, sample: mnist.Digits, pretrained_model: Model, size: int, count: int, light_on_dark: bool
) -> None:
    """Fewer of the large ones, which take longer; what is lost is lost at small sizes."""
    pages = (draw_page(digit, size) for digit in sample.images[:count])
    images = read_all(np.invert(page) if light_on_dark else page for page in pages)
    right = (pretrained_model.predict(np.stack(images)).digits == sample.labels[:count]).mean()
    assert right >= SHARE_READ_RIGHT


def test_shifted_mnist_is_read_right(sample: mnist.Digits, pretrained_model: Model) -> None:
    random = np.random.default_rng(0)
    pages = []
    for digit in sample.images:
        page = np.zeros((120, 160), np.uint8)
        top, left = random.integers(0, 92), random.integers(0, 132)
        page[top : top + 28, left : left + 28] = digit
        pages.append(page)
    images = read_all(pages)
    right = (pretrained_model.predict(np.stack(images)).digits == sample.labels).mean()
    assert right >= SHARE_READ_RIGHT


def test_an_mnist_image_saved_as_it_is_comes_back_nearly_the_same(
    sample: mnist.Digits, pretrained_model: Model, tmp_path: Path
) -> None:
    files = (saved(Image.fromarray(digit), tmp_path / "digit.png") for digit in sample.images)
    returned = np.stack(read_all(preprocess.read_grey(path) for path in files))
    same = np.array([np.array_equal(a, b) for a, b in zip(returned, sample.images, strict=True)])
    difference = np.abs(returned.astype(int) - sample.images).mean(axis=(1, 2))
    assert same.mean() >= 0.85
    assert np.median(difference) == 0
    assert (difference < 0.5).mean() >= 0.99
    right = (pretrained_model.predict(returned).digits == sample.labels).mean()
    assert right >= SHARE_READ_RIGHT


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


def test_noise_of_the_background_is_no_digit(tmp_path: Path) -> None:
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
        with pytest.raises(PictureError, match="nothing has a digit's shape"):
            to_digit(dotted)


def test_a_single_dot_is_no_digit() -> None:
    page = np.zeros((100, 100), np.uint8)
    page[40, 60] = 255
    with pytest.raises(PictureError, match="nothing has a digit's shape"):
        to_digit(page)


def test_a_very_long_thin_picture_is_no_crash() -> None:
    page = np.zeros((3000, 9), np.uint8)
    page[10:-10, 4] = 255
    assert np.flatnonzero(to_digit(page).any(axis=0)).size <= 3


def test_an_empty_array_is_refused() -> None:
    with pytest.raises(PictureError, match="has no pixels"):
        to_digit(np.zeros((0, 5), np.uint8))


def test_boxes_are_in_pixels_of_the_original(draw_page: DrawPage, mnist_test: mnist.Digits) -> None:
    large = draw_page(mnist_test.images[0], 800, [(1000, 2000)], (3000, 4000))
    (found,) = read_stages(large).digits()
    rows, columns = np.flatnonzero((large < 128).any(axis=1)), np.flatnonzero((large < 128).any(axis=0))
    assert found.box.top == pytest.approx(rows[0], abs=24)
    assert found.box.bottom == pytest.approx(rows[-1], abs=24)
    assert found.box.left == pytest.approx(columns[0], abs=24)
    assert found.box.right == pytest.approx(columns[-1], abs=24)


def test_a_failure_keeps_the_stages_before_it() -> None:
    blank = read_stages(np.full((50, 80), 255, np.uint8))
    assert (blank.grey.shape, blank.foreground, blank.found) == ((50, 80), None, ())
    line = np.full((100, 100), 255, np.uint8)
    line[50:54, 10:90] = 0
    stages = read_stages(line)
    assert stages.foreground is not None
    assert stages.foreground.mask.any()
    assert stages.found == ()
    for failed in (blank, stages):
        with pytest.raises(PictureError, match="no digit found"):
            failed.digits()


def test_the_foreground_is_found_once(
    draw_page: DrawPage, mnist_test: mnist.Digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []

    def find(grey: NDArray[np.uint8]) -> Foreground:
        found.append(find_foreground(grey))
        return found[-1]

    monkeypatch.setattr(stages_module, "find_foreground", find)
    stages = read_stages(draw_page(mnist_test.images[0]))
    assert stages.single() in stages.digits()
    assert found == [stages.foreground]


def test_a_frame_in_colour_is_read_and_anything_else_is_one_line() -> None:
    grey = (255 - np.kron(mnist.load("test").images[0], np.ones((5, 5), np.uint8))).astype(np.uint8)
    whole = to_digit(grey)
    assert np.array_equal(to_digit(np.repeat(grey[..., None], 3, axis=2)), whole)
    opaque = np.dstack([grey, grey, grey, np.full_like(grey, 255)])
    assert np.array_equal(to_digit(opaque), whole)
    wrongs: list[tuple[Any, str]] = [
        (grey / 255, "the picture is float64"),
        ([[1]], "the picture is list"),
        (grey[None, None], r"has shape \(1, 1, 140, 140\)"),
        (np.zeros((5, 5, 2), np.uint8), r"has shape \(5, 5, 2\)"),
        (np.zeros((0, 5), np.uint8), r"no pixels: its shape is \(0, 5\)"),
    ]
    for wrong, words in wrongs:
        with pytest.raises(PictureError, match=words):
            to_digit(wrong)
