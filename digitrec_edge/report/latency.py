"""The figure of every case's latency."""

from benchmarks.results.document import Result, Run
from digitrec_edge.report import runtime_style
from digitrec_edge.report.style import INK, MUTED, RenderedFigure, finish, log_axis, new_figure, styled


@styled
def draw_latency(run: Run, name: str) -> RenderedFigure | None:
    """Draw the distribution of every case's latency; None when nothing was measured."""
    cases = [(r, r.end_to_end, r.invoke) for r in run.results if r.end_to_end and r.invoke]
    if not cases:
        return None
    cases.sort(key=lambda case: case[1].p50_us)
    figure, axes = new_figure(64 + 38 * len(cases))
    for row, (result, whole, alone) in enumerate(cases):
        colour = runtime_style.colour(result.runtime)
        quantiles = whole.quantiles_us
        axes.plot([quantiles[1], quantiles[99]], [row, row], color=colour, linewidth=1.6)
        axes.plot([quantiles[25], quantiles[75]], [row, row], color=colour, linewidth=7, alpha=0.55)
        axes.plot(whole.p50_us, row, marker="o", color=colour, markersize=6)
        ink = MUTED if "invoke" in result.unreliable else INK
        axes.plot(alone.p50_us, row, marker="|", color=ink, markersize=10, markeredgewidth=1.6)
        axes.annotate(
            _title(result, whole.p50_us), (0, row), xycoords=("axes fraction", "data"), xytext=(0, 10),
            textcoords="offset points", fontsize=9.5, va="center", color=INK,
        )  # fmt: skip
    every = [us for _, whole, alone in cases for us in (whole.quantiles_us[1], whole.quantiles_us[99], alone.p50_us)]
    log_axis(axes, every, spread=1.15)
    axes.set_ylim(len(cases) - 0.4, -0.8)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("microseconds per call")
    axes.set_title("Latency of each case")
    words = "; ".join(f"{r.label} {whole.p50_us:.1f} us" for r, whole, _ in cases)
    return finish(figure, name, f"Latency, {run.device}", f"Latency on {run.device}, medians end to end: {words}")


def _title(result: Result, p50_us: float) -> str:
    unknown = runtime_style.label(result.runtime).removeprefix(result.runtime)
    invalid = " INVALID" if result.status == "invalid" else ""
    return f"{result.label}{unknown}  {p50_us:.1f}{invalid}"
