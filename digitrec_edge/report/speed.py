"""Figures of the measurements: accuracy against latency, the latency of each case, size by layer."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from benchmarks.document import Result, Run
from benchmarks.statistics import Summary
from digitrec_edge.artifact import Artifact
from digitrec_edge.report.layers import size_by_layer
from digitrec_edge.report.style import INK, MUTED, SERIES, Picture, finish, new_figure
from runtimes import RUNTIMES

_COLOURS = {row.name: colour for row, colour in zip(RUNTIMES, SERIES * 3, strict=False)}


@dataclass(frozen=True)
class Point:
    """A case that was measured and may be relied on."""

    result: Result
    latency: Summary
    accuracy: float
    file_bytes: int

    @property
    def label(self) -> str:
        result = self.result
        extras = [f"{result.threads} threads"] * (result.threads > 1) + [f"batch {result.batch}"] * (result.batch > 1)
        return " ".join([result.variant, *extras])


def points(run: Run, *, single: bool = True) -> list[Point]:
    """Return the measured cases that are not INVALID; ``single``: of one picture per call only."""
    return [
        Point(r, r.end_to_end, r.quality.accuracy, r.file_bytes)
        for r in run.results
        if r.status == "ok" and r.end_to_end and r.quality and r.file_bytes and (r.batch == 1 or not single)
    ]


def efficient(cases: Sequence[Point]) -> list[Point]:
    """Return the cases that no other beats in both latency and accuracy, the fastest first."""
    best: list[Point] = []
    for case in sorted(cases, key=lambda one: (one.latency.p50_us, -one.accuracy)):
        if not best or case.accuracy > best[-1].accuracy:
            best.append(case)
    return best


def draw_tradeoff(run: Run, name: str) -> Picture | None:
    """Draw accuracy against latency, size as area, the efficient cases joined; None without valid cases."""
    cases = points(run)
    if not cases:
        return None
    figure, axes = new_figure(330)
    largest = max(case.file_bytes for case in cases)
    front = efficient(cases)
    axes.plot(
        [case.latency.p50_us for case in front], [100 * case.accuracy for case in front], color=MUTED, linewidth=1.2,
        linestyle="--", zorder=1,
    )  # fmt: skip
    for case in sorted(cases, key=lambda one: -one.file_bytes):
        axes.scatter(
            case.latency.p50_us, 100 * case.accuracy, s=30 + 420 * case.file_bytes / largest,
            color=_COLOURS[case.result.runtime], alpha=0.55, linewidth=1, zorder=2,
        )  # fmt: skip
    _log_axis(axes, [case.latency.p50_us for case in cases], spread=1.45)
    low, high = (bound(100 * case.accuracy for case in cases) for bound in (min, max))
    room = max(high - low, 0.05)
    axes.set_ylim(low - 0.28 * room, high + 0.28 * room)
    axes.set_xlabel("microseconds per picture, end to end")
    axes.set_title("Accuracy, %, against latency")
    _legend(axes, cases)
    _label(figure, axes, cases)
    words = "; ".join(f"{c.result.label} {c.latency.p50_us:.1f} us {c.accuracy:.2%}" for c in front)
    return finish(
        figure, name, f"Accuracy against latency, {run.device}",
        f"Accuracy against latency on {run.device}; the efficient ones, fastest first: {words}",
    )  # fmt: skip


def _legend(axes: Axes, cases: Sequence[Point]) -> None:
    """Runtimes by colour, above the plot: the labels beside the points name the variants."""
    names = list(dict.fromkeys(case.result.runtime for case in cases))
    for name in names:
        axes.scatter([], [], color=_COLOURS[name], alpha=0.7, s=60, label=name)
    axes.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=len(names), frameon=False, fontsize=9.5,
        handletextpad=0.1, columnspacing=1.2,
    )  # fmt: skip


def _label(figure: Figure, axes: Axes, cases: Sequence[Point]) -> None:
    """Write each case's name beside its point and push names that overlap apart, with a thin line to the point."""
    figure.draw_without_rendering()
    high, wide = 12.0, 5.6
    placed: list[tuple[float, float, float]] = []
    to_pixels = axes.transData.transform
    bottom, top = axes.bbox.y0 + high / 2, axes.bbox.y1 - high / 2
    for case in sorted(cases, key=lambda one: (-one.accuracy, one.latency.p50_us)):
        x, y = to_pixels((case.latency.p50_us, 100 * case.accuracy))
        width = wide * len(case.label)
        rightward = x + 14 + width < axes.bbox.x1
        left = x + 12 if rightward else x - 12 - width
        candidates = sorted((bottom + k * 3 for k in range(int((top - bottom) / 3) + 1)), key=lambda at: abs(at - y))
        free = [
            at for at in candidates
            if all(abs(at - other) >= high or left + width < start or left > end for start, end, other in placed)
        ]  # fmt: skip
        at = free[0] if free else y
        placed.append((left, left + width, at))
        axes.annotate(
            case.label, (x, y), xytext=(left if rightward else left + width, at), xycoords="figure pixels",
            textcoords="figure pixels", va="center", ha="left" if rightward else "right", fontsize=9.5, color=INK,
            arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 2}
            if abs(at - y) > high / 2 else None,
        )  # fmt: skip


def _log_axis(axes: Axes, values: Sequence[float], spread: float) -> None:
    """A logarithmic axis with plain numbers at 1, 2 and 5."""
    axes.set_xscale("log")
    axes.set_xlim(min(values) / spread, max(values) * spread)
    low, high = axes.get_xlim()
    ticks = [m * 10.0**e for e in range(-3, 9) for m in (1, 2, 5) if low <= m * 10.0**e <= high]
    axes.set_xticks(ticks if len(ticks) > 1 else [round(low, 2), round(high, 2)])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.7g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.minorticks_off()


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


def draw_sizes(artifacts: Sequence[Artifact]) -> Picture:
    """Draw the bytes of each artifact's layers, and of all the rest of its file."""
    parts = [size_by_layer(found) for found in artifacts]
    figure, axes = new_figure(70 + 38 * len(artifacts))
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
    axes.legend(
        loc="upper center", bbox_to_anchor=(0.5, -30 / (22 + 38 * len(artifacts))), ncols=2, frameon=False,
        fontsize=9, handlelength=1,
    )  # fmt: skip
    axes.set_ylim(len(artifacts) - 0.5, -0.8)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("KB")
    axes.set_title("Size by layer")
    words = "; ".join(f"{found.path.name} {len(found.data) / 1024:,.0f} KB" for found in artifacts)
    return finish(figure, "size-by-layer", "Size by layer", f"Size by layer: {words}")
