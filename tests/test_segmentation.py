"""Ink, components, digits: found on even and uneven paper, grouped, ordered, and dirt left out."""

from collections.abc import Sequence

import numpy as np
import pytest
from digitrec_edge.preprocess.ink import find_ink
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge import mnist
from digitrec_edge.errors import PictureError
from digitrec_edge.preprocess import read_stages, to_digit
from digitrec_edge.preprocess.components import find_components
from digitrec_edge.preprocess.filters import box_max, box_mean, close
from digitrec_edge.preprocess.normalise import normalise, stroke_width


@pytest.fixture(scope="module")
def digits() -> NDArray[np.uint8]:
    return mnist.load("test").images


def page(
    digits: NDArray[np.uint8], places: Sequence[tuple[int, int]], size: int = 60, shape: tuple[int, int] = (300, 400)
) -> NDArray[np.uint8]:
    """Digits in black on white, the first at the first place (top, left) and so on."""
    paper = np.full(shape, 255, np.uint8)
    for digit, (top, left) in zip(digits, places, strict=False):
        ink = np.asarray(Image.fromarray(digit).resize((size, size)))
        paper[top : top + size, left : left + size] -= ink
    return paper


def lit(paper: NDArray[np.uint8], shadow: float = 1.0) -> NDArray[np.uint8]:
    """Light from one side, and a shadow over the lower half."""
    height, width = paper.shape
    light = np.linspace(1, 0.5, width)[None] * np.where(np.arange(height) > height // 2, shadow, 1.0)[:, None]
    noise = np.random.default_rng(0).normal(0, 2, paper.shape)
    return np.clip(paper * 0.9 * light + 10 + noise, 0, 255).astype(np.uint8)


def likeness(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return the correlation of two pictures."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def plain_components(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    labels = np.zeros(mask.shape, np.int32)
    for row, column in np.argwhere(mask):
        if labels[row, column]:
            continue
        stack, label = [(row, column)], labels.max() + 1
        labels[row, column] = label
        while stack:
            r, c = stack.pop()
            for y in range(max(0, r - 1), min(mask.shape[0], r + 2)):
                for x in range(max(0, c - 1), min(mask.shape[1], c + 2)):
                    if mask[y, x] and not labels[y, x]:
                        labels[y, x] = label
                        stack.append((y, x))
    return labels


@given(st.integers(0, 2**32 - 1), st.integers(1, 14), st.integers(1, 14), st.floats(0.1, 0.9))
def test_components_are_those_of_a_plain_flood_fill(seed: int, height: int, width: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((height, width)) < share
    labels, components = find_components(mask)
    plain = plain_components(mask)
    assert len(components) == plain.max()
    assert np.array_equal(labels > 0, mask)
    pairs = {(int(a), int(b)) for a, b in zip(labels[mask], plain[mask], strict=True)}
    assert len(pairs) == len(components)
    for component in components:
        rows, columns = np.nonzero(labels == component.label)
        box = component.box
        assert (box.top, box.left, box.bottom, box.right) == (
            rows.min(), columns.min(), rows.max() + 1, columns.max() + 1,
        )  # fmt: skip
        assert component.area == len(rows)
    assert [c.area for c in components] == sorted((c.area for c in components), reverse=True)


@pytest.mark.parametrize("radius", [1, 2, 5])
def test_box_filters_are_those_of_the_definition(radius: int) -> None:
    plane = np.random.default_rng(0).random((13, 17)).astype(np.float32)
    padded = np.pad(plane, radius, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * radius + 1, 2 * radius + 1))
    assert np.array_equal(box_max(plane, radius), windows.max(axis=(2, 3)))
    assert np.allclose(box_mean(plane, radius), windows.mean(axis=(2, 3)), atol=1e-6)


def test_closing_fills_what_is_narrow_and_keeps_ramps_and_what_is_wide() -> None:
    ramp = np.tile(np.arange(100, dtype=np.float32), (60, 1))
    assert np.array_equal(close(ramp, 8), ramp)
    marked = ramp.copy()
    marked[20:40, 50:56] = 0
    assert close(marked, 8)[20:40, 50:56].min() > 40
    half = np.where(np.arange(100) < 50, 0, 100).astype(np.float32) * np.ones((60, 1), np.float32)
    assert np.array_equal(close(half, 8), half)


def test_clean_paper_is_even_and_a_photograph_s_is_not(digits: NDArray[np.uint8]) -> None:
    clean = page(digits, [(100, 100)])
    assert find_ink(clean).clean
    assert not find_ink(lit(clean)).even


@pytest.mark.parametrize("shadow", [1.0, 0.7])
def test_uneven_light_leaves_the_digit(digits: NDArray[np.uint8], shadow: float) -> None:
    alike = []
    for digit in digits[:30]:
        clean = page(digit[None], [(130, 150)], size=120)
        alike.append(likeness(to_digit(clean), to_digit(lit(clean, shadow))))
    assert min(alike) > 0.75  # the centre of mass rounded to another pixel
    assert np.median(alike) > 0.9


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
def test_a_marker_s_stroke_is_not_hollowed_out(share: float) -> None:
    """A 1 as thick as a marker draws it, on paper in uneven light."""
    paper = np.full((200, 200), 255, np.uint8)
    length = int(200 * share)
    paper[100 - length // 2 : 100 + length // 2, 85:115] = 20
    (found,) = read_stages(lit(paper)).digits
    middle = found.image[8:20]
    inside = middle[:, np.flatnonzero(middle.any(axis=0))[1:-1]]
    assert inside.min() > 150


def test_chalk_on_a_board_is_read_like_ink_on_paper(digits: NDArray[np.uint8]) -> None:
    alike = []
    for digit in digits[:30]:
        clean = page(digit[None], [(130, 150)], size=120)
        board = 255 - clean
        dusty = np.clip(board * 0.7 * np.linspace(1, 0.6, 400)[None] + 30, 0, 255).astype(np.uint8)
        alike.append(likeness(to_digit(clean), to_digit(dusty)))
    assert min(alike) > 0.75
    assert np.median(alike) > 0.95


def test_digits_are_found_in_reading_order(digits: NDArray[np.uint8]) -> None:
    places = [(30, 40), (38, 130), (25, 220), (180, 60), (190, 200)]
    found = read_stages(page(digits[:5], places)).digits
    assert len(found) == 5
    for digit, (top, left) in zip(found, places, strict=True):
        assert top <= digit.box.top < digit.box.bottom <= top + 60
        assert left <= digit.box.left < digit.box.right <= left + 60


def test_boxes_are_in_pixels_of_the_original(digits: NDArray[np.uint8]) -> None:
    large = page(digits[:1], [(1000, 2000)], size=800, shape=(3000, 4000))
    (found,) = read_stages(large).digits
    rows, columns = np.flatnonzero((large < 128).any(axis=1)), np.flatnonzero((large < 128).any(axis=0))
    assert found.box.top == pytest.approx(rows[0], abs=24)
    assert found.box.bottom == pytest.approx(rows[-1], abs=24)
    assert found.box.left == pytest.approx(columns[0], abs=24)
    assert found.box.right == pytest.approx(columns[-1], abs=24)


def test_dirt_and_points_are_left_out(digits: NDArray[np.uint8]) -> None:
    clean = page(digits[:2], [(100, 60), (100, 200)])
    dirty = clean.copy()
    dirty[20:23, 300:303] = 60
    dirty[150:160, 140:150] = 0
    assert [d.box for d in read_stages(dirty).digits] == [d.box for d in read_stages(clean).digits]
    for one, other in zip(read_stages(dirty).digits, read_stages(clean).digits, strict=True):
        assert np.array_equal(one.image, other.image)


def test_a_five_with_its_bar_apart_is_one_digit() -> None:
    paper = np.full((200, 200), 255, np.uint8)
    paper[60:140, 80:90] = 0
    paper[130:140, 80:120] = 0
    paper[45:54, 95:130] = 0
    assert len(read_stages(paper).digits) == 1


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda p: None, "blank"),
        (lambda p: p.__setitem__(np.s_[100:103, 20:180], 0), "no mark has a digit's shape"),
        (lambda p: p.__setitem__(np.s_[60:140, 60:140], 0), "no mark has a digit's shape"),
        (lambda p: p.__setitem__(np.s_[100:103, 100:103], 0), "no mark has a digit's shape"),
    ],
    ids=["empty page", "line", "solid box", "dot"],
)
def test_what_is_no_digit_is_not_found(draw: object, message: str) -> None:
    paper = np.full((200, 200), 255, np.uint8)
    draw(paper)  # type: ignore[operator]
    with pytest.raises(PictureError, match=f"no digit found: .*{message}"):
        to_digit(paper)


