"""Parity that explains itself: which digits changed and why, which classes suffered, how far logits moved."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.accuracy import class_accuracy
from benchmarks.quality.parity import Parity, compare
from digitrec_edge.files import sha256, write_file
from digitrec_edge.labels import Numbers

REPORT_VERSION = 1


@dataclass(frozen=True)
class ChangedDigit:
    """A test image that the artifact reads differently from the Keras model.

    Attributes:
        margin: largest logit minus the second largest; how sure each was.
    """

    index: int
    label: int
    reference_digit: int
    digit: int
    reference_margin: float
    margin: float


@dataclass(frozen=True)
class ParityReport:
    """An artifact against the Keras model, image by image.

    Attributes:
        artifact_sha256: of the whole artifact file, so that a report of an older export is told from its artifact's.
        class_accuracy, reference_class_accuracy: share of right digits per digit, 0 to 1; None for a
            digit that the test set does not have.
        mean_logit_difference: mean absolute difference over all logits.
    """

    artifact: str
    runtime: str
    parity: Parity
    mean_logit_difference: float
    class_accuracy: tuple[float | None, ...]
    reference_class_accuracy: tuple[float | None, ...]
    changed: tuple[ChangedDigit, ...]
    artifact_sha256: str = ""
    version: int = REPORT_VERSION

    @property
    def weakest_class(self) -> tuple[int, float]:
        """The digit that lost most accuracy against the reference, and how many percentage points."""
        drops = {
            digit: 100 * (before - after)
            for digit, (before, after) in enumerate(
                zip(self.reference_class_accuracy, self.class_accuracy, strict=True)
            )
            if before is not None and after is not None
        }
        digit = max(drops, key=lambda key: drops[key])
        return digit, drops[digit]


def report_parity(
    artifact: str, runtime: str, logits: NDArray[np.float32], golden: NDArray[np.float32], labels: Numbers
) -> ParityReport:
    """Compare logits ``(N, 10)`` with golden ones of the same images, image by image.

    Raises:
        ParityError: the shapes differ, or there are no images.
    """
    parity = compare(logits, golden, labels)
    digits, references = logits.argmax(axis=1), golden.argmax(axis=1)
    margins, reference_margins = _margins(logits), _margins(golden)
    return ParityReport(
        artifact=artifact,
        runtime=runtime,
        parity=parity,
        mean_logit_difference=float(np.abs(logits.astype(np.float64) - golden).mean()),
        class_accuracy=class_accuracy(digits, labels, logits.shape[1]),
        reference_class_accuracy=class_accuracy(references, labels, logits.shape[1]),
        changed=tuple(
            ChangedDigit(
                index=int(k),
                label=int(labels[k]),
                reference_digit=int(references[k]),
                digit=int(digits[k]),
                reference_margin=float(reference_margins[k]),
                margin=float(margins[k]),
            )
            for k in np.flatnonzero(digits != references)
        ),
    )


def _margins(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    ordered = np.sort(logits, axis=1)
    return ordered[:, -1] - ordered[:, -2]


def report_path(artifact: Path) -> Path:
    """Where the report of an artifact lies: ``digitrec-int8.tflite.parity.json``, beside it."""
    return artifact.with_name(artifact.name + ".parity.json")


def write_report(report: ParityReport, artifact: Path) -> Path:
    """Write a report beside its artifact, atomically, with the artifact's hash; returns its path."""
    path = report_path(artifact)
    report = dataclasses.replace(report, artifact_sha256=sha256(artifact.read_bytes()))
    write_file(path, json.dumps(dataclasses.asdict(report), indent=1).encode())
    return path
