"""A sample of the test set that travels inside an artifact, so that any device can test it alone."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.errors import DamagedError
from digitrec_edge.formats import SAMPLE_FILE
from digitrec_edge.formats.budget import BUDGET
from digitrec_edge.frozen import Frozen
from digitrec_edge.labels import Numbers
from digitrec_edge.npz import read_arrays, write_arrays
from digitrec_edge.quantization import SIDE

IMAGES = 32
SEED = 0
"""With it the 32 images of MNIST's test set show every digit at least twice."""
_FIELDS = ("indices", "images", "labels", "golden", "expected")


class Sample(Frozen):
    """Seeded test images and what must come out for them.

    Attributes:
        indices: ``(N,) int64`` in the test set.
        images: ``(N, 28, 28) uint8``.
        labels: ``(N,) uint8``, or uint16 where one is above 255.
        golden: ``(N, 10) float32``, the Keras model's logits, or as many as there are labels.
        expected: of the same shape, this artifact's own logits when it was exported.
    """

    indices: NDArray[np.int64]
    images: NDArray[np.uint8]
    labels: Numbers
    golden: NDArray[np.float32]
    expected: NDArray[np.float32]


def pack(sample: Sample) -> bytes:
    """Pack a sample into a compressed .npz, the same bytes for the same content."""
    return write_arrays({name: getattr(sample, name) for name in _FIELDS}, level=9)


def unpack(data: bytes, classes: int) -> Sample:
    """Read what ``pack`` wrote for a recogniser of so many labels.

    Raises:
        DamagedError: it is something else.
    """
    try:
        found = Sample(*read_arrays(data, _FIELDS, limit_bytes=BUDGET.attached_bytes))
        _check(found, classes)
    except ValueError as cause:
        raise DamagedError(f"the artifact's sample cannot be read: {cause}; export it again") from cause
    return found


def images_of(files: Mapping[str, bytes]) -> NDArray[np.uint8] | None:
    """Return the images ``(N, 28, 28)`` among what travels with a model; None where there are none.

    Raises:
        DamagedError: there is a sample that cannot be read.
    """
    if SAMPLE_FILE not in files:
        return None
    try:
        (images,) = read_arrays(files[SAMPLE_FILE], ["images"], limit_bytes=BUDGET.attached_bytes)
    except ValueError as cause:
        raise DamagedError(f"the artifact's sample cannot be read: {cause}; export it again") from cause
    if images.dtype != np.uint8 or images.shape[1:] != (SIDE, SIDE):
        raise DamagedError(f"the artifact's sample holds images of {images.dtype} {images.shape}; export it again")
    return images


def _check(found: Sample, classes: int) -> None:
    count = len(found.indices) if found.indices.ndim else 0
    for name, dtype, shape in (
        ("indices", np.int64, ()),
        ("images", np.uint8, (SIDE, SIDE)),
        ("labels", np.uint16 if classes > 256 and found.labels.dtype == np.uint16 else np.uint8, ()),
        ("golden", np.float32, (classes,)),
        ("expected", np.float32, (classes,)),
    ):
        array = getattr(found, name)
        if array.dtype != dtype or array.shape != (count, *shape) or count == 0:
            raise ValueError(f"{name} is {array.dtype} {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds NaN or infinity")
    if found.labels.max() >= classes:
        raise ValueError(f"labels reach {found.labels.max()}, the model has {classes}")
