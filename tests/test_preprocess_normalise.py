"""The foreground of one digit fills its box as MNIST's digits do, by the centre of mass."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitrec_edge import mnist
from digitrec_edge.preprocess import BOX, to_digit
from digitrec_edge.preprocess.filters import disc_min
from digitrec_edge.preprocess.normalise import THICK_PX, normalise, stroke_width
from digitrec_edge.quantization import SIDE
from runtimes import Model

DrawPage = Callable[..., NDArray[np.uint8]]
SEVEN = 0


def centre_of_mass(image: NDArray[np.uint8]) -> tuple[float, float]:
    mass = image.astype(np.float64)
    places = np.arange(SIDE) + 0.5
    return float((mass.sum(1) * places).sum() / mass.sum()), float((mass.sum(0) * places).sum() / mass.sum())


def cut_out(plane: NDArray[Any]) -> NDArray[Any]:
    rows, columns = np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0))
    return plane[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def of_a_thick_pen(digit: NDArray[np.uint8], longer: int) -> NDArray[np.float32]:
    """Draw a digit in a box of 80 px with strokes that are 19 px wider, and scale it."""
    cut = cut_out(digit)
    size = [round(side * 80 / max(cut.shape)) for side in cut.shape[::-1]]
    fine = np.pad(np.asarray(Image.fromarray(cut).resize(size), np.float32) / 255, 10)
    thick = Image.fromarray(-disc_min(-fine, 9))
    scaled = thick.resize([round(side * longer / max(thick.size)) for side in thick.size], Image.Resampling.BOX)
    return cut_out(np.asarray(scaled).clip(0, 1))


def test_the_digit_fills_20_pixels_and_its_mass_is_in_the_middle(draw_page: DrawPage, mnist_test: mnist.Digits) -> None:
    for digit in mnist_test.images[:50]:
        image = to_digit(draw_page(digit))
        assert image.shape == (SIDE, SIDE)
        assert image.dtype == np.uint8
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        assert max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1 in (BOX - 1, BOX)
        row, column = centre_of_mass(image)
        assert row == pytest.approx(14.5, abs=0.51)
        assert column == pytest.approx(14.5, abs=0.51)
        assert image.max() == 255


def test_the_aspect_is_kept() -> None:
    page = np.full((200, 300), 255, np.uint8)
    page[50:150, 100:120] = 0
    image = to_digit(page)
    assert np.flatnonzero(image.any(axis=1)).size == 20
    assert np.flatnonzero(image.any(axis=0)).size == 4


@pytest.mark.parametrize("place", [(0, 0), (0, 200), (200, 0), (120, 77)])
def test_where_the_digit_stands_does_not_matter(mnist_test: mnist.Digits, place: tuple[int, int]) -> None:
    digit = np.asarray(Image.fromarray(mnist_test.images[SEVEN]).resize((80, 80)))
    page = np.zeros((300, 300), np.uint8)
    middle = page.copy()
    middle[110:190, 110:190] = digit
    page[place[0] : place[0] + 80, place[1] : place[1] + 80] = digit
    assert np.array_equal(to_digit(page), to_digit(middle))


@pytest.mark.parametrize("width", [1, 2, 4, 12, 30])
def test_thin_pens_and_thick_markers_give_strokes_of_a_pen(width: int) -> None:
    picture = Image.new("L", (400, 400), 255)
    ImageDraw.Draw(picture).line([(120, 90), (280, 90), (180, 310)], fill=0, width=width)
    image = to_digit(np.asarray(picture))
    assert image.max() == 255
    assert 1.4 <= stroke_width(image / np.float32(255)) <= 4.5


def test_stroke_width_is_about_what_was_drawn() -> None:
    for width in (4, 8, 16):
        plane = np.zeros((200, 200), np.float32)
        plane[20:180, 60 : 60 + width] = 1
        assert stroke_width(plane) == pytest.approx(width * 4 / np.pi, rel=0.15)


def test_mnist_s_own_digits_come_out_to_the_pixel(mnist_test: mnist.Digits) -> None:
    same = []
    for digit in mnist_test.images[:500]:
        cut = cut_out(digit / np.float32(255))
        if digit.max() == 255 and stroke_width(cut) < THICK_PX:
            same.append(np.array_equal(normalise(cut), digit))
    assert len(same) > 400
    assert np.mean(same) > 0.99


@pytest.mark.parametrize("longer", [16, 80, 300])
def test_digits_of_a_thick_felt_pen_are_read_as_those_of_a_pen(
    mnist_test: mnist.Digits, pretrained_model: Model, longer: int
) -> None:
    thick = [of_a_thick_pen(digit, longer) for digit in mnist_test.images[:200]]
    assert np.mean([stroke_width(cut) * BOX / max(cut.shape) for cut in thick]) > THICK_PX
    found = pretrained_model.predict(np.stack([normalise(cut) for cut in thick]))
    assert np.mean(found.digits == mnist_test.labels[:200]) >= 0.96
    assert found.accepted is not None
    assert np.mean(found.accepted) >= 0.9


def test_a_bar_is_worn_to_a_stroke_and_a_blot_stays_a_blot() -> None:
    bar = normalise(np.ones((160, 60), np.float32))
    assert stroke_width(bar / np.float32(255)) < THICK_PX
    assert np.flatnonzero(bar.any(axis=1)).size == BOX
    assert normalise(np.ones((60, 60), np.float32)).astype(bool).sum() == BOX * BOX
