"""benchmarks.quality.answers: what every image was read as comes back, and what changed is counted."""

import dataclasses

import numpy as np
import pytest

from benchmarks.quality.answers import AnswerChange, Answers, changes, pack_answers

LABELS = np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1], np.uint8)


def read_as(*others: tuple[int, int], test_sha256: str = "a" * 64) -> Answers:
    digits = LABELS.astype(np.int64)
    for index, digit in others:
        digits[index] = digit
    return pack_answers(digits, LABELS, test_sha256)


def test_answers_come_back_as_they_were() -> None:
    digits, right = read_as((0, 999), (10, 0)).unpack()
    assert digits.tolist() == [999, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0]
    assert right.tolist() == [False, *[True] * 9, False]


def test_ten_thousand_answers_take_a_few_kilobytes() -> None:
    random = np.random.default_rng(0)
    digits = random.integers(0, 10, 10_000)
    answers = pack_answers(digits, digits.astype(np.uint8), "a" * 64)
    assert len(answers.digits) + len(answers.right) < 9_000


def test_what_changed_is_counted_as_better_worse_and_otherwise_wrong() -> None:
    then, now = read_as((0, 5), (1, 5), (2, 5)), read_as((1, 6), (2, 5), (3, 5))
    change = changes(then, now)
    assert change == AnswerChange(11, better=1, worse=1, otherwise=1)
    assert change.share == pytest.approx(3 / 11)
    assert str(change) == "3 of the same 11 images (1 worse, 1 better, 1 otherwise wrong)"


def test_answers_of_other_images_are_not_compared() -> None:
    assert changes(read_as(), read_as(test_sha256="b" * 64)) is None
    assert changes(read_as(), dataclasses.replace(read_as(), images=12)) is None


@pytest.mark.parametrize(
    "spoil",
    [{"images": 10}, {"images": 100_000}, {"digits": "no base64!"}, {"digits": "AAAA"}, {"right": ""}],
)
def test_what_was_not_packed_here_is_refused(spoil: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="packed answers"):
        dataclasses.replace(read_as(), **spoil).unpack()  # type: ignore[arg-type]
