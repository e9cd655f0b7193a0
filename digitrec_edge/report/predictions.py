"""Figures of the predictions: confusion matrix, accuracy by digit or label, samples, montages of images."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from benchmarks.quality.accuracy import class_accuracy
from digitrec_edge.labels import DIGITS, Numbers, noun
from digitrec_edge.mnist import Digits
from digitrec_edge.quantization import PIXEL_MAX, SIDE
from digitrec_edge.report.data import ModelPredictions
from digitrec_edge.report.style import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    VERMILLION,
    WIDTH,
    RenderedFigure,
    bare,
    finish,
    new_figure,
    styled,
)

SAMPLES = 12
SHOWN = 26
"""As many labels have room in a figure; of more, those with most mistakes are shown."""

BARS = 10
"""So many probabilities are drawn of a sample; of more, the highest."""

_SAMPLE_HEIGHT = 111
_NAME = 10
"""Characters of a label that have room beside a sample."""


def confusion(model: ModelPredictions, labels: Numbers) -> NDArray[np.int64]:
    """Count ``(10, 10)``, or as many as there are labels: row the true digit, column the predicted one."""
    counts = np.zeros((model.probabilities.shape[1],) * 2, np.int64)
    np.add.at(counts, (labels, model.digits), 1)
    return counts


def _shown(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the places of the labels that have room, in their order: those with most mistakes."""
    mistakes = counts.sum(axis=0) + counts.sum(axis=1) - 2 * np.diag(counts)
    return np.sort(np.argsort(-mistakes, kind="stable")[:SHOWN])


def _title(text: str, shown: int, classes: int) -> str:
    return text if shown == classes else f"{text}; the {shown} of {classes} labels with most mistakes"


def _name_columns(axes: Axes, names: Sequence[str]) -> None:
    """Name the columns; longer names stand upright."""
    axes.set_xticks(range(len(names)), names, rotation=90 if max(map(len, names)) > 2 else 0)


@styled
def draw_confusion(model: ModelPredictions, labels: Numbers, names: tuple[str, ...] = DIGITS) -> RenderedFigure:
    """Draw the confusion matrix; the mistakes are shaded."""
    counts = confusion(model, labels)
    wrong = counts - np.diag(np.diag(counts))
    shown = _shown(counts)
    size = 9.0 if len(shown) <= BARS else 6.5
    figure, axes = new_figure(WIDTH)
    bare(axes)
    for row, truth in enumerate(shown):
        for column, answer in enumerate(shown):
            count = counts[truth, answer]
            right = row == column
            if count and not right:
                share = 0.15 + 0.6 * count / max(1, wrong.max())
                axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, color=VERMILLION, alpha=share, linewidth=0))
            axes.text(
                column, row, f"{count}" if count else "\u00b7", ha="center", va="center", fontsize=size,
                color=INK if count and not right else MUTED, fontweight="bold" if right else "normal",
            )  # fmt: skip
    axes.set_xlim(-0.5, len(shown) - 0.5)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.set_yticks(range(len(shown)), [names[k] for k in shown])
    _name_columns(axes, [names[k] for k in shown])
    axes.tick_params(length=0)
    axes.set_xlabel(f"prediction of {model.name}")
    axes.set_ylabel(f"true {noun(names)}")
    axes.set_title(_title(f"Confusion matrix, {len(labels):,} test images", len(shown), len(names)))
    worst = np.unravel_index(wrong.argmax(), wrong.shape)
    words = f"{int(wrong.sum())} mistakes" + (
        f", most often {names[worst[0]]} read as {names[worst[1]]} ({wrong.max()} times)" if wrong.max() else ""
    )
    return finish(figure, "confusion-matrix", "Confusion matrix", f"Confusion matrix of {model.name}: {words}")


@styled
def draw_class_accuracy(
    models: Sequence[ModelPredictions], labels: Numbers, names: tuple[str, ...] = DIGITS
) -> RenderedFigure:
    """Draw the accuracy of each digit for each model: a row per model, shaded by its mistakes."""
    shown = _shown(confusion(models[0], labels))
    every = [class_accuracy(model.digits, labels, len(names)) for model in models]
    shares = [[line[k] for k in shown] for line in every]
    size = 9.0 if len(shown) <= BARS else 6.5
    known = [share for row in shares for share in row if share is not None]
    worst = max(1e-9, 1 - min(known, default=1.0))
    figure, axes = new_figure(56 + 40 * len(models))
    bare(axes)
    for row, (model, line) in enumerate(zip(models, shares, strict=True)):
        axes.text(-0.5, row - 0.27, model.name, ha="left", va="center", fontsize=9.5)
        overall = f"all {100 * model.accuracy(labels):.2f}"
        axes.text(len(shown) - 0.5, row - 0.27, overall, ha="right", va="center", fontsize=9.5, fontweight="bold")
        for place, share in enumerate(line):
            if share is None:
                continue
            axes.add_patch(
                Rectangle((place - 0.5, row), 1, 0.5, color=VERMILLION, alpha=0.6 * (1 - share) / worst, linewidth=0)
            )
            axes.text(place, row + 0.25, f"{100 * share:.1f}", ha="center", va="center", fontsize=size)
    axes.set_xlim(-0.5, len(shown) - 0.5)
    axes.set_ylim(len(models) - 0.4, -0.6)
    _name_columns(axes, [names[k] for k in shown])
    axes.tick_params(length=0)
    axes.xaxis.tick_top()
    title = f"Accuracy by {noun(names)}"
    axes.set_title(_title(f"{title}, %", len(shown), len(names)), pad=18)
    words = "; ".join(f"{model.name} {model.accuracy(labels):.2%}" for model in models)
    return finish(figure, "class-accuracy", title, f"{title}. Over all: {words}")


