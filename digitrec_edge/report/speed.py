"""Figures of the measurements: accuracy against latency, the latency of each case, size by layer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from benchmarks.results.document import Result, Run
from benchmarks.results.statistics import Summary
from digitrec_edge.artifact import Artifact
from digitrec_edge.report.layers import size_by_layer
from digitrec_edge.report.style import INK, MUTED, SERIES, Picture, finish, new_figure, styled
from runtimes import RUNTIMES

_COLOURS = {row.name: colour for row, colour in zip(RUNTIMES, SERIES * 3, strict=False)}


@dataclass(frozen=True, eq=False)
class Point:
    """A case that was measured."""

    result: Result
    latency: Summary
    accuracy: float
    file_bytes: int

    @property
    def label(self) -> str:
        result = self.result
        extras = [f"{result.threads} threads"] * (result.threads > 1) + [f"batch {result.batch}"] * (result.batch > 1)
        usual = next(row.formats[0] for row in RUNTIMES if row.name == result.runtime)
        return " ".join([result.variant, *[result.format] * (result.format != usual), *extras])

    @property
    def valid(self) -> bool:
        return self.result.status == "ok"


def points(run: Run) -> list[Point]:
    """Return the measured cases of one picture per call, INVALID ones too."""
    return [
        Point(r, r.end_to_end, r.quality.accuracy, r.file_bytes)
        for r in run.results
        if r.end_to_end and r.quality and r.file_bytes and r.batch == 1
    ]


def efficient(cases: Sequence[Point]) -> list[Point]:
    """Return the valid cases that no other valid one beats in both latency and accuracy, the fastest first."""
    best: list[Point] = []
    for case in sorted(cases, key=lambda one: (one.latency.p50_us, -one.accuracy)):
        if case.valid and (not best or case.accuracy > best[-1].accuracy):
            best.append(case)
    return best


@styled
def draw_tradeoff(run: Run, name: str) -> Picture | None:
    """Draw accuracy against latency, size as area, the efficient cases joined; None when nothing was measured."""
    cases = points(run)
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
        colour = _COLOURS[case.result.runtime]
        axes.scatter(
            case.latency.p50_us, 100 * case.accuracy, s=areas[case], color=colour if case.valid else "none",
            edgecolor=colour, alpha=0.6, linewidth=1.4, zorder=2,
        )  # fmt: skip
    _log_axis(axes, [case.latency.p50_us for case in cases], spread=1.5)
    low, high = (bound(100 * case.accuracy for case in cases) for bound in (min, max))
    room = max(high - low, 0.05)
    axes.set_ylim(low - 0.28 * room, high + 0.28 * room)
    axes.set_xlabel("microseconds per picture, end to end")
    axes.set_title("Accuracy, %, against latency")
    _runtimes_legend(figure, axes, cases)
    _label(figure, axes, areas)
    words = "; ".join(f"{c.result.label} {c.latency.p50_us:.1f} us {c.accuracy:.2%}" for c in front)
    return finish(
        figure, name, f"Accuracy against latency, {run.device}",
        f"Accuracy against latency on {run.device}; the efficient ones, fastest first: {words or 'none is valid'}",
    )  # fmt: skip


def _runtimes_legend(figure: Figure, axes: Axes, cases: Sequence[Point]) -> None:
    """Runtimes by colour, below the plot: the labels beside the points name the variants."""
    for name in dict.fromkeys(case.result.runtime for case in cases):
        axes.scatter([], [], color=_COLOURS[name], alpha=0.7, s=60, label=name)
    figure.legend(
        loc="outside lower center", ncols=3, frameon=False, fontsize=9.5, handletextpad=0.1, columnspacing=1.2
    )


def _label(figure: Figure, axes: Axes, areas: dict[Point, float]) -> None:
    """Write each case's name beside its point; where others are in the way, as near as it goes, with a thin line."""
    figure.draw_without_rendering()
    high, wide = 12.0, 5.8
    radii = {case: math.sqrt(area / math.pi) for case, area in areas.items()}
    centres = {case: axes.transData.transform((case.latency.p50_us, 100 * case.accuracy)) for case in areas}
    taken = [(x, y, radii[case], radii[case]) for case, (x, y) in centres.items()]
    for case in sorted(areas, key=lambda one: (-one.accuracy, one.latency.p50_us)):
        (x, y), radius = centres[case], radii[case]
        half = wide * len(case.label) / 2
        places = [
            (x + side * (radius + 4 + half) + shift, y + up)
            for side in (1, -1, 0)
            for shift in ((0,) if side else range(-60, 61, 12))
            for up in range(-150, 151, 5)
            if side or abs(up) >= radius + high / 2
        ]
        inside = [
            (at_x, at_y) for at_x, at_y in places
            if axes.bbox.x0 <= at_x - half and at_x + half <= axes.bbox.x1 + 8
            and axes.bbox.y0 + high / 2 <= at_y <= axes.bbox.y1 - high / 2
        ]  # fmt: skip
        free = [
            (at_x, at_y) for at_x, at_y in inside
            if all(abs(at_x - tx) >= half + tw or abs(at_y - ty) >= high / 2 + th for tx, ty, tw, th in taken)
        ]  # fmt: skip
        beside = (x + radius + 4 + half, y)
        best = min(free or [beside], key=lambda at: math.hypot((abs(at[0] - x) - half) / 2, at[1] - y))
        taken.append((*best, half, high / 2))
        far = math.hypot(max(0.0, abs(best[0] - x) - half), best[1] - y) > radius + high
        axes.annotate(
            case.label, (x, y), xytext=best, xycoords="figure points", textcoords="figure points", va="center",
            ha="center", fontsize=9.5, color=_COLOURS[case.result.runtime],
            arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "shrinkA": 0, "shrinkB": radius}
            if far else None,
        )  # fmt: skip


