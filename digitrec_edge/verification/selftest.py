"""The self-test of an artifact on the machine at hand, with the images that travel inside it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.artifact import Artifact, sample
from digitrec_edge.errors import ArtifactError
from digitrec_edge.formats import SAMPLE_FILE
from digitrec_edge.variants import precision
from runtimes.model import Model


@dataclass(frozen=True)
class Differing:
    """An image that comes out differently here than at export."""

    index: int
    label: int
    expected_digit: int
    digit: int
    largest_difference: float


@dataclass(frozen=True)
class SelfTest:
    """What came of a self-test.

    Attributes:
        tolerance: largest allowed difference of a logit.
        largest_difference: of any logit of any image from the one at export.
        agreement: share of the images with the Keras model's digit, 0 to 1.
    """

    runtime: str
    images: int
    tolerance: float
    largest_difference: float
    agreement: float
    differing: tuple[Differing, ...]

    @property
    def passed(self) -> bool:
        """Whether every image came out as at export."""
        return not self.differing

    @property
    def summary(self) -> str:
        """What came of it, in one line."""
        return (
            f"self-test on {self.runtime}: {self.images - len(self.differing)} of {self.images} images as at "
            f"export; largest logit difference {self.largest_difference:.2g} (at most {self.tolerance:.2g}); "
            f"agreement with Keras {self.agreement:.1%}"
        )


def self_test(found: Artifact, model: Model) -> SelfTest:
    """Run an artifact's own sample through a loaded model and compare with the logits at export.

    Raises:
        ArtifactError: the file carries no sample, or a precision that this version does not know.
    """
    if found.card is None or SAMPLE_FILE not in found.files:
        raise ArtifactError(f"{found.path} carries no sample to test with; files that digitrec-edge exported do")
    images = sample.unpack(found.files[SAMPLE_FILE], len(found.card.labels))
    share = precision(found.card.variant).tolerance.share
    tolerance = share * float(np.ptp(images.expected))
    logits = model.logits(images.images)
    differences = np.abs(logits.astype(np.float64) - images.expected).max(axis=1)
    digits, expected = logits.argmax(axis=1), images.expected.argmax(axis=1)
    wrong = ~(differences <= tolerance) | ((digits != expected) & ~_near_tie(images.expected, tolerance))
    return SelfTest(
        runtime=f"{model.runtime} {model.runtime_version}",
        images=len(digits),
        tolerance=tolerance,
        largest_difference=float(differences.max()),
        agreement=float((digits == images.golden.argmax(axis=1)).mean()),
        differing=tuple(
            Differing(
                int(images.indices[k]), int(images.labels[k]), int(expected[k]), int(digits[k]), float(differences[k])
            )
            for k in np.flatnonzero(wrong)
        ),
    )


def _near_tie(expected: NDArray[np.float32], tolerance: float) -> NDArray[np.bool_]:
    """Rows whose best two logits are so near that the tolerance alone can turn them."""
    ordered = np.sort(expected, axis=1)
    return np.asarray(ordered[:, -1] - ordered[:, -2] <= 2 * tolerance)
