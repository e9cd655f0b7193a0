"""Ink of its paper's grey is seen by its hue; where grey shows the ink the hue has no say."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from digitrec_edge.preprocess.colour import hue_if_clearer
from digitrec_edge.preprocess.reading import to_grey

RED, GREEN = (190, 70, 60), (40, 145, 60)


def drawn(ink: tuple[int, int, int], paper: tuple[int, int, int]) -> Image.Image:
    page = Image.new("RGB", (320, 240), paper)
    ImageDraw.Draw(page).line([(120, 60), (200, 60), (150, 190)], ink, 16)
    noise = np.random.default_rng(0).normal(0, 2, (240, 320, 3))
    return Image.fromarray(np.clip(np.asarray(page) + noise, 0, 255).astype(np.uint8))


@pytest.mark.parametrize(("ink", "paper"), [(RED, GREEN), (GREEN, RED)])
def test_red_on_green_of_the_same_grey_is_seen(ink: tuple[int, int, int], paper: tuple[int, int, int]) -> None:
    grey = to_grey(drawn(ink, paper)).astype(int)
    assert abs(int(grey[55:66, 130:190].mean()) - int(grey[:40].mean())) > 100


@pytest.mark.parametrize("ink", [(20, 20, 20), (30, 50, 150), (170, 35, 40)])
def test_ink_that_grey_shows_is_read_in_grey(ink: tuple[int, int, int]) -> None:
    picture = drawn(ink, (235, 235, 225))
    assert hue_if_clearer(picture) is None
    assert np.array_equal(to_grey(picture), np.asarray(picture.convert("L")))


def test_grey_pictures_and_small_ones_have_no_hue() -> None:
    assert hue_if_clearer(drawn(RED, GREEN).convert("L")) is None
    assert hue_if_clearer(drawn(RED, GREEN).resize((32, 24))) is None
