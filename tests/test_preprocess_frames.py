"""Lines and circles around a digit are taken away; a 0, a rectangle and a lone line stay."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitrec_edge import mnist
from digitrec_edge.preprocess import read_stages
from runtimes import Model

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
