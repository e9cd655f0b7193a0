"""Agreement: so many frames in a row, or nothing."""

import pytest

from digitrec_edge.watching.agreement import DISAGREE, Agreement
from digitrec_edge.watching.glimpse import Glimpse, no_glimpse


def seen(text: str, *probabilities: float) -> Glimpse:
    return Glimpse(text, probabilities or (0.99,) * len(text), None)


def test_a_number_is_given_when_so_many_frames_in_a_row_show_it() -> None:
    agreement = Agreement(3)
    answers = [agreement.add(seen(text)) for text in ("12", "12", "12", "12", "13", "13", "13")]
    assert [answer.text for answer in answers] == [None, None, "12", "12", None, None, "13"]
    assert {answer.reason for answer in answers if answer.text is None} == {DISAGREE}
    assert answers[2].frames == 3


def test_a_frame_that_tells_nothing_breaks_the_row_and_says_why() -> None:
    agreement = Agreement(2)
    agreement.add(seen("12"))
    assert agreement.add(no_glimpse("too dark")).reason == "too dark"
    assert agreement.add(seen("12")).text is None
    assert agreement.add(seen("12")).text == "12"


def test_zeros_in_front_count() -> None:
    agreement = Agreement(2)
    agreement.add(seen("012"))
    assert agreement.add(seen("12")).text is None


def test_agreeing_raises_no_probability() -> None:
    """The mean over frames of each digit, and the product over digits; as sure as one frame, not surer."""
    agreement = Agreement(2)
    agreement.add(seen("12", 0.9, 0.8))
    assert agreement.add(seen("12", 0.7, 1.0)).probability == pytest.approx(0.8 * 0.9)
    alone = Agreement(1).add(seen("12", 0.9, 0.8)).probability
    agreement = Agreement(9)
    for _ in range(9):
        last = agreement.add(seen("12", 0.9, 0.8))
    assert last.probability == pytest.approx(alone)