def _log_axis(axes: Axes, values: Sequence[float], spread: float) -> None:
    """A logarithmic axis with plain numbers, as many as there is room for."""
    axes.set_xscale("log")
    low, high = min(values) / spread, max(values) * spread
    axes.set_xlim(low, high)
    for steps in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)):
        ticks = [step * 10.0**e for e in range(-3, 9) for step in steps if low <= step * 10.0**e <= high]
        if len(ticks) >= 4:
            break
    axes.set_xticks(ticks)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.7g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.minorticks_off()


@styled
def draw_latency(run: Run, name: str) -> Picture | None:
    """Draw the distribution of every case's latency; None when nothing was measured."""
    cases = [(r, r.end_to_end, r.invoke) for r in run.results if r.end_to_end and r.invoke]
    if not cases:
        return None
    cases.sort(key=lambda case: case[1].p50_us)
    figure, axes = new_figure(64 + 38 * len(cases))
    for row, (result, whole, alone) in enumerate(cases):
        colour = _COLOURS[result.runtime]
        quantiles = whole.quantiles_us
        axes.plot([quantiles[1], quantiles[99]], [row, row], color=colour, linewidth=1.6)
        axes.plot([quantiles[25], quantiles[75]], [row, row], color=colour, linewidth=7, alpha=0.55)
        axes.plot(whole.p50_us, row, marker="o", color=colour, markersize=6)
        axes.plot(alone.p50_us, row, marker="|", color=INK, markersize=10, markeredgewidth=1.6)
        invalid = " INVALID" if result.status == "invalid" else ""
        axes.annotate(
            f"{result.label}  {whole.p50_us:.1f}{invalid}", (0, row), xycoords=("axes fraction", "data"),
            xytext=(0, 10), textcoords="offset points", fontsize=9.5, va="center", color=INK,
        )  # fmt: skip
    every = [value for _, whole, alone in cases for value in (whole.quantiles_us[99], alone.p50_us)]
    _log_axis(axes, every, spread=1.15)
    axes.set_ylim(len(cases) - 0.4, -0.8)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("microseconds per call")
    axes.set_title("Latency of each case")
    words = "; ".join(f"{r.label} {whole.p50_us:.1f} us" for r, whole, _ in cases)
    return finish(figure, name, f"Latency, {run.device}", f"Latency on {run.device}, medians end to end: {words}")


@styled
def draw_sizes(artifacts: Sequence[Artifact]) -> Picture:
    """Draw the bytes of each artifact's layers, and of all the rest of its file."""
    parts = [size_by_layer(found) for found in artifacts]
    figure, axes = new_figure(116 + 38 * len(artifacts))
    for row, (found, layers) in enumerate(zip(artifacts, parts, strict=True)):
        left = 0.0
        for k, layer in enumerate(layers):
            size = layer.stored_bytes / 1024
            colour = MUTED if layer.rest else SERIES[k % len(SERIES)]
            axes.barh(row, size, left=left, height=0.36, color=colour, alpha=0.85, linewidth=0)
            left += size
        axes.annotate(
            f"{found.path.name}  {len(found.data) / 1024:,.0f} KB", (0, row), xytext=(0, 14),
            textcoords="offset points", fontsize=9.5, va="center", color=INK,
        )  # fmt: skip
    names = list(dict.fromkeys(layer.name for layers in parts for layer in layers))
    for k, text in enumerate(name for name in names if name != "rest of the file"):
        axes.barh(0, 0, color=SERIES[k % len(SERIES)], alpha=0.85, label=text)
    axes.barh(0, 0, color=MUTED, alpha=0.85, label="rest of the file")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9.5, handlelength=1)
    axes.set_ylim(len(artifacts) - 0.5, -0.8)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("KB")
    axes.set_title("Size by layer")
    words = "; ".join(f"{found.path.name} {len(found.data) / 1024:,.0f} KB" for found in artifacts)
    return finish(figure, "size-by-layer", "Size by layer", f"Size by layer: {words}")
