"""Digits are found among components, grouped and ordered, and noise is left out."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec_edge import mnist
from digitrec_edge.errors import PictureError
from digitrec_edge.preprocess import read_stages, to_digit

DrawPage = Callable[..., NDArray[np.uint8]]


def test_digits_are_found_in_reading_order(draw_page: DrawPage, mnist_test: mnist.Digits) -> None:
    places = [(30, 40), (38, 130), (25, 220), (180, 60), (190, 200)]
    found = read_stages(draw_page(mnist_test.images[:5], 60, places, (300, 400))).digits()
    assert len(found) == 5
    for digit, (top, left) in zip(found, places, strict=True):
        assert top <= digit.box.top < digit.box.bottom <= top + 60
        assert left <= digit.box.left < digit.box.right <= left + 60


def test_noise_and_points_are_left_out(draw_page: DrawPage, mnist_test: mnist.Digits) -> None:
    clean = draw_page(mnist_test.images[:2], 60, [(100, 60), (100, 200)], (300, 400))
    noisy = clean.copy()
    noisy[20:23, 300:303] = 60
    noisy[150:160, 140:150] = 0
    assert [d.box for d in read_stages(noisy).digits()] == [d.box for d in read_stages(clean).digits()]
    for one, other in zip(read_stages(noisy).digits(), read_stages(clean).digits(), strict=True):
        assert np.array_equal(one.image, other.image)


def test_a_five_with_its_bar_apart_is_one_digit() -> None:
    page = np.full((200, 200), 255, np.uint8)
    page[60:140, 80:90] = 0
    page[130:140, 80:120] = 0
    page[45:54, 95:130] = 0
    assert len(read_stages(page).digits()) == 1


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda p: None, "blank"),
        (lambda p: p.__setitem__(np.s_[100:103, 20:180], 0), "nothing has a digit's shape"),
        (lambda p: p.__setitem__(np.s_[60:140, 60:140], 0), "nothing has a digit's shape"),
        (lambda p: p.__setitem__(np.s_[100:103, 100:103], 0), "nothing has a digit's shape"),
    ],
    ids=["empty page", "line", "solid box", "dot"],
)
def test_what_is_no_digit_is_not_found(draw: object, message: str) -> None:
    page = np.full((200, 200), 255, np.uint8)
    draw(page)  # type: ignore[operator]
    with pytest.raises(PictureError, match=f"no digit found: .*{message}"):
        to_digit(page)


def test_pure_noise_is_no_digit() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 300)).astype(np.uint8)
    with pytest.raises(PictureError, match="no digit found|digits found where one is expected"):
        to_digit(noise)