def test_pure_noise_is_no_digit() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 300)).astype(np.uint8)
    with pytest.raises(PictureError, match="no digit found|digits found where one is expected"):
        to_digit(noise)


@pytest.mark.parametrize("width", [1, 2, 4, 12, 30])
def test_thin_pens_and_thick_markers_give_strokes_of_a_pen(width: int) -> None:
    paper = np.full((400, 400), 255, np.uint8)
    picture = Image.fromarray(paper)
    from PIL import ImageDraw

    ImageDraw.Draw(picture).line([(120, 90), (280, 90), (180, 310)], fill=0, width=width)
    image = to_digit(np.asarray(picture))
    assert image.max() == 255
    assert 1.4 <= stroke_width(image / np.float32(255)) <= 4.5


def test_stroke_width_is_about_what_was_drawn() -> None:
    for width in (4, 8, 16):
        plane = np.zeros((200, 200), np.float32)
        plane[20:180, 60 : 60 + width] = 1
        assert stroke_width(plane) == pytest.approx(width * 4 / np.pi, rel=0.15)


def test_mnist_s_own_digits_come_out_to_the_pixel(digits: NDArray[np.uint8]) -> None:
    same = []
    for digit in digits[:500]:
        rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
        cut = digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        if digit.max() == 255:
            same.append(np.array_equal(normalise(cut / np.float32(255)), digit))
    assert np.mean(same) > 0.99
