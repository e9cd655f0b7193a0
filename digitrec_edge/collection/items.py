"""What is in a collection: what was answered to a picture, and what a person says that it shows."""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.errors import CollectionError
from digitrec_edge.labels import COUNTS
from digitrec_edge.quantization import SIDE

ID_DIGITS = 32
LONGEST_TEXT = 200
"""Characters of a source, a name and the like."""

UNKNOWN_TIME = "1970-01-01T00:00:00.000000Z"
"""Of what comes from a file that tells none."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the picture, half open."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One digit that was looked at, and what the answer was.

    Attributes:
        image: ``(28, 28) uint8`` that the network was given, 0 is background.
        digit: the answer; None is "no digit".
        candidate: the digit that it is most like, whatever the answer.
        probability: of the candidate.
        score: for how much it is like any digit, see :mod:`digitrec_edge.no_digit`.
        artifact_sha256: of the model file that answered; empty where none did.
        time: of the answer, UTC, as ``2026-11-28T22:48:38.123456Z``.
        source: where the picture came from, as ``camera`` or the name of a region.
        box: of the digit on its picture; None where that is not known.
    """

    image: NDArray[np.uint8]
    digit: int | None
    candidate: int
    probability: float
    score: float
    artifact_sha256: str
    time: str
    source: str
    box: Box | None = None

    def __post_init__(self) -> None:
        for name, good, allowed in (
            ("image", self.image.shape == (SIDE, SIDE) and self.image.dtype == np.uint8, f"({SIDE}, {SIDE}) uint8"),
            ("digit", self.digit is None or _is_digit(self.digit), f"0 to {COUNTS[-1] - 1}, or None"),
            ("candidate", _is_digit(self.candidate), f"0 to {COUNTS[-1] - 1}"),
            ("probability", 0 <= self.probability <= 1, "0 to 1"),
            ("score", -1e30 <= self.score <= 1e30, "a number"),
            ("artifact_sha256", _is_hash(self.artifact_sha256), "64 hexadecimal digits, or nothing"),
            ("time", _is_time(self.time), "UTC as 2026-11-28T22:48:38.123456Z"),
            ("source", _is_text(self.source), f"1 to {LONGEST_TEXT} printable characters"),
            ("box", self.box is None or _is_box(self.box), "four whole numbers, or None"),
        ):
            if not good:
                value = getattr(self, name)
                shown = f"{value.shape} {value.dtype}" if name == "image" else repr(value)[:80]
                raise CollectionError(f"{name} is {shown}, allowed is {allowed}")


@dataclass(frozen=True, kw_only=True)
class Kept(Seen):
    """What is given to a collection to keep.

    Attributes:
        picture: the bytes of the picture as it came; empty where it is not kept.
    """

    picture: bytes = b""

    @property
    def id(self) -> str:
        """A hash of picture, image, box, time, source and artifact: the same digit kept twice has one id."""
        digest = hashlib.sha256(hashlib.sha256(self.picture).digest() + self.image.tobytes())
        digest.update(struct.pack("<4q", *self.box) if self.box else b"-")
        digest.update("\n".join((self.time, self.source, self.artifact_sha256)).encode())
        return digest.hexdigest()[:ID_DIGITS]


@dataclass(frozen=True)
class Said:
    """What a person says that an image shows.

    Attributes:
        digit: None is "no digit".
        by: who says it.
        time: UTC, see :class:`Seen`.
    """

    digit: int | None
    by: str
    time: str

    def __post_init__(self) -> None:
        for name, good, allowed in (
            ("digit", self.digit is None or _is_digit(self.digit), f"0 to {COUNTS[-1] - 1}, or None for no digit"),
            ("by", _is_text(self.by), f"1 to {LONGEST_TEXT} printable characters"),
            ("time", _is_time(self.time), "UTC as 2026-11-28T22:48:38.123456Z"),
        ):
            if not good:
                raise CollectionError(f"correction: {name} is {getattr(self, name)!r:.80}, allowed is {allowed}")


@dataclass(frozen=True, kw_only=True)
class Item(Seen):
    """What a collection holds.

    Attributes:
        id: of 32 hexadecimal digits.
        picture_bytes: size of the picture; 0 where there is none.
        correction: that holds; None where there is none.
    """

    id: str
    picture_bytes: int
    correction: Said | None

    @property
    def held_out(self) -> bool:
        """Whether it is for testing and never trained on."""
        return is_held_out(self.image)


def is_id(value: object) -> bool:
    """Whether something is written as the id of an item."""
    return isinstance(value, str) and _is_hexadecimal(value, ID_DIGITS)


def image_digest(image: NDArray[np.uint8]) -> str:
    """Return the SHA-256 of the pixels, whenever and wherever they were seen."""
    return hashlib.sha256(image.tobytes()).hexdigest()


def is_held_out(image: NDArray[np.uint8]) -> bool:
    """Tell by its pixels whether an image is for testing: one in three are, the same ones for ever."""
    return int(image_digest(image)[:8], 16) % 3 == 0


def utc_now() -> str:
    """Return the time as collections have it."""
    return _written(datetime.now(UTC))


def later(time: str) -> str:
    """Return the time a microsecond after another."""
    return _written(datetime.fromisoformat(time) + timedelta(microseconds=1))


def _written(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _is_digit(value: int) -> bool:
    return type(value) is int and 0 <= value < COUNTS[-1]


def _is_hash(value: str) -> bool:
    return value == "" or _is_hexadecimal(value, 64)


def _is_hexadecimal(value: str, digits: int) -> bool:
    return len(value) == digits and set(value) <= set("0123456789abcdef")


def _is_time(value: str) -> bool:
    """Whether it is written as here, so that the order of texts is that of times."""
    try:
        return _written(datetime.fromisoformat(value)) == value and UNKNOWN_TIME <= value < "9999"
    except ValueError:
        return False


def _is_text(value: str) -> bool:
    return 0 < len(value) <= LONGEST_TEXT and value.isprintable()


def _is_box(value: Sequence[int]) -> bool:
    return len(value) == 4 and all(type(edge) is int and abs(edge) < 1 << 31 for edge in value)
