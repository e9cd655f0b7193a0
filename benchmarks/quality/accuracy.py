"""Accuracy: the share of right digits, over all images and for each digit."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.mnist import CLASSES


def accuracy(digits: NDArray[Any], labels: NDArray[np.uint8]) -> float:
    """Return the share of ``(N,)`` digits that are their label, 0 to 1."""
    return float((digits == labels).mean())


def class_accuracy(digits: NDArray[Any], labels: NDArray[np.uint8]) -> tuple[float | None, ...]:
    """Return the same for each digit; None for one that the labels lack."""
    rows = [labels == digit for digit in range(CLASSES)]
    return tuple(accuracy(digits[row], labels[row]) if row.any() else None for row in rows)
