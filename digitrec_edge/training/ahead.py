"""The images and the order of every epoch, made ahead of their use in a thread of their own."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.mnist import Digits
from digitrec_edge.training.augmentation import distort
from digitrec_edge.training.checkpoint import TrainingRun
from digitrec_edge.training.loop import NO_DIGIT
from digitrec_edge.training.marks import make_marks
from digitrec_edge.training.sets import DISTORTION, MARKS, ORDER, random_for

_MARKS_KEPT = 6
"""So many times the marks of an epoch are made once; each epoch draws from them and distorts them anew."""


class ReadyEpoch(NamedTuple):
    """What an epoch trains on.

    Attributes:
        digits: those of the run, distorted, and the marks of this epoch; without distortion the same object each time.
        order: in which all of them are shown.
    """

    number: int
    digits: Digits
    order: NDArray[np.int64]


def epochs_ahead(part: Digits, run: TrainingRun, first: int) -> Iterator[ReadyEpoch]:
    """Yield every epoch of a run from ``first`` on; the next one is made while the caller trains on this one."""
    recipe = run.recipe
    if first > recipe.epochs:
        return
    count = recipe.marks_beside(len(part))
    kept = make_marks(_MARKS_KEPT * count, part, random_for(MARKS, run.seed)) if count else part.images[:0]

    def make(number: int) -> Digits:
        if recipe.distortion is None:
            return part
        progress = (number - 1) / max(1, recipe.epochs - 1)
        marks = kept[random_for(MARKS, run.seed, number).integers(0, max(1, len(kept)), count)]
        images = np.concatenate([part.images, marks])
        labels = np.concatenate([part.labels, np.full(len(marks), NO_DIGIT, np.uint8)])
        return Digits(distort(images, recipe.distortion, progress, random_for(DISTORTION, run.seed, number)), labels)

    with ThreadPoolExecutor(1) as background:
        coming = background.submit(make, first)
        for number in range(first, recipe.epochs + 1):
            digits = coming.result()
            if number < recipe.epochs:
                coming = background.submit(make, number + 1)
            yield ReadyEpoch(number, digits, random_for(ORDER, run.seed, number).permutation(len(digits)))
