"""A sample of the test set that travels inside an artifact, so that any device can test it alone."""

import io
import zipfile
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.errors import DamagedError

IMAGES = 32
SEED = 2024
_FIELDS = ("indices", "images", "labels", "golden", "expected")


@dataclass(frozen=True)
class Sample:
    """Seeded test images and what must come out for them.

    Attributes:
        indices: ``(N,) int64`` in the test set.
        images: ``(N, 28, 28) uint8``.
        labels: ``(N,) uint8``.
        golden: ``(N, 10) float32``, the Keras model's logits.
        expected: ``(N, 10) float32``, this artifact's own logits when it was exported.
    """

    indices: NDArray[np.int64]
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    golden: NDArray[np.float32]
    expected: NDArray[np.float32]


def pack(sample: Sample) -> bytes:
    """Pack a sample into a compressed .npz, the same bytes for the same content."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in _FIELDS:
            entry = io.BytesIO()
            np.save(entry, getattr(sample, name), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            archive.writestr(info, entry.getvalue(), zipfile.ZIP_DEFLATED, 9)
    return stream.getvalue()


def unpack(data: bytes) -> Sample:
    """Read what ``pack`` wrote.

    Raises:
        DamagedError: it is something else.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return Sample(*(archive[name] for name in _FIELDS))
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError, OSError, zlib.error) as cause:
        raise DamagedError(f"the artifact's sample cannot be read: {cause}; export it again") from cause
