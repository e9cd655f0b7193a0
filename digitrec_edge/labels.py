"""What a recogniser's answers are called: a label for each number that it gives, in their order."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.errors import InputError
from digitrec_edge.files import read_file

DIGITS = tuple("0123456789")
COUNTS = range(2, 1001)
"""As many labels a recogniser may have."""

LONGEST = 64
"""Characters of a label."""

Numbers = NDArray[np.unsignedinteger[Any]]
"""What each image shows, ``(N,)``, as places in the labels."""

_LIMIT_BYTES = 1 << 20


def check_labels(labels: Sequence[str]) -> None:
    """Let pass what can name a recogniser's answers.

    Raises:
        ValueError: too few, too many, one twice, or one that does not print as one word or line.
    """
    if len(labels) not in COUNTS:
        raise ValueError(f"there are {len(labels):,} labels, {COUNTS[0]} to {COUNTS[-1]:,} are allowed")
    for place, label in enumerate(labels):
        if not (0 < len(label) <= LONGEST and label.isprintable() and label == label.strip()):
            raise ValueError(
                f"label {place} is {label[: 2 * LONGEST]!r}, 1 to {LONGEST} printable characters are allowed"
            )
    if len(set(labels)) < len(labels):
        raise ValueError(f"label {next(label for label in labels if labels.count(label) > 1)!r} is there twice")


def read_labels(path: Path) -> tuple[str, ...]:
    """Read labels from a text file, UTF-8, one a line; empty lines at the end do not count.

    Raises:
        InputError: it cannot be read, or holds no labels.
    """
    data = read_file(path, limit_bytes=_LIMIT_BYTES, error=InputError)
    try:
        labels = tuple(line.strip() for line in data.decode("utf-8-sig").rstrip().splitlines())
        check_labels(labels)
    except ValueError as cause:
        raise InputError(f"{path}: {cause}; give a text file in UTF-8 with a label a line") from cause
    return labels


def noun(labels: Sequence[str]) -> str:
    """Return what one of them is called in words: digit, or label."""
    return "digit" if tuple(labels) == DIGITS else "label"
