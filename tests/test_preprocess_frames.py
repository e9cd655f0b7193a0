"""Lines and circles around a digit are taken away; a 0, a rectangle and a lone line stay."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitrec_edge import mnist
from digitrec_edge.preprocess import read_stages
from runtimes import Model
from tests import pictures, pictures_frames

Frame = Callable[[ImageDraw.ImageDraw], None]

FRAMES: dict[str, Frame] = {
    "box": lambda draw: draw.rectangle((55, 55, 225, 225), outline=0, width=4),
    "underline": lambda draw: draw.line((40, 222, 240, 222), 0, 4),
    "comb": lambda draw: draw.line([(60, 120), (60, 225), (220, 225), (220, 120)], 0, 4),
    "circle": lambda draw: draw.ellipse((45, 45, 235, 235), outline=0, width=5),
}


def framed(page: NDArray[np.uint8], frame: Frame) -> NDArray[np.uint8]:
    picture = Image.fromarray(page)
    frame(ImageDraw.Draw(picture))
    return np.asarray(picture)


@pytest.mark.parametrize("name", FRAMES)
def test_a_digit_in_a_frame_is_the_same_digit(
    name: str, draw_page: Callable[..., NDArray[np.uint8]], mnist_test: mnist.Digits, pretrained_model: Model
) -> None:
    for digit in mnist_test.images[:10]:
        page = draw_page(digit)
        stages = read_stages(framed(page, FRAMES[name]))
        assert stages.cleaned is not None
        assert pretrained_model.classify(stages.single().image) == pretrained_model.classify(
            read_stages(page).single().image
        )


@pytest.mark.parametrize("name", ["box", "circle"])
def test_a_shape_around_nothing_is_kept(name: str) -> None:
    stages = read_stages(framed(np.full((280, 280), 255, np.uint8), FRAMES[name]))
    assert stages.cleaned is None
    assert len(stages.found) == 1


def test_no_digit_of_mnist_is_a_frame(draw_page: Callable[..., NDArray[np.uint8]], mnist_test: mnist.Digits) -> None:
    assert not any(read_stages(draw_page(digit)).cleaned for digit in mnist_test.images[:200])


def row_of(digits: NDArray[np.uint8]) -> Image.Image:
    page = Image.new("L", (140 * len(digits) + 60, 220), 255)
    for k, digit in enumerate(digits):
        page.paste(Image.fromarray(255 - np.kron(digit, np.ones((5, 5), np.uint8))), (30 + 140 * k, 40))
    return page


def test_a_line_as_thick_as_the_pen_is_known_by_its_length(mnist_test: mnist.Digits) -> None:
    page = row_of(mnist_test.images[:3])
    assert read_stages(np.asarray(page)).cleaned is None
    ImageDraw.Draw(page).line((20, 160, 460, 160), 0, 14)
    stages = read_stages(np.asarray(page))
    assert stages.cleaned is not None
    assert len(stages.several()) == 3


def test_a_stroke_from_line_to_line_that_leans_is_ink(mnist_test: mnist.Digits) -> None:
    page = row_of(mnist_test.images[[1, 3, 4]])
    draw = ImageDraw.Draw(page)
    draw.rectangle((310, 40, 450, 180), fill=255)
    for row in (50, 170):
        draw.line((10, row, 470, row), 0, 4)
    for column in (30, 170, 310, 450):
        draw.line((column, 20, column, 200), 0, 4)
    draw.line((371, 170, 388, 50), 0, 6)
    stages = read_stages(np.asarray(page))
    assert stages.cleaned is not None
    assert [digit.box.height >= 90 for digit in stages.found] == [True] * 3


def in_cells(mnist_test: mnist.Digits, dash: int = 0) -> Image.Image:
    """Three digits in cells; level lines are whole, or dashes of 16 pixels with so many between them."""
    page = row_of(mnist_test.images[[1, 3, 4]])
    draw = ImageDraw.Draw(page)
    for row in (36, 184):
        for start in range(30, 450, 16 + dash):
            draw.line((start, row, min(450, start + 15 if dash else 450), row), 0, 3)
    for column in (30, 170, 310, 450):
        draw.line((column, 36, column, 184), 0, 3)
    return page


@pytest.mark.parametrize("dash", [0, 6])
def test_cells_whose_lines_fell_to_pieces_are_taken_away_as_whole_ones_are(
    mnist_test: mnist.Digits, dash: int, pretrained_model: Model
) -> None:
    stages = read_stages(np.asarray(in_cells(mnist_test, dash)))
    assert stages.cleaned is not None
    assert [int(pretrained_model.classify(digit.image)) for digit in stages.several()] == [2, 0, 4]


@pytest.mark.parametrize(
    ("kind", "seed", "text"), [("boxes", 3025, "0248"), ("boxes", 3108, "3368"), ("combs", 3095, "3784")]
)
def test_a_line_between_cells_that_the_pen_hides_is_taken_away(
    kind: str, seed: int, text: str, mnist_test: mnist.Digits, pretrained_model: Model
) -> None:
    made = pictures_frames.make(mnist_test, kind, seed)
    assert made.text == text
    assert pictures.read(made, pretrained_model) == text
