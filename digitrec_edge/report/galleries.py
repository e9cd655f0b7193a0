"""What the page shows of single test images: mistakes, and digits that changed by conversion."""

import base64
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from digitrec_edge.quantization import PIXEL_MAX
from digitrec_edge.report.data import ModelPredictions, ReportData


@dataclass(frozen=True)
class GalleryImage:
    """A test image.

    Attributes:
        source: PNG as a data URI, dark digit on white.
        truth: label of the digit that it shows.
        alternative: text for readers who cannot see it.
    """

    source: str
    truth: str
    alternative: str


@dataclass(frozen=True)
class Mistake:
    """A misclassified image; ``probability`` of the wrong digit, 0 to 1."""

    image: GalleryImage
    digit: str
    probability: float


@dataclass(frozen=True)
class Mistakes:
    """All mistakes of a model."""

    model: str
    images: int
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True)
class Change:
    """An image whose digit changed by conversion; probabilities of each model's own digit, 0 to 1."""

    image: GalleryImage
    before: str
    before_probability: float
    after: str
    after_probability: float

    @property
    def kind(self) -> str:
        """``won``, ``lost``, or ``moved`` from one wrong digit to another."""
        return "won" if self.after == self.image.truth else "lost" if self.before == self.image.truth else "moved"


@dataclass(frozen=True)
class ArtifactChanges:
    """All digits that differ between the Keras model and an artifact."""

    artifact: str
    changes: tuple[Change, ...]

    def count(self, kind: str) -> int:
        """Return how many changes are of a kind."""
        return sum(change.kind == kind for change in self.changes)


@dataclass(frozen=True)
class Changes:
    """What conversion changed; ``unchanged`` names the artifacts in which no digit differs."""

    images: int
    unchanged: tuple[str, ...]
    changed: tuple[ArtifactChanges, ...]


def mistakes(data: ReportData) -> Mistakes | None:
    """Return all mistakes of the principal model, those with the highest probability first."""
    model, test, names = data.principal, data.test, data.labels
    if model is None:
        return None
    wrong = model.misclassified(test.labels)
    order = np.argsort(-model.probabilities[wrong, model.digits[wrong]], kind="stable")
    found = []
    for k in wrong[order].tolist():
        digit = int(model.digits[k])
        image = _image(data, k, f"{names[test.labels[k]]} read as {names[digit]}")
        found.append(Mistake(image, names[digit], float(model.probabilities[k, digit])))
    return Mistakes(model.name, len(test), tuple(found))


def changed(data: ReportData) -> Changes | None:
    """Return per artifact the images whose digit differs from the Keras model's."""
    reference = data.reference
    if reference is None or not data.predictions:
        return None
    found = [_changes(model, reference, data) for model in data.predictions]
    return Changes(
        images=len(data.test),
        unchanged=tuple(one.artifact for one in found if not one.changes),
        changed=tuple(one for one in found if one.changes),
    )


def _changes(model: ModelPredictions, reference: ModelPredictions, data: ReportData) -> ArtifactChanges:
    names, changes = data.labels, []
    for k in model.changed(reference).tolist():
        before, after = int(reference.digits[k]), int(model.digits[k])
        text = f"Keras {names[before]}, {model.name} {names[after]}, truth {names[data.test.labels[k]]}"
        probabilities = float(reference.probabilities[k, before]), float(model.probabilities[k, after])
        image = _image(data, k, text)
        changes.append(Change(image, names[before], probabilities[0], names[after], probabilities[1]))
    return ArtifactChanges(model.name, tuple(changes))


def _image(data: ReportData, index: int, text: str) -> GalleryImage:
    stream = io.BytesIO()
    Image.fromarray(PIXEL_MAX - data.test.images[index]).save(stream, "PNG", optimize=True)
    source = f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
    return GalleryImage(source, data.labels[data.test.labels[index]], f"test image {index}: {text}")