@styled
def draw_samples(model: ModelPredictions, test: Digits, names: tuple[str, ...] = DIGITS) -> RenderedFigure:
    """Draw some test images, chosen at random, with the probability of each digit, or of the likeliest labels."""
    count = min(SAMPLES, len(test))
    chosen = np.sort(np.random.default_rng(0).permutation(len(test))[:count])
    columns = 2
    height = _SAMPLE_HEIGHT * -(-count // columns)
    figure, axes = new_figure(height)
    bare(axes)
    for k, index in enumerate(chosen):
        row, column = divmod(k, columns)
        _draw_sample(axes, column * WIDTH / columns, row * _SAMPLE_HEIGHT, model, test, names, int(index))
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(height, 0)
    right = int((model.digits[chosen] == test.labels[chosen]).sum())
    return finish(
        figure, "sample-predictions", "Sample predictions",
        f"{count} test images chosen at random with the probabilities by {model.name}: {right} correct",
    )  # fmt: skip


def _draw_sample(
    axes: Axes, left: float, top: float, model: ModelPredictions, test: Digits, names: tuple[str, ...], index: int
) -> None:
    """Draw one image and, on its right, a bar per digit; all samples share the axes, which have the figure's units."""
    short = max(map(len, names)) <= 2
    side, bars_left, longest = (80, 94, 47) if short else (56, 106, 32)
    pitch = 10.3
    axes.imshow(
        PIXEL_MAX - test.images[index], cmap="gray", vmin=0, vmax=PIXEL_MAX, interpolation="none",
        extent=(left, left + side, top + 16 + side, top + 16),
    )  # fmt: skip
    digit, truth = int(model.digits[index]), int(test.labels[index])
    probabilities = model.probabilities[index]
    shown = np.sort(np.argsort(-probabilities, kind="stable")[:BARS])
    heights = [top + 9.5 + pitch * k for k in range(len(shown))]
    colours = [(GREEN if digit == truth else VERMILLION) if k == digit else BLUE for k in shown]
    axes.barh(heights, longest * probabilities[shown], left=left + bars_left, color=colours, height=0.8 * pitch)
    for k, height in zip(shown, heights, strict=True):
        name = names[k] if len(names[k]) <= _NAME else f"{names[k][: _NAME - 1]}\u2026"
        axes.text(left + bars_left - 2, height, name, ha="right", va="center_baseline", fontsize=7.5, color=MUTED)
    text = f"{100 * probabilities[digit]:.0f}%" + ("" if digit == truth else f"\nis {names[truth]}")
    height = heights[int(np.flatnonzero(shown == digit)[0])]
    axes.text(left + bars_left + longest + 4, height, text, va="center", fontsize=8.5, fontweight="bold")


@styled
def draw_gallery(name: str, title: str, images: NDArray[np.uint8], captions: Sequence[str]) -> RenderedFigure:
    """Draw many small images as one montage, each with a caption below."""
    columns = 8
    rows = -(-len(images) // columns)
    cell_high, cell_wide = SIDE + 14, SIDE + 4
    canvas = np.full((rows * cell_high, columns * cell_wide, 4), PIXEL_MAX, np.uint8)
    canvas[..., 3] = 0
    figure, axes = new_figure(WIDTH * rows * cell_high / (columns * cell_wide) + 26)
    bare(axes)
    for k, (image, caption) in enumerate(zip(images, captions, strict=True)):
        row, column = divmod(k, columns)
        top, left = row * cell_high, column * cell_wide + 2
        canvas[top : top + SIDE, left : left + SIDE, :3] = PIXEL_MAX - image[..., None]
        canvas[top : top + SIDE, left : left + SIDE, 3] = PIXEL_MAX
        axes.text(left + SIDE / 2, top + SIDE + 6, caption, ha="center", va="center", fontsize=7)
    axes.imshow(canvas, interpolation="none")
    axes.set_title(title)
    return finish(figure, name, title, f"{title}: {len(images)} images")
