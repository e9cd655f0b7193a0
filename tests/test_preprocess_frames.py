"""Lines and circles around a digit are taken away; a 0, a rectangle and a lone line stay."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitrec_edge import mnist
from digitrec_edge.preprocess import enclosures, read_stages, rulings
from digitrec_edge.preprocess.components import find_components
from digitrec_edge.preprocess.foreground import find_foreground
from digitrec_edge.preprocess.frames import without_frames
from runtimes import Model
from tests import pictures, pictures_frames, pictures_ruled

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


@pytest.mark.parametrize(("kind", "seed", "text"), [("grids", 2182, "08090"), ("grids", 2277, "3383")])
def test_a_table_that_is_fainter_than_the_digits_is_taken_away(
    kind: str, seed: int, text: str, mnist_test: mnist.Digits, pretrained_model: Model
) -> None:
    assert pictures.read(pictures_frames.make(mnist_test, kind, seed), pretrained_model) == text


@pytest.mark.parametrize(("kind", "seed", "text"), [("grids", 2060, "641"), ("grids", 2128, "29157")])
def test_a_stroke_that_is_shorter_than_the_edges_is_ink(
    kind: str, seed: int, text: str, mnist_test: mnist.Digits, pretrained_model: Model
) -> None:
    assert pictures.read(pictures_frames.make(mnist_test, kind, seed), pretrained_model) == text


@pytest.mark.parametrize(("kind", "seed", "text"), [("boxes", 2129, "71068"), ("grids", 2014, "71215")])
def test_boxes_and_tables_whose_lines_fell_to_pieces_are_taken_away(
    kind: str, seed: int, text: str, mnist_test: mnist.Digits, pretrained_model: Model
) -> None:
    assert pictures.read(pictures_frames.make(mnist_test, kind, seed), pretrained_model) == text


def test_a_line_that_the_pen_runs_over_is_taken_away_between_lines_that_it_does_not(
    mnist_test: mnist.Digits, pretrained_model: Model
) -> None:
    chosen = [0, 1, 4, 9, 7]
    page = row_of(mnist_test.images[chosen])
    for row in (10, 110, 210):
        ImageDraw.Draw(page).line((0, row, page.width, row), 90, 4)
    stages = read_stages(np.asarray(page))
    assert [int(pretrained_model.classify(one.image)) for one in stages.several()] == mnist_test.labels[chosen].tolist()


@pytest.mark.parametrize(("seed", "text"), [(2001, "8"), (2022, "7")])
def test_squared_paper_of_which_a_digit_is_a_small_part_is_taken_away(
    seed: int, text: str, mnist_test: mnist.Digits, pretrained_model: Model
) -> None:
    assert pictures.read(pictures_ruled.make(mnist_test, "squares", seed), pretrained_model) == text


def boxes_of(step: int, gap: int = 3) -> Image.Image:
    page = Image.new("L", (640, 640), 255)
    draw = ImageDraw.Draw(page)
    for top in range(4, 640 - step, step):
        for left in range(4, 640 - step, step):
            draw.rectangle((left, top, left + step - gap, top + step - gap), outline=0)
    return page


def rings_in_each_other() -> Image.Image:
    page = Image.new("L", (640, 640), 255)
    for edge in range(10, 310, 3):
        ImageDraw.Draw(page).arc((edge, edge, 640 - edge, 640 - edge), 120, 360, 0)
    return page


@pytest.mark.parametrize("page", [boxes_of(26), rings_in_each_other()], ids=["boxes", "rings"])
def test_a_texture_takes_no_more_work_than_a_page_of_frames(page: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    worked: Counter[str] = Counter()

    def counting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def count(*given: Any) -> Any:
            worked[name] += 1
            return function(*given)

        return count

    for module, name in ((rulings, "find_lines"), (rulings, "stroke_width"), (enclosures, "box_max")):
        monkeypatch.setattr(module, name, counting(name, getattr(module, name)))
    foreground = find_foreground(np.asarray(page))
    assert without_frames(foreground, *find_components(foreground.mask)) is None
    assert worked.total() <= 300


@pytest.mark.parametrize(("rows", "looked_at"), [(300, True), (640, False)])
def test_in_a_texture_of_many_parts_no_frames_are_looked_for(rows: int, looked_at: bool) -> None:
    page = boxes_of(100)
    ImageDraw.Draw(page).point([(column, row) for column in range(1, 640, 2) for row in range(1, rows, 2)], 0)
    foreground = find_foreground(np.asarray(page))
    assert (without_frames(foreground, *find_components(foreground.mask)) is not None) == looked_at


def test_a_page_of_as_many_digits_as_are_read_may_have_a_frame_around_each(mnist_test: mnist.Digits) -> None:
    page = boxes_of(78, 20)
    for k, digit in enumerate(mnist_test.images[:64]):
        drawn = Image.fromarray(255 - digit).resize((40, 40), Image.Resampling.BICUBIC)
        page.paste(drawn, (78 * (k % 8) + 13, 78 * (k // 8) + 13))
    stages = read_stages(np.asarray(page))
    assert stages.cleaned is not None
    assert len(stages.several()) == 64
