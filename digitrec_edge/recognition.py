"""Recognising: from a picture to the answer that ``predict --json`` prints, a service gives and a collection keeps."""

import math
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from digitrec_edge.errors import PictureError
from digitrec_edge.frozen import Frozen, replace
from digitrec_edge.preprocess import Digit, Stages, read_stages
from digitrec_edge.preprocess.reading import Picture
from digitrec_edge.preprocess.turned import Turn, find_turn, is_doubtful

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from runtimes import Model, Prediction


class How(Frozen):
    """How pictures are read.

    Attributes:
        multi: several digits per picture, in reading order.
        min_confidence: a digit of a lower probability is called unsure.
        accept_anything: a digit is named whatever is on the picture.
        count: with ``multi``, as many digits there are; where so many shapes are found, none is cut into several, which
            takes a tenth of the time. None where it is not known.
    """

    multi: bool = False
    min_confidence: float = 0.0
    accept_anything: bool = False
    count: int | None = None


class Recognition(Frozen):
    """What was found on one picture, and what it was read as.

    Attributes:
        name: what errors call the picture.
        stages: from the picture to 28 x 28 pixels.
        answers: one for each of ``stages.found``.
        shapes: of the picture, whole: what touches is not cut.
        ms: milliseconds from the file to the answers.
    """

    name: str
    model: "Model"
    how: How
    stages: Stages
    answers: "tuple[Prediction, ...]"
    shapes: tuple[Digit, ...]
    ms: float

    @property
    def accepted(self) -> tuple[bool, ...]:
        """Whether each answer is a digit."""
        return tuple(self.how.accept_anything or answer.accepted for answer in self.answers)

    def digits(self) -> tuple[Digit, ...]:
        """Return the digits that were found: with ``multi`` at least one, else exactly one.

        Raises:
            PictureError: there is none, or more than one; it names the picture.
        """
        try:
            return tuple(self.stages.digits()) if self.how.multi else (self.stages.single(),)
        except PictureError as error:
            raise PictureError(f"{self.name}: {error}") from None

    def find_turn(self) -> Turn | None:
        """Return how the picture is turned, where its digits would be far surer then.

        Shapes are taken whole: a 4 upside down may be cut as if it were a 1 and a 7. One that was cut alone tells
        nothing.
        """
        if not math.isfinite(self.model.threshold) or not (len(self.shapes) > 1 or len(self.answers) == 1):
            return None
        whole = [self.model.predict(shape.image) for shape in self.shapes] if self.how.multi else self.answers
        if not is_doubtful([answer.probabilities for answer in whole], [answer.accepted for answer in whole]):
            return None
        return find_turn(self.shapes, [answer.scores for answer in whole], partial(_recognise, self.model))

    def as_json(self) -> dict[str, Any]:
        """Return the object that ``predict --json`` prints for a picture.

        Raises:
            PictureError: see :meth:`digits`.
        """
        found = self.digits()
        digits = [
            {
                **_named(self.model, answer, accepted, self.how),
                "probabilities": [float(p) for p in answer.probabilities],
                "box": [digit.box.left, digit.box.top, digit.box.right, digit.box.bottom],
            }
            for digit, answer, accepted in zip(found, self.answers, self.accepted, strict=True)
        ]
        turn = self.find_turn()
        shared = {
            "turned": turn.degrees if turn else None,
            "turned_label": self.model.labels[turn.digits[0]] if turn and not self.how.multi else None,
            "latency_us": _latency_us(self.model, found[0].image),
            "file_to_digit_ms": self.ms,
            "runtime": self.model.runtime,
            "artifact": self.model.artifact.name,
        }
        if not self.how.multi:
            return {"picture": self.name, **digits[0], **shared}
        text = "".join(
            digit["label"] if digit["label"] is not None and not digit["unsure"] else "?" for digit in digits
        )
        return {"picture": self.name, "text": text, "digits": digits, **shared}


def recognise(model: "Model", name: str, read: Callable[[], Picture], how: How) -> Recognition:
    """Find and read the digits of one picture; where there are none, the stages tell why.

    Args:
        model: that reads.
        name: what errors and the answer call the picture.
        read: decodes it; its time counts.
        how: it is read.

    Raises:
        PictureError: the picture cannot be decoded.
    """
    start = time.perf_counter_ns()
    picture = read()
    stages = read_stages(picture.grey, picture.reduction)
    shapes = stages.shapes if how.multi else stages.found
    if how.multi and len(stages.shapes) == how.count:
        stages = replace(stages, found=stages.shapes, failure=None)
    elif how.multi:
        stages = _apart(model, stages)
    answers = [model.predict(digit.image) for digit in stages.found]
    ms = (time.perf_counter_ns() - start) / 1e6
    return Recognition(name, model, how, stages, tuple(answers), tuple(shapes), ms)


def _named(model: "Model", answer: "Prediction", accepted: bool, how: How) -> dict[str, Any]:
    """Return what an answer is called; of what is no digit, the digit that it is most like, as a candidate."""
    label, probability = model.labels[answer.digits], float(answer.probabilities[answer.digits])
    return {
        "digit": answer.digits if accepted else None,
        "label": label if accepted else None,
        "candidate": label,
        "probability": probability,
        "unsure": probability < how.min_confidence,
        "score": answer.scores,
    }


def _recognise(model: "Model", images: "NDArray[np.uint8]") -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
    prediction = model.predict(images)
    return prediction.probabilities, prediction.scores


def _apart(model: "Model", stages: Stages) -> Stages:
    """Find every digit, those that touch one by one; these take the place of what was found."""
    from digitrec_edge.preprocess.touching import read_number

    try:
        read = read_number(stages, partial(_recognise, model))
    except PictureError:
        return replace(stages, found=())
    return replace(stages, found=tuple(digit for digit, _ in read), failure=None)


def _latency_us(model: "Model", image: "NDArray[np.uint8]") -> float:
    model.classify(image)
    start = time.perf_counter_ns()
    model.classify(image)
    return (time.perf_counter_ns() - start) / 1000
