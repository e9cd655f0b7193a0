"""Digits that touch are cut where their pieces read best; one digit stays whole."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec_edge import mnist
from digitrec_edge.errors import PictureError
from digitrec_edge.preprocess import Digit, Piece, read_number, read_stages
from digitrec_edge.preprocess.touching import find_pieces
from runtimes import Model


def joined(digits: mnist.Digits) -> NDArray[np.uint8]:
    """An 0 and a 4 of 120 pixels, with a bar between them that makes them one."""
    page = np.full((200, 400), 255, np.uint8)
    for index, left in ((3, 60), (4, 150)):
        large = np.kron(digits.images[index], np.ones((5, 5), np.uint8))
        page[30:170, left : left + 140] = np.minimum(page[30:170, left : left + 140], 255 - large)
    page[98:104, 150:190] = 0
    return page


def read(page: NDArray[np.uint8], model: Model) -> str:
    found = read_number(read_stages(page), lambda images: model.predict(images).probabilities)
    return "".join(str(row.argmax()) for _, row in found)


def test_two_digits_that_touch_are_two(mnist_test: mnist.Digits, pretrained_model: Model) -> None:
    assert read(joined(mnist_test), pretrained_model) == "04"


def test_most_single_digits_stay_whole(
    draw_page: Callable[..., NDArray[np.uint8]], mnist_test: mnist.Digits, pretrained_model: Model
) -> None:
    whole = [read(draw_page(digit), pretrained_model) for digit in mnist_test.images[:100]]
    assert np.mean([text == str(label) for text, label in zip(whole, mnist_test.labels[:100], strict=True)]) >= 0.95


def test_the_score_chooses(mnist_test: mnist.Digits, pretrained_model: Model) -> None:
    stages = read_stages(joined(mnist_test))

    def whole_is_best(piece: Piece, _: NDArray[np.float32]) -> float:
        return 0.0 if piece.width > 1.1 else -100.0

    found = read_number(stages, lambda images: pretrained_model.predict(images).probabilities, whole_is_best)
    assert len(found) == 1


def test_a_digit_without_its_strength_has_no_pieces(mnist_test: mnist.Digits) -> None:
    (digit,) = read_stages(joined(mnist_test)).several()
    with pytest.raises(ValueError, match="strength"):
        find_pieces(Digit(digit.box, digit.image))


def test_nothing_is_no_number() -> None:
    with pytest.raises(PictureError, match="blank"):
        read_number(
            read_stages(np.full((50, 50), 255, np.uint8)), lambda images: np.zeros((len(images), 10), np.float32)
        )
