"""The figure of accuracy against latency."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.results.document import Result, Run
from benchmarks.results.statistics import Summary
from digitrec_edge.report import runtime_style
from digitrec_edge.report.style import MUTED, RenderedFigure, finish, log_axis, new_figure, styled

_LABEL_HEIGHT = 12.0
_LETTER_WIDTH = 5.8

Spot = tuple[float, float]
"""A place in a figure, in points from its lower left corner."""

Box = tuple[float, float, float, float]
"""Centre, half width and half height, in points."""


@dataclass(frozen=True, eq=False)
class MeasuredCase:
    """A case with latency, accuracy and file size."""

    result: Result
    latency: Summary
    accuracy: float
    file_bytes: int

    @property
    def label(self) -> str:
        result = self.result
        extras = [f"{result.threads} threads"] * (result.threads > 1) + [f"batch {result.batch}"] * (result.batch > 1)
        unusual = not runtime_style.is_usual_format(result.runtime, result.format)
        return " ".join([result.variant, *[result.format] * unusual, *extras])

    @property
    def valid(self) -> bool:
        return self.result.status == "ok"


def measured_cases(run: Run) -> list[MeasuredCase]:
    """Return the measured cases of one picture per call, INVALID ones too."""
    return [
        MeasuredCase(r, r.end_to_end, r.quality.accuracy, r.file_bytes)
        for r in run.results
        if r.end_to_end and r.quality and r.file_bytes and r.batch == 1
    ]


def efficient(cases: Sequence[MeasuredCase]) -> list[MeasuredCase]:
    """Return the valid cases that no other valid one beats in both latency and accuracy, the fastest first."""
    best: list[MeasuredCase] = []
    for case in sorted(cases, key=lambda one: (one.latency.p50_us, -one.accuracy)):
        if case.valid and (not best or case.accuracy > best[-1].accuracy):
            best.append(case)
    return best


@styled
def draw_tradeoff(run: Run, name: str) -> RenderedFigure | None:
    """Draw accuracy against latency, size as area, the efficient cases joined; None when nothing was measured."""
    cases = measured_cases(run)
    if not cases:
        return None
    figure, axes = new_figure(310 + 6 * len(cases))
    largest = max(case.file_bytes for case in cases)
    areas = {case: 30 + 420 * case.file_bytes / largest for case in cases}
    front = efficient(cases)
    axes.plot(
        [case.latency.p50_us for case in front], [100 * case.accuracy for case in front], color=MUTED, linewidth=1.2,
        linestyle="--", zorder=1,
    )  # fmt: skip
    for case in sorted(cases, key=lambda one: -one.file_bytes):
        colour = runtime_style.colour(case.result.runtime)
        axes.scatter(
            case.latency.p50_us, 100 * case.accuracy, s=areas[case], color=colour if case.valid else "none",
            edgecolor=colour, alpha=0.6, linewidth=1.4, zorder=2,
        )  # fmt: skip
    log_axis(axes, [case.latency.p50_us for case in cases], spread=1.5)
    low, high = (bound(100 * case.accuracy for case in cases) for bound in (min, max))
    room = max(high - low, 0.05)
    axes.set_ylim(low - 0.28 * room, high + 0.28 * room)
    axes.set_xlabel("microseconds per picture, end to end")
    axes.set_title("Accuracy, %, against latency")
    _add_legend(figure, axes, cases)
    _add_labels(figure, axes, areas)
    words = "; ".join(f"{c.result.label} {c.latency.p50_us:.1f} us {c.accuracy:.2%}" for c in front)
    return finish(
        figure, name, f"Accuracy against latency, {run.device}",
        f"Accuracy against latency on {run.device}; the efficient ones, fastest first: {words or 'none is valid'}",
    )  # fmt: skip


def _add_legend(figure: Figure, axes: Axes, cases: Sequence[MeasuredCase]) -> None:
    """Name the runtimes by colour below the plot; the labels beside the points name the variants."""
    for name in dict.fromkeys(case.result.runtime for case in cases):
        axes.scatter([], [], color=runtime_style.colour(name), alpha=0.7, s=60, label=runtime_style.label(name))
    names = [runtime_style.label(case.result.runtime) for case in cases]
    columns = 3 if max(map(len, names)) < 20 else 2
    figure.legend(
        loc="outside lower center", ncols=columns, frameon=False, fontsize=9.5, handletextpad=0.1, columnspacing=1.2
    )


def _add_labels(figure: Figure, axes: Axes, areas: dict[MeasuredCase, float]) -> None:
    """Write each case's name beside its point; where others are in the way, as near as it goes, with a thin line."""
    figure.draw_without_rendering()
    radii = {case: math.sqrt(area / math.pi) for case, area in areas.items()}
    centres = {case: axes.transData.transform((case.latency.p50_us, 100 * case.accuracy)) for case in areas}
    taken: list[Box] = [(x, y, radii[case], radii[case]) for case, (x, y) in centres.items()]
    for case in sorted(areas, key=lambda one: (-one.accuracy, one.latency.p50_us)):
        (x, y), radius = centres[case], radii[case]
        half = _LETTER_WIDTH * len(case.label) / 2
        best = _free_spot((x, y), radius, half, axes, taken)
        taken.append((*best, half, _LABEL_HEIGHT / 2))
        far = math.hypot(max(0.0, abs(best[0] - x) - half), best[1] - y) > radius + _LABEL_HEIGHT
        axes.annotate(
            case.label, (x, y), xytext=best, xycoords="figure points", textcoords="figure points", va="center",
            ha="center", fontsize=9.5, color=runtime_style.colour(case.result.runtime),
            arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "shrinkA": 0, "shrinkB": radius}
            if far else None,
        )  # fmt: skip


def _free_spot(centre: Spot, radius: float, half: float, axes: Axes, taken: Sequence[Box]) -> Spot:
    """Return the spot nearest to a point for a label of this half width that lies inside and covers nothing."""
    x, y = centre
    inside = [
        (at_x, at_y)
        for at_x, at_y in _spots(centre, radius, half)
        if axes.bbox.x0 <= at_x - half
        and at_x + half <= axes.bbox.x1 + 8
        and axes.bbox.y0 + _LABEL_HEIGHT / 2 <= at_y <= axes.bbox.y1 - _LABEL_HEIGHT / 2
    ]
    free = [
        (at_x, at_y)
        for at_x, at_y in inside
        if all(
            abs(at_x - box_x) >= half + wide or abs(at_y - box_y) >= _LABEL_HEIGHT / 2 + high
            for box_x, box_y, wide, high in taken
        )
    ]
    beside = (x + radius + 4 + half, y)
    return min(free or [beside], key=lambda at: math.hypot((abs(at[0] - x) - half) / 2, at[1] - y))


def _spots(centre: Spot, radius: float, half: float) -> list[Spot]:
    """Return the spots to try: on the right and on the left of a point at many heights, above and below it."""
    x, y = centre
    return [
        (x + side * (radius + 4 + half) + shift, y + up)
        for side in (1, -1, 0)
        for shift in ((0,) if side else range(-60, 61, 12))
        for up in range(-150, 151, 5)
        if side or abs(up) >= radius + _LABEL_HEIGHT / 2
    ]
