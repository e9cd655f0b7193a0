"""A canary: digits that an artifact must read on a device at least as well as the one that is in place there."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.errors import ArtifactError, DataError, RuntimeUnavailableError
from digitrec_edge.files import read_file
from digitrec_edge.npz import MissingArrayError, read_arrays, read_optional
from digitrec_edge.quantization import SIDE
from digitrec_edge.records import Count
from runtimes.loading import load
from runtimes.model import Model

LIMIT_BYTES = 32 << 20
"""Of the file and of what it unpacks to: some 40,000 digits, which a device of 512 MB reads."""

NONE = -1
"""Label of an image that is no digit."""

_NAMES = (("images", "labels"), ("x_test", "y_test"))
"""What ``collect --export`` writes, and what data sets have."""


@dataclass(frozen=True)
class Canary:
    """Images and what they are.

    Attributes:
        images: ``(N, 28, 28) uint8``.
        labels: ``(N,) int64``, ``NONE`` where there is no digit.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        """How many images."""
        return len(self.labels)


@dataclass(frozen=True)
class CanaryCount:
    """How many images were read right, by an artifact and by the one in place, None where none there can be run."""

    images: Count
    right: Count
    right_before: Count | None


def read(path: Path, classes: int) -> Canary:
    """Read a .npz file with ``images`` and ``labels``, and ``no_digit`` if there are any; or ``x_test`` and ``y_test``.

    Args:
        path: the file.
        classes: how many labels the artifact has; an image's is below.

    Raises:
        DataError: it is none, too large, or empty.
    """
    data = read_file(path, limit_bytes=LIMIT_BYTES, error=DataError)
    try:
        images, labels = _first(data)
        none = read_optional(data, "no_digit", np.empty((0, SIDE, SIDE), np.uint8), limit_bytes=LIMIT_BYTES)
    except MissingArrayError as cause:
        raise DataError(f"{path} {cause}; a canary has images and labels, as collect --export writes them") from None
    except ValueError as cause:
        raise DataError(f"{path} is truncated or not a .npz file: {cause}") from cause
    for name, found in (("images", images), ("no_digit", none)):
        if found.shape[1:] != (SIDE, SIDE) or found.dtype != np.uint8:
            raise DataError(f"{path}: {name} are {found.shape} {found.dtype}, (N, {SIDE}, {SIDE}) uint8 is needed")
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
        raise DataError(f"{path}: labels are {labels.shape} {labels.dtype}, a whole number for each image is needed")
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise DataError(f"{path}: labels are {labels.min()} to {labels.max()}, 0 to {classes - 1} is allowed")
    if not len(images) + len(none):
        raise DataError(f"{path} has no images")
    return Canary(
        np.concatenate([images, none]), np.concatenate([labels.astype(np.int64), np.full(len(none), NONE, np.int64)])
    )


def _first(data: bytes) -> list[NDArray[Any]]:
    """Return images and labels, by the first pair of names that is there."""
    *others, last = _NAMES
    for names in others:
        try:
            return read_arrays(data, names, limit_bytes=LIMIT_BYTES)
        except MissingArrayError:
            continue
    return read_arrays(data, last, limit_bytes=LIMIT_BYTES)


def right(model: Model, canary: Canary) -> int:
    """Count the images that a model reads right: a digit as that digit, and what is none as none."""
    found = model.predict(canary.images)
    return int((np.where(found.accepted, found.digits, NONE) == canary.labels).sum())


def right_in(path: Path, canary: Canary) -> int | None:
    """Count for the artifact of a file; one that is damaged reads none right, None is one without a runtime here."""
    try:
        with load(path) as model:
            return right(model, canary)
    except RuntimeUnavailableError:
        return None
    except ArtifactError:
        return 0
