"""Golden logits: what the Keras model answers to every test image, kept so that a device can compare."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.errors import DataError
from digitrec_edge.files import read_file, write_file
from digitrec_edge.labels import COUNTS
from digitrec_edge.npz import read_arrays, write_arrays

FILE_NAME = "golden.npz"
_LIMIT_BYTES = 64 << 20


@dataclass(frozen=True)
class Golden:
    """Reference answers.

    Attributes:
        logits: ``(N, 10) float32``, of the Keras model, for the N test images in their order; a column per label.
        source_sha256: of the Keras file.
        test_sha256: of the test images and labels that they belong to.
    """

    logits: NDArray[np.float32]
    source_sha256: str
    test_sha256: str


def write(path: Path, golden: Golden) -> None:
    """Write to a .npz file, atomically, the same bytes for the same content."""
    write_file(path, write_arrays(dataclasses.asdict(golden)))


def read(path: Path) -> Golden:
    """Read golden logits.

    Raises:
        DataError: missing, truncated, or not golden logits.
    """
    data = read_file(path, limit_bytes=_LIMIT_BYTES, error=DataError)
    try:
        logits, source, test = read_arrays(data, ("logits", "source_sha256", "test_sha256"), limit_bytes=_LIMIT_BYTES)
    except ValueError as cause:
        raise DataError(f"{path} does not hold golden logits: {cause}; export again") from cause
    if logits.dtype != np.float32 or logits.ndim != 2 or logits.shape[1] not in COUNTS or not np.isfinite(logits).all():
        raise DataError(
            f"{path} does not hold golden logits: {logits.dtype} {logits.shape}, float32 of N images and "
            f"{COUNTS[0]} to {COUNTS[-1]} labels is needed"
        )
    return Golden(logits, str(source), str(test))
