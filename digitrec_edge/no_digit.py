"""An answer may be "no digit": a score for how much a picture is like any digit, and the least score of a digit.

One definition for every variant and runtime: the largest logit less the mean of all. A network that was trained with
marks of no class gives them logits that are nearly equal, and a score near 0. The score does not change when something
is added to all logits, and in quantised logits it is a whole number of ``scale / labels``.
"""

import math
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.frozen import Frozen
from digitrec_edge.records import Count, Share, Within

KEPT = 0.99
"""So many digits keep their answer: a reader who is refused one digit in a hundred writes it again."""

_DECIMALS = 4
"""Of a threshold."""


class NoDigit(Frozen):
    """From which score on a picture is taken for a digit.

    Attributes:
        threshold: the least score.
        kept: share of the held-out training digits that reach it, 0 to 1.
        images: how many these were.
    """

    threshold: Annotated[float, Within(0, 1000)]
    kept: Share
    images: Count


def score(logits: NDArray[Any]) -> NDArray[np.float32]:
    """Return the largest logit less the mean, ``(N,)`` of logits ``(N, 10)``, or one number of ``(10,)``."""
    found: NDArray[np.float32] = np.asarray(logits.max(axis=-1) - logits.mean(axis=-1), np.float32)
    return found


def fit_no_digit(logits: NDArray[np.float32]) -> NoDigit:
    """Find the threshold that keeps ``KEPT`` of digits that were not trained on.

    Args:
        logits: ``(N, 10)``.
    """
    scores = score(logits)
    lowest = float(np.quantile(scores, 1 - KEPT, method="lower"))
    threshold = round(lowest, _DECIMALS)
    if (scores >= threshold).mean() < KEPT:  # of few digits it matters that rounding up leaves one out
        threshold = math.floor(lowest * 10**_DECIMALS) / 10**_DECIMALS
    return NoDigit(threshold, float((scores >= threshold).mean()), len(scores))
