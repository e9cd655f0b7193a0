"""Figures of the training: accuracy and loss by epoch."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from digitrec_edge.report.style import BLUE, VERMILLION, RenderedFigure, finish, new_figure, styled
from digitrec_edge.training.history import History


@styled
def draw_learning(history: History) -> list[RenderedFigure]:
    """Draw accuracy and loss, each on the training images and on the held-out ones."""
    epochs = [epoch.epoch for epoch in history.epochs]
    eval_set = history.eval_set
    return [
        _draw(
            "training-accuracy", "Accuracy, %", epochs, [100 * e.accuracy for e in history.epochs],
            [100 * e.eval_accuracy for e in history.epochs], eval_set,
        ),
        _draw(
            "training-loss", "Loss", epochs, [e.loss for e in history.epochs],
            [e.eval_loss for e in history.epochs], eval_set,
        ),
    ]  # fmt: skip


def _draw(
    name: str, quantity: str, epochs: list[int], trained: list[float], evaluated: list[float], eval_set: str
) -> RenderedFigure:
    figure, axes = new_figure(230)
    marker = "o" if len(epochs) < 15 else None
    for values, colour, style in ((trained, BLUE, "-"), (evaluated, VERMILLION, "--")):
        axes.plot(epochs, values, color=colour, linestyle=style, marker=marker, markersize=4)
    axes.set_title(f"{quantity} by epoch")
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="x", visible=False)
    _label_ends(axes, epochs[-1], [("training", trained[-1], BLUE), (eval_set, evaluated[-1], VERMILLION)])
    words = f"{quantity} by epoch: training {trained[0]:.4g} to {trained[-1]:.4g}, {eval_set} {evaluated[0]:.4g} to "
    return finish(figure, name, f"{quantity} by epoch", f"{words}{evaluated[-1]:.4g} in {len(epochs)} epochs")


def _label_ends(axes: Axes, at: float, lines: Sequence[tuple[str, float, str]]) -> None:
    """Name each line at its end; the higher one above, the lower one below."""
    ordered = sorted(lines, key=lambda line: line[1])
    for (text, value, colour), shift in zip(ordered, (-9, 9), strict=True):
        axes.annotate(
            text, (at, value), xytext=(0, shift), textcoords="offset points", ha="right",
            va="top" if shift < 0 else "bottom", color=colour, fontweight="bold",
        )  # fmt: skip
    axes.margins(y=0.14)
