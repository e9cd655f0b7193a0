"""What corruptions do to an artifact: accuracy, agreement with the float32 artifact, and calibration, for each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.accuracy import accuracy
from benchmarks.quality.corruptions import CORRUPTIONS
from digitrec_edge.errors import BenchmarkError
from digitrec_edge.labels import Numbers
from digitrec_edge.mnist import Digits
from digitrec_edge.temperature import calibration_error
from runtimes import Model

REFERENCE = "float32"
"""The variant that others should answer as."""


@dataclass(frozen=True)
class CorruptedResult:
    """An artifact on one corrupted test set, all figures 0 to 1.

    Attributes:
        agreement: share of images with the same answer as the reference; None without one.
        calibration_error: expected calibration error of the probabilities.
    """

    name: str
    accuracy: float
    agreement: float | None
    calibration_error: float


@dataclass(frozen=True)
class Corrupted:
    """An artifact in a runtime on all corrupted test sets.

    Attributes:
        reference: the float32 artifact of the same source; None when none was measured, and for itself.
        images: in each set.
        mean: of all sets.
        worst: the least accuracy and agreement and the largest calibration error of all sets, each by itself.
    """

    artifact: str
    runtime: str
    reference: str | None
    images: int
    results: tuple[CorruptedResult, ...]
    mean: CorruptedResult
    worst: CorruptedResult


def find_reference(model: Model, models: Sequence[Model]) -> Model | None:
    """Return the first that is the float32 artifact of the same source; None when that is the model itself."""
    if not model.card:
        return None
    source = model.card.source_sha256
    same = (m for m in models if m.card and (m.card.variant, m.card.source_sha256) == (REFERENCE, source))
    found = next(same, None)
    return None if found is model else found


def judge(
    name: str, logits: NDArray[np.float32], reference: NDArray[np.float32] | None, labels: Numbers, temperature: float
) -> CorruptedResult:
    """Return the figures of ``(N, 10)`` logits, against those of the reference on the same images."""
    answers = logits.argmax(axis=1)
    agreement = None if reference is None else accuracy(answers, reference.argmax(axis=1))
    return CorruptedResult(name, accuracy(answers, labels), agreement, calibration_error(logits, labels, temperature))


def mean_of(results: Sequence[CorruptedResult]) -> CorruptedResult:
    """Return the mean of each figure."""
    agreements = [r.agreement for r in results if r.agreement is not None]
    return CorruptedResult(
        "mean",
        float(np.mean([r.accuracy for r in results])),
        float(np.mean(agreements)) if agreements else None,
        float(np.mean([r.calibration_error for r in results])),
    )


def worst_of(results: Sequence[CorruptedResult]) -> CorruptedResult:
    """Return the worst of each figure, each by itself."""
    return CorruptedResult(
        "worst",
        min(r.accuracy for r in results),
        min((r.agreement for r in results if r.agreement is not None), default=None),
        max(r.calibration_error for r in results),
    )


def measure_corrupted(
    measured: Sequence[tuple[Model, Digits]], on_set: Callable[[], None] = lambda: None
) -> tuple[Corrupted, ...]:
    """Run loaded models over every corruption of the same images; each has labels as it counts them."""
    models = [model for model, _ in measured]
    references = [find_reference(model, models) for model in models]
    found: list[list[CorruptedResult]] = [[] for _ in measured]
    for corruption in CORRUPTIONS:
        images = corruption.make(measured[0][1].images)
        logits = {id(model): model.logits(images) for model in models}
        for results, (model, digits), reference in zip(found, measured, references, strict=True):
            golden = logits[id(reference)] if reference else None
            temperature = float(model.temperature)
            results.append(judge(corruption.name, logits[id(model)], golden, digits.labels, temperature))
        on_set()
    return tuple(
        Corrupted(
            model.artifact.name,
            f"{model.runtime} {model.runtime_version}",
            reference.artifact.name if reference else None,
            len(digits),
            tuple(results),
            mean_of(results),
            worst_of(results),
        )
        for results, (model, digits), reference in zip(found, measured, references, strict=True)
    )


def check_mean(found: Corrupted, floor: float) -> None:
    """Let pass what is right on at least ``floor`` (0 to 1) of all corrupted images.

    Raises:
        BenchmarkError: it is less, or no number.
    """
    if not found.mean.accuracy >= floor:
        raise BenchmarkError(
            f"{found.artifact} is right on {found.mean.accuracy:.2%} of corrupted images, below {floor:.2%}: "
            f"{found.worst.accuracy:.2%} in the worst set"
        )
