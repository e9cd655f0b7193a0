"""Readings: what is given to the outside, a number or that there is none and why."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Reading:
    """What is known of one region at one time.

    Attributes:
        time: UTC, ISO 8601.
        region: its name.
        value: the number as it stands there, zeros in front included; None when it is not known.
        number: what it stands for, with its decimals.
        probability: of the whole number.
        frames: how many agreed.
        reason: why the number is not known; None when it is.
        note: what else there is to say of a number that is given.
        frame: the last frame that it was read on.
        artifact: the model's name.
        artifact_sha256: of its file.
    """

    time: str
    region: str
    value: str | None
    number: Decimal | None
    probability: float | None
    frames: int
    reason: str | None
    note: str | None
    frame: str | None
    artifact: str
    artifact_sha256: str

    def as_json(self) -> dict[str, Any]:
        """Return the object that is printed, published and given to a command."""
        number = None if self.number is None else float(self.number) if self.number % 1 else int(self.number)
        return {**vars(self), "number": number}


def now_utc() -> str:
    """Return the time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
