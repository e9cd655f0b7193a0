"""What every image of a test set was read as, small enough for a results file; and what changed between two of them."""

import base64
import binascii
import zlib
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.significance import mcnemar
from digitrec_edge.labels import Numbers
from digitrec_edge.records import Within

Packed = Annotated[str, Within(0, 4 << 20)]
"""Bytes, deflated, in base64."""


@dataclass(frozen=True)
class Answers:
    """The classes that an artifact gave, in the order of the test set; 10,000 images take about 6 KB.

    Attributes:
        test_sha256: of the images and labels.
        digits: ``(N,)`` classes as little-endian 16-bit numbers, packed.
        right: ``(N,)`` bits, whether each is the label, packed.
    """

    test_sha256: Annotated[str, Within(64, 64)]
    images: Annotated[int, Within(1, 1_000_000)]
    digits: Packed
    right: Packed

    def unpack(self) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
        """Return ``(N,)`` classes, and whether each is right.

        Raises:
            ValueError: the texts were not made by :func:`pack_answers`.
        """
        digits = np.frombuffer(_inflate(self.digits, 2 * self.images), "<u2").astype(np.uint16)
        bits = np.frombuffer(_inflate(self.right, -(-self.images // 8)), np.uint8)
        return digits, np.unpackbits(bits, count=self.images).astype(bool)


@dataclass(frozen=True)
class AnswerChange:
    """What became of the same images.

    Attributes:
        better: wrong then, right now.
        worse: right then, wrong now.
        otherwise: wrong both times, in two ways.
    """

    images: int
    better: int
    worse: int
    otherwise: int

    def __str__(self) -> str:
        parts = f"{self.worse:,} worse, {self.better:,} better, {self.otherwise:,} otherwise wrong"
        return f"{self.worse + self.better + self.otherwise:,} of the same {self.images:,} images ({parts})"

    @property
    def share(self) -> float:
        """Share of the images that are read differently, 0 to 1."""
        return (self.better + self.worse + self.otherwise) / self.images

    @property
    def chance(self) -> float:
        """How often two equally accurate artifacts would differ this much, 0 to 1: McNemar's exact p."""
        return mcnemar(self.worse, self.better)


def pack_answers(digits: NDArray[Any], labels: Numbers, test_sha256: str) -> Answers:
    """Pack ``(N,)`` classes and whether each is its label."""
    right = np.packbits(digits == labels)
    return Answers(test_sha256, len(labels), _deflate(digits.astype("<u2").tobytes()), _deflate(right.tobytes()))


def changes(then: Answers, now: Answers) -> AnswerChange | None:
    """Count what changed; None when the two are of different test sets."""
    if (then.test_sha256, then.images) != (now.test_sha256, now.images):
        return None
    (old, was_right), (new, is_right) = then.unpack(), now.unpack()
    return AnswerChange(
        images=now.images,
        better=int((is_right & ~was_right).sum()),
        worse=int((was_right & ~is_right).sum()),
        otherwise=int((~was_right & ~is_right & (old != new)).sum()),
    )


def _deflate(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode()


def _inflate(text: str, size_bytes: int) -> bytes:
    """Unpack exactly so many bytes; never more than one beyond."""
    try:
        stream = zlib.decompressobj()
        data = stream.decompress(base64.b64decode(text, validate=True), size_bytes + 1)
    except (binascii.Error, zlib.error) as cause:
        raise ValueError(f"packed answers cannot be read: {cause}") from cause
    if len(data) != size_bytes or not stream.eof:
        raise ValueError(f"packed answers have another size than their {size_bytes:,} bytes")
    return data
