"""From a picture to the answer: the same object for whoever asks."""

from dataclasses import replace

import numpy as np
import pytest

from digitrec_edge import mnist, pretrained
from digitrec_edge.errors import PictureError
from digitrec_edge.preprocess.reading import Picture
from digitrec_edge.recognition import How, recognise
from runtimes import load

IMAGES = mnist.load("test").images


def row_of(*places: int) -> Picture:
    """Digits of the test set side by side, dark on light."""
    return Picture(np.uint8(255) - np.pad(np.hstack([np.pad(IMAGES[k], 8) for k in places]), 20), 1)


def test_one_digit_has_its_answer_its_box_and_its_times() -> None:
    with load(pretrained.DEFAULT) as model:
        answer = recognise(model, "a seven", lambda: row_of(0), How()).as_json()
    assert (answer["picture"], answer["digit"], answer["label"]) == ("a seven", 7, "7")
    assert answer["probability"] == max(answer["probabilities"]) > 0.9
    assert (answer["turned"], answer["unsure"]) == (None, False)
    assert 0 < answer["latency_us"] < 1000 * answer["file_to_digit_ms"]


def test_several_digits_are_a_text_in_reading_order() -> None:
    with load(pretrained.DEFAULT) as model:
        answer = recognise(model, "row", lambda: row_of(0, 1, 2, 3), How(multi=True)).as_json()
    assert answer["text"] == "7210"
    assert [digit["box"][0] for digit in answer["digits"]] == sorted(digit["box"][0] for digit in answer["digits"])


def test_what_is_asked_decides_what_is_accepted_and_what_is_unsure() -> None:
    scribble = Picture(np.uint8(255) - np.pad(np.eye(28, dtype=np.uint8) * 255 | IMAGES[0][::-1], 20), 1)
    with load(pretrained.DEFAULT) as model:
        model.threshold = np.float32(np.inf)
        refused = recognise(model, "scribble", lambda: scribble, How())
        anything = recognise(model, "scribble", lambda: scribble, How(accept_anything=True, min_confidence=1.0))
        assert (refused.accepted, anything.accepted) == ((False,), (True,))
        assert refused.as_json()["digit"] is None
        assert anything.as_json()["digit"] is not None
        assert anything.as_json()["unsure"]


def test_a_picture_without_a_digit_keeps_its_stages_and_says_its_name() -> None:
    with load(pretrained.DEFAULT) as model:
        found = recognise(model, "paper", lambda: Picture(np.full((60, 60), 250, np.uint8), 1), How())
    assert found.answers == ()
    assert found.stages.failure is not None
    with pytest.raises(PictureError, match="^paper: "):
        found.as_json()
    with pytest.raises(PictureError, match="^other: "):
        replace(found, name="other").digits()
