"""The page: one HTML file that needs no other, rendered from the templates beside this module."""

from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from digitrec_edge import __version__
from digitrec_edge.report import galleries, sections
from digitrec_edge.report.data import ReportData
from digitrec_edge.report.figures import ReportFigures


@dataclass(frozen=True)
class PageSection:
    """A section of the page.

    Attributes:
        anchor: its id, and the name of its template.
        content: what the template shows; without any the section is left out.
    """

    anchor: str
    title: str
    content: Any


def render(data: ReportData, figures: ReportFigures) -> str:
    """Return the page. All text is escaped; the SVG of the figures is not."""
    environment = Environment(
        loader=PackageLoader("digitrec_edge.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    parts = [
        PageSection("verdict", "Verdict", sections.verdict(data)),
        PageSection("speed", "Speed and size", sections.speed(data, figures)),
        PageSection("training", "Training", sections.training(data, figures)),
        PageSection("predictions", "Predictions", sections.predictions(data, figures)),
        PageSection("mistakes", "Mistakes", galleries.mistakes(data)),
        PageSection("changed", "Changed by conversion", galleries.changed(data)),
        PageSection("machine", "Machine", sections.machines(data)),
        PageSection("cards", "Cards", sections.cards(data)),
    ]
    return environment.get_template("page.html").render(
        lead=sections.lead(data),
        sections=[part for part in parts if part.content],
        version=__version__,
        folder=data.folder,
    )
