"""Digits that touch are cut where their pieces read best; one digit stays whole."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec_edge import artifact, mnist, pretrained
from digitrec_edge.artifact.sample import images_of
from digitrec_edge.errors import PictureError
from digitrec_edge.preprocess import Digit, read_stages
from digitrec_edge.preprocess.components import Box
from digitrec_edge.preprocess.stages import Stages
from digitrec_edge.preprocess.touching import Piece, find_pieces, likeliness, read_number
from runtimes import Model
from tests.pictures import recognise_with


def joined(digits: mnist.Digits) -> NDArray[np.uint8]:
    """An 0 and a 4 of 120 pixels, with a bar between them that makes them one."""
    page = np.full((200, 400), 255, np.uint8)
    for index, left in ((3, 60), (4, 150)):
        large = np.kron(digits.images[index], np.ones((5, 5), np.uint8))
        page[30:170, left : left + 140] = np.minimum(page[30:170, left : left + 140], 255 - large)
    page[98:104, 150:190] = 0
    return page


def sample_images() -> NDArray[np.uint8]:
    images = images_of(artifact.read(pretrained.DEFAULT).files)
    assert images is not None
    return images


def read(page: NDArray[np.uint8], model: Model) -> str:
    found = read_number(read_stages(page), recognise_with(model))
    return "".join(str(row.argmax()) for _, row in found)


def recognise_nothing(images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return np.full((len(images), 10), 0.1, np.float32), np.zeros(len(images), np.float32)


def test_two_digits_that_touch_are_two(mnist_test: mnist.Digits, pretrained_model: Model) -> None:
    assert read(joined(mnist_test), pretrained_model) == "04"


def test_most_single_digits_stay_whole(
    draw_page: Callable[..., NDArray[np.uint8]], mnist_test: mnist.Digits, pretrained_model: Model
) -> None:
    whole = [read(draw_page(digit), pretrained_model) for digit in mnist_test.images[:100]]
    assert np.mean([text == str(label) for text, label in zip(whole, mnist_test.labels[:100], strict=True)]) >= 0.95


def test_a_narrow_shape_that_is_not_cut_is_read_as_it_is(
    draw_page: Callable[..., NDArray[np.uint8]], pretrained_model: Model
) -> None:
    """An image that travels with the model, a 7 that is no digit to it, is not made anew of fewer pixels."""
    stages = read_stages(draw_page(sample_images()[1], 280))
    ((digit, _),) = read_number(stages, recognise_with(pretrained_model))
    assert digit is stages.single()


@pytest.mark.parametrize(
    ("width", "score", "asked"), [(40, 8.5, 1), (52, 9.5, 1), (52, 8.5, 2), (64, 9.5, 1), (64, 8.5, 1)]
)
def test_a_narrow_shape_is_cut_only_where_it_is_not_surely_one_digit(width: int, score: float, asked: int) -> None:
    strength = np.zeros((80, width), np.float32)
    strength[:, :12] = strength[:, -12:] = strength[34:46] = 1
    shape = Digit(Box(0, 0, 80, width), np.zeros((28, 28), np.uint8), strength)
    asked_for = []

    def recognise(images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        asked_for.append(len(images))
        return np.full((len(images), 10), 0.1, np.float32), np.full(len(images), score, np.float32)

    read_number(Stages(np.zeros((80, width), np.uint8), None, (shape,), None, (shape,)), recognise)
    assert len(asked_for) == asked
    assert (asked_for[-1] > 1) is (width == 64 or asked == 2)


def test_the_score_chooses(mnist_test: mnist.Digits, pretrained_model: Model) -> None:
    stages = read_stages(joined(mnist_test))

    def whole_is_best(piece: Piece, _: NDArray[np.float32], score: float) -> float:
        return 0.0 if piece.width > 1.1 else -100.0

    found = read_number(stages, recognise_with(pretrained_model), whole_is_best)
    assert len(found) == 1


def test_a_digit_without_its_strength_has_no_pieces(mnist_test: mnist.Digits) -> None:
    (digit,) = read_stages(joined(mnist_test)).several()
    with pytest.raises(ValueError, match="strength"):
        find_pieces(Digit(digit.box, digit.image))


def test_nothing_is_no_number() -> None:
    with pytest.raises(PictureError, match="blank"):
        read_number(read_stages(np.full((50, 50), 255, np.uint8)), recognise_nothing)


def piece_of(
    width: float = 0.6, height: float = 1.0, crossed: float = 1.0, strokes: int = 1, beside: float = 0.0
) -> Piece:
    return Piece(Digit(Box(0, 0, 28, 28), np.zeros((28, 28), np.uint8)), width, height, crossed, strokes, beside)


def test_a_piece_of_low_score_is_less_likely_however_probable() -> None:
    sure = np.eye(10, dtype=np.float32)[3]
    assert likeliness(piece_of(), sure, 18.0) > likeliness(piece_of(), sure, 8.0) > likeliness(piece_of(), sure, 2.0)


def test_a_piece_that_is_read_as_what_parts_of_digits_are_read_as_is_less_likely() -> None:
    two, four, letter = (np.eye(11, dtype=np.float32)[label] for label in (2, 4, 10))
    of = {name: likeliness(piece_of(), row, 9.0) for name, row in (("two", two), ("four", four), ("letter", letter))}
    assert of["two"] < of["letter"] < of["four"]


@pytest.mark.parametrize("unlike", [{"width": 1.2}, {"height": 0.5}, {"crossed": 4.0}, {"strokes": 3}, {"beside": 3.0}])
def test_what_is_unlike_a_digit_or_cuts_through_strokes_is_less_likely(unlike: dict[str, float]) -> None:
    sure = np.eye(10, dtype=np.float32)[3]
    assert likeliness(piece_of(**unlike), sure, 12.0) < likeliness(piece_of(), sure, 12.0)  # type: ignore[arg-type]


def test_the_whole_shape_is_among_its_pieces(mnist_test: mnist.Digits) -> None:
    (digit,) = read_stages(joined(mnist_test)).several()
    pieces = find_pieces(digit)
    assert (0, max(end for _, end in pieces)) in pieces


def test_digits_of_a_number_keep_their_place_in_the_picture(mnist_test: mnist.Digits, pretrained_model: Model) -> None:
    (left, _), (right, _) = read_number(read_stages(joined(mnist_test)), recognise_with(pretrained_model))
    assert 60 <= left.box.left < left.box.right <= 200
    assert 150 <= right.box.left < right.box.right <= 290
    assert 30 <= min(left.box.top, right.box.top) < max(left.box.bottom, right.box.bottom) <= 170
