"""The style of the figures: one size, one palette, and SVG that follows the page's light or dark theme.

The hues are Okabe and Ito's (Color Universal Design, 2008), told apart by readers with any kind of colour
vision; no figure relies on colour alone. Figures are drawn 360 units wide, the width of a phone, so that a
phone shows their text at its natural size; a desktop sets several side by side.
"""

import functools
import html
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

P = ParamSpec("P")
T = TypeVar("T")

WIDTH = 360
_DPI = 72

INK, MUTED, GRID, SURFACE = "#1b1f24", "#5b6470", "#dde1e6", "#fcfcfb"
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = "#0072b2", "#d55e00", "#009e73", "#b4548c", "#c98600", "#3d9ed6"
SERIES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)

THEME = {
    INK: "ink", MUTED: "muted", GRID: "grid", SURFACE: "surface", BLUE: "blue", VERMILLION: "vermillion",
    GREEN: "green", PURPLE: "purple", ORANGE: "orange", SKY: "sky",
}  # fmt: skip
"""Colours, and the CSS variables of the page that replace them."""

_RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "digitrec-edge",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "figure.facecolor": SURFACE,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
}


@dataclass(frozen=True)
class RenderedFigure:
    """A figure in all its forms.

    Attributes:
        name: of the files, without suffix.
        title: what it shows.
        alternative: text for readers who cannot see it.
        inline: SVG for the page, in the page's colours.
        svg, png: files, in the light theme.
    """

    name: str
    title: str
    alternative: str
    inline: str
    svg: bytes
    png: bytes


def styled(draw: Callable[P, T]) -> Callable[P, T]:
    """Make a function draw in the common style; matplotlib's own settings are restored afterwards."""

    @functools.wraps(draw)
    def drawing(*arguments: P.args, **options: P.kwargs) -> T:
        with mpl.rc_context(_RC):
            return draw(*arguments, **options)

    return drawing


def new_figure(height: float) -> tuple[Figure, Axes]:
    """Make a figure of the common width, ``height`` units high, with its axes in the common style."""
    figure = Figure(figsize=(WIDTH / _DPI, height / _DPI), dpi=_DPI, layout="constrained")
    return figure, figure.subplots()


def bare(axes: Axes) -> None:
    """Remove grid, ticks and frame."""
    axes.grid(False)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def log_axis(axes: Axes, values: Sequence[float], spread: float) -> None:
    """Make the x axis logarithmic, with as many plain numbers as there is room for.

    Args:
        axes: to change.
        values: that must lie inside.
        spread: factor of the margin on both sides.
    """
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


def finish(figure: Figure, name: str, title: str, alternative: str) -> RenderedFigure:
    """Render a figure."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # the layout is the same for both files: it is computed once
    svg, png = io.BytesIO(), io.BytesIO()
    figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": "digitrec-edge", "Title": title})
    figure.savefig(png, format="png", dpi=_DPI * 3, metadata={"Title": title})
    inline = _inline(svg.getvalue().decode(), name, alternative)
    return RenderedFigure(name, title, alternative, inline, svg.getvalue(), png.getvalue())


def _inline(svg: str, name: str, alternative: str) -> str:
    """Turn a stand-alone SVG into a part of a page: unique ids, the page's colours and font."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<title>.*?</title>", "", body, flags=re.DOTALL)
    body = re.sub(r'<g id="patch_1">\s*<path [^>]*/>\s*</g>', "", body, count=1)  # the background
    body = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)
    body = re.sub(r'xlink:href="#([^"]+)"', rf'xlink:href="#{name}-\1"', body)
    body = re.sub(r"'DejaVu Sans'(, [^;\"]*)?", "var(--font)", body)
    for colour, variable in THEME.items():
        body = body.replace(colour, f"var(--{variable})")
    tag = re.search(r'viewBox="([^"]+)"', body)
    view = tag.group(1) if tag else f"0 0 {WIDTH} {WIDTH}"
    inner = body[body.index(">") + 1 :]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{view}" '
        f'role="img" aria-label="{html.escape(alternative)}">{inner}'
    )
