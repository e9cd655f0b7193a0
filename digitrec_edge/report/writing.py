"""Writes a report: the page, and every figure as files beside it."""

from collections.abc import Callable
from pathlib import Path

from digitrec_edge.files import write_file
from digitrec_edge.report.data import ReportData
from digitrec_edge.report.figures import draw_all
from digitrec_edge.report.page import render


def write(
    data: ReportData, output: Path, *, on_step: Callable[[str], None] = lambda text: None
) -> tuple[Path, list[Path]]:
    """Write the page, and beside it a folder with every figure as PNG and SVG.

    Args:
        data: see :func:`digitrec_edge.report.collect`.
        output: the page, ``report.html``; the figures go to ``report-figures/``.
        on_step: is told what comes now.

    Returns:
        The page and the figures' files.
    """
    on_step("drawing")
    figures = draw_all(data)
    folder = output.with_name(f"{output.stem}-figures")
    files = []
    for figure in figures.every():
        for suffix, content in ((".svg", figure.svg), (".png", figure.png)):
            files.append(folder / f"{figure.name}{suffix}")
            write_file(files[-1], content)
    on_step("writing")
    write_file(output, render(data, figures).encode())
    return output, files
