"""Answers as columns of a table: what was read of each picture, or why it could not be read."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from digitrec_edge.errors import PictureError
from digitrec_edge.preprocess.reading import Picture
from digitrec_edge.recognition import How, recognise
from runtimes import Model

SCHEMA = pa.schema(
    [
        ("digit", pa.int16()),
        ("label", pa.string()),
        ("candidate", pa.string()),
        ("probability", pa.float32()),
        ("no_digit", pa.bool_()),
        ("unsure", pa.bool_()),
        ("score", pa.float32()),
        ("error", pa.string()),
    ]
)
"""As ``predict --json`` calls them: of "no digit" ``digit`` and ``label`` are null, of an error all else."""

LOCATION = pa.schema([("file", pa.string()), ("row", pa.int64())])
"""Before them where files are read: the file, relative to the input's folder, and the picture's row in it, from 0."""


@dataclass(frozen=True)
class Readings:
    """What was read of N pictures; of those with an error, the other numbers mean nothing.

    Attributes:
        digits: ``(N,)``, places in the model's labels; also where it is no digit, the one that it is most like.
        probabilities, scores: ``(N,) float32``.
        accepted: ``(N,) bool``, whether it is a digit.
        errors: why a picture could not be read, by its row.
    """

    digits: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    scores: NDArray[np.float32]
    accepted: NDArray[np.bool_]
    errors: dict[int, str]

    def columns(self, labels: tuple[str, ...], how: How) -> list[pa.Array]:
        """Return the columns of ``SCHEMA``."""
        count, names = len(self.digits), pa.array(labels, pa.string())
        refused = np.zeros(count, bool)
        refused[[*self.errors]] = True
        nameless = refused | ~(self.accepted | how.accept_anything)
        errors = [self.errors.get(row) for row in range(count)] if self.errors else pa.nulls(count)
        null = refused if self.errors else None
        return [
            pa.array(self.digits.astype(np.int16), mask=nameless),
            names.take(pa.array(self.digits, mask=nameless)),
            names.take(pa.array(self.digits, mask=null)),
            pa.array(self.probabilities, mask=null),
            pa.array(nameless, mask=null),
            pa.array(self.probabilities < how.min_confidence, mask=null),
            pa.array(self.scores, mask=null),
            pa.array(errors, pa.string()),
        ]


def _blank(count: int) -> Readings:
    probabilities, scores = np.zeros((2, count), np.float32)
    return Readings(np.zeros(count, np.int64), probabilities, scores, np.zeros(count, bool), {})


def answer_pixels(model: Model, images: NDArray[np.uint8], rows: NDArray[np.int64], count: int) -> Readings:
    """Read pictures of 28 x 28 pixels in one batch.

    Args:
        model: that reads.
        images: ``(M, 28, 28) uint8``.
        rows: ``(M,)``, the place of each among ``count`` rows; the others are errors.
        count: N.
    """
    errors = dict.fromkeys({*range(count)} - {*rows.tolist()}, "is not 28 x 28 pixels") if len(rows) < count else {}
    if not len(images):
        return replace(_blank(count), errors=errors)
    read = model.predict(images)
    sure = read.probabilities[np.arange(len(rows)), read.digits]
    if not errors:
        return Readings(read.digits, sure, read.scores, read.accepted, {})
    answers = replace(_blank(count), errors=errors)
    answers.digits[rows], answers.probabilities[rows] = read.digits, sure
    answers.scores[rows], answers.accepted[rows] = read.scores, read.accepted
    return answers


def answer_pictures(model: Model, how: How, pictures: Iterable[tuple[str, Callable[[], Picture]]]) -> Readings:
    """Find and read the digit on each picture, one by one.

    Args:
        model: that reads.
        how: they are read; one digit each.
        pictures: what errors call each, and what decodes it.
    """
    pictures = list(pictures)
    answers = _blank(len(pictures))
    for row, (name, read) in enumerate(pictures):
        try:
            found = recognise(model, name, read, how)
            found.digits()
        except PictureError as error:
            answers.errors[row] = str(error)
            continue
        (answer,) = found.answers
        answers.digits[row], answers.scores[row], answers.accepted[row] = answer.digits, answer.scores, answer.accepted
        answers.probabilities[row] = answer.probabilities[answer.digits]
    return answers
