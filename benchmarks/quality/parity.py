"""Parity: how far an artifact's answers are from the Keras model's, and how far they may be."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.accuracy import accuracy
from digitrec_edge.errors import ParityError
from digitrec_edge.labels import Numbers
from digitrec_edge.variants import Precision

ROUNDING = 1e-9
"""Shares are quotients of whole numbers: a loss of just what is allowed is not refused for the last bit."""


@dataclass(frozen=True)
class Parity:
    """An artifact against the Keras model on the same images.

    Attributes:
        accuracy, reference_accuracy: share of right digits, 0 to 1.
        agreement: share of images with the same digit as the reference, 0 to 1.
        max_logit_difference: largest absolute difference of any logit.
    """

    images: int
    accuracy: float
    reference_accuracy: float
    agreement: float
    max_logit_difference: float

    @property
    def drop_pp(self) -> float:
        """Accuracy lost on the way, in percentage points; negative when some was won."""
        return 100 * (self.reference_accuracy - self.accuracy)


def compare(logits: NDArray[np.float32], golden: NDArray[np.float32], labels: Numbers) -> Parity:
    """Compare logits ``(N, 10)`` with golden logits of the same images.

    Raises:
        ParityError: the shapes differ or there are no images, so nothing can be said.
    """
    if len(labels) == 0 or logits.shape != golden.shape or len(labels) != len(logits):
        raise ParityError(f"{logits.shape} logits cannot be compared with {golden.shape} golden ones")
    difference = np.abs(logits.astype(np.float64) - golden).max()
    return Parity(
        images=len(labels),
        accuracy=accuracy(logits.argmax(axis=1), labels),
        reference_accuracy=accuracy(golden.argmax(axis=1), labels),
        agreement=float((logits.argmax(axis=1) == golden.argmax(axis=1)).mean()),
        max_logit_difference=float(difference),
    )


def check_gate(parity: Parity, precision: Precision) -> None:
    """Let pass what is as good as its precision must be.

    Raises:
        ParityError: names every figure that is out of bounds; a figure that is no number is out of bounds.
    """
    gate = precision.gate
    lost = [
        text
        for good, text in (
            (
                parity.agreement >= gate.min_agreement - ROUNDING,
                f"agreement {parity.agreement:.2%} (at least {gate.min_agreement:.2%})",
            ),
            (
                parity.drop_pp <= gate.max_drop_pp + ROUNDING,
                f"accuracy drop {parity.drop_pp:.2f} pp (at most {gate.max_drop_pp})",
            ),
            (
                parity.max_logit_difference <= gate.max_logit_difference,
                f"logit difference {parity.max_logit_difference:.2g} (at most {gate.max_logit_difference:g})",
            ),
        )
        if not good
    ]
    if lost:
        raise ParityError(f"{precision.name} parity is lost: {'; '.join(lost)}")
