"""Writes a report: draws every figure, lays out the page, and leaves nothing half done."""

import re
from collections.abc import Callable
from pathlib import Path

from digitrec_edge.files import write_file
from digitrec_edge.report import learning, quality, speed
from digitrec_edge.report.material import Material
from digitrec_edge.report.page import Figures, render
from digitrec_edge.report.style import Picture

GALLERY_LIMIT = 400
"""Images in one PNG or SVG montage at the most; the page itself shows all."""


def write(
    material: Material, output: Path, *, on_step: Callable[[str], None] = lambda text: None
) -> tuple[Path, list[Path]]:
    """Write the page, and beside it a folder with every figure as PNG and SVG.

    Args:
        material: see :func:`digitrec_edge.report.collect`.
        output: the page, ``report.html``; the figures go to ``report-figures/``.
        on_step: is told what comes now.

    Returns:
        The page and the figures' files.
    """
    on_step("drawing")
    figures = draw(material)
    folder = output.with_name(f"{output.stem}-figures")
    files = []
    for picture in figures.every():
        for suffix, data in ((".svg", picture.svg), (".png", picture.png)):
            files.append(folder / f"{picture.name}{suffix}")
            write_file(files[-1], data)
    on_step("writing")
    write_file(output, render(material, figures).encode())
    return output, files


def draw(material: Material) -> Figures:
    """Draw all figures that the material allows."""
    labels = material.test.labels
    principal = material.principal
    models = [*([material.reference] if material.reference else []), *material.answers]
    runs = material.benchmark.runs if material.benchmark else ()
    names = [f"-{re.sub('[^a-z0-9]+', '-', run.device.lower()).strip('-')}-{k}" for k, run in enumerate(runs, 1)]
    suffixes = names if len(runs) > 1 else [""] * len(runs)
    drawn = [
        (speed.draw_tradeoff(run, f"accuracy-latency{suffix}"), speed.draw_latency(run, f"latency{suffix}"))
        for run, suffix in zip(runs, suffixes, strict=True)
    ]
    return Figures(
        learning=tuple(learning.draw_learning(material.history)) if material.history else (),
        confusion=quality.draw_confusion(principal, labels) if principal else None,
        class_accuracy=quality.draw_class_accuracy(models, labels) if models else None,
        samples=quality.draw_samples(principal, material.test) if principal else None,
        galleries=tuple(_galleries(material)),
        speed=tuple(drawn),
        sizes=speed.draw_sizes(material.artifacts) if material.artifacts else None,
    )


def _galleries(material: Material) -> list[Picture]:
    """The mistakes, and per artifact what differs from Keras, as files; the page has them as images of its own."""
    found = []
    labels, images = material.test.labels, material.test.images
    principal = material.principal
    if principal:
        wrong = (principal.digits != labels).nonzero()[0][:GALLERY_LIMIT]
        if len(wrong):
            captions = [f"{labels[k]}\u2192{principal.digits[k]}" for k in wrong]
            found.append(
                quality.draw_gallery("misclassified", "Misclassified: true digit, answer", images[wrong], captions)
            )
    reference = material.reference
    for one in material.answers if reference else ():
        assert reference is not None
        changed = (one.digits != reference.digits).nonzero()[0][:GALLERY_LIMIT]
        if len(changed):
            captions = [f"{reference.digits[k]}\u2192{one.digits[k]}" for k in changed]
            name = re.sub("[^a-z0-9]+", "-", one.name.lower())
            title = f"{one.name}: Keras, artifact"
            found.append(quality.draw_gallery(f"changed-{name}", title, images[changed], captions))
    return found
