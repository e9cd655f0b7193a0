"""All figures of a report."""

import re
from dataclasses import dataclass

from digitrec_edge.labels import noun
from digitrec_edge.report.data import ReportData
from digitrec_edge.report.latency import draw_latency
from digitrec_edge.report.learning import draw_learning
from digitrec_edge.report.predictions import draw_class_accuracy, draw_confusion, draw_gallery, draw_samples
from digitrec_edge.report.sizes import draw_sizes
from digitrec_edge.report.style import RenderedFigure
from digitrec_edge.report.tradeoff import draw_tradeoff

GALLERY_LIMIT = 400
"""Images in one PNG or SVG montage at the most; the page itself shows all."""


@dataclass(frozen=True)
class ReportFigures:
    """Everything that was drawn; None or empty where there was nothing to draw.

    Attributes:
        speed: per device accuracy against latency, and the latency of each case.
        galleries: only written to files.
    """

    learning: tuple[RenderedFigure, ...]
    confusion: RenderedFigure | None
    class_accuracy: RenderedFigure | None
    samples: RenderedFigure | None
    galleries: tuple[RenderedFigure, ...]
    speed: tuple[tuple[RenderedFigure | None, RenderedFigure | None], ...]
    sizes: RenderedFigure | None

    def every(self) -> list[RenderedFigure]:
        """Return all of them."""
        single = [self.confusion, self.class_accuracy, self.samples, self.sizes]
        measured = [figure for pair in self.speed for figure in pair]
        return [figure for figure in (*self.learning, *single, *self.galleries, *measured) if figure]


def draw_all(data: ReportData) -> ReportFigures:
    """Draw all figures that the data allow."""
    labels, names, principal = data.test.labels, data.labels, data.principal
    return ReportFigures(
        learning=tuple(draw_learning(data.history)) if data.history else (),
        confusion=draw_confusion(principal, labels, names) if principal else None,
        class_accuracy=draw_class_accuracy(data.models, labels, names) if principal else None,
        samples=draw_samples(principal, data.test, names) if principal else None,
        galleries=(*_misclassified(data), *_changed(data)),
        speed=_speed(data),
        sizes=draw_sizes(data.artifacts) if data.artifacts else None,
    )


def _speed(data: ReportData) -> tuple[tuple[RenderedFigure | None, RenderedFigure | None], ...]:
    several = len(data.runs) > 1
    suffixes = [f"-{_slug(run.device)}-{k}" if several else "" for k, run in enumerate(data.runs, 1)]
    return tuple(
        (draw_tradeoff(run, f"accuracy-latency{suffix}"), draw_latency(run, f"latency{suffix}"))
        for run, suffix in zip(data.runs, suffixes, strict=True)
    )


def _misclassified(data: ReportData) -> list[RenderedFigure]:
    labels, names, model = data.test.labels, data.labels, data.principal
    if model is None:
        return []
    wrong = model.misclassified(labels)[:GALLERY_LIMIT]
    if not len(wrong):
        return []
    captions = [f"{names[labels[k]]}\u2192{names[model.digits[k]]}" for k in wrong]
    title = f"Misclassified: true {noun(names)}, predicted {noun(names)}"
    return [draw_gallery("misclassified", title, data.test.images[wrong], captions)]


def _changed(data: ReportData) -> list[RenderedFigure]:
    """Per artifact, the images with another digit than the Keras model's."""
    reference = data.reference
    if reference is None:
        return []
    galleries = []
    for model in data.predictions:
        changed = model.changed(reference)[:GALLERY_LIMIT]
        if len(changed):
            captions = [f"{data.labels[reference.digits[k]]}\u2192{data.labels[model.digits[k]]}" for k in changed]
            images = data.test.images[changed]
            name, title = f"changed-{_slug(model.name)}", f"{model.name}: Keras, artifact"
            galleries.append(draw_gallery(name, title, images, captions))
    return galleries


def _slug(name: str) -> str:
    return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")
