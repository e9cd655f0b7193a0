"""Digits to put into collections."""

import numpy as np

from digitrec_edge.collection import Kept

ARTIFACT = "ab" * 32


def kept(number: int, *, digit: int | None = 7, picture: bytes | None = None, probability: float = 0.5) -> Kept:
    """Return what is the same for the same number and differs for others."""
    return Kept(
        picture=f"picture {number}".encode() if picture is None else picture,
        image=np.random.default_rng(number).integers(0, 256, (28, 28)).astype(np.uint8),
        digit=digit,
        candidate=7 if digit is None else digit,
        probability=probability,
        score=2.5,
        artifact_sha256=ARTIFACT,
        time=f"2026-11-28T10:00:00.{number:06d}Z",
        source="camera",
        box=(1, 2, 11, 22),
    )
