"""Accuracy: the share of right digits, over all images and for each digit."""

from typing import Any

from numpy.typing import NDArray

from digitrec_edge.labels import Numbers


def accuracy(digits: NDArray[Any], labels: Numbers) -> float:
    """Return the share of ``(N,)`` digits that are their label, 0 to 1."""
    return float((digits == labels).mean())


def class_accuracy(digits: NDArray[Any], labels: Numbers, classes: int) -> tuple[float | None, ...]:
    """Return the same for each of so many digits; None for one that the labels lack."""
    rows = [labels == digit for digit in range(classes)]
    return tuple(accuracy(digits[row], labels[row]) if row.any() else None for row in rows)
