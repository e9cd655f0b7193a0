"""The page: one HTML file that needs nothing else, in the order in which one asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from digitrec_edge import __version__
from digitrec_edge.report import sections
from digitrec_edge.report.material import Material
from digitrec_edge.report.style import Picture, escape


@dataclass(frozen=True)
class Figures:
    """Everything that was drawn; None or empty where there was nothing to draw.

    Attributes:
        speed: per device accuracy against latency, and the latency of each case.
        galleries: only written to files.
    """

    learning: tuple[Picture, ...]
    confusion: Picture | None
    class_accuracy: Picture | None
    samples: Picture | None
    galleries: tuple[Picture, ...]
    speed: tuple[tuple[Picture | None, Picture | None], ...]
    sizes: Picture | None

    def every(self) -> list[Picture]:
        """Return all of them."""
        single = [self.confusion, self.class_accuracy, self.samples, self.sizes]
        measured = [picture for pair in self.speed for picture in pair]
        return [picture for picture in (*self.learning, *single, *self.galleries, *measured) if picture]


def render(material: Material, figures: Figures) -> str:
    """Return the page."""
    parts = [
        ("verdict", "Verdict", sections.verdict(material)),
        ("speed", "Speed and size", _speed(material, figures)),
        ("training", "Training", _training(material, figures)),
        ("answers", "Answers", _answers(material, figures)),
        ("mistakes", "Mistakes", sections.mistakes(material)),
        ("changed", "Changed by conversion", sections.changed(material)),
        ("machine", "Machine", sections.machine(material)),
        ("cards", "Cards", sections.cards(material)),
    ]
    shown = [(anchor, title, body) for anchor, title, body in parts if body]
    links = "".join(f'<a href="#{anchor}">{escape(title)}</a>' for anchor, title, _ in shown)
    bodies = "".join(
        f'<section id="{anchor}"><h2>{escape(title)}</h2>{body}</section>' for anchor, title, body in shown
    )
    css = resources.files("digitrec_edge.report").joinpath("report.css").read_text("utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
        f"<title>digitrec-edge report</title>\n<style>\n{css}</style>\n</head>\n<body>\n"
        f'<header><h1>Digit recogniser</h1><p class="lead">{sections.lead(material)}</p><nav>{links}</nav></header>\n'
        f"<main>{bodies}</main>\n"
        f"<footer>Made by digitrec-edge {__version__} from {escape(str(material.folder))}.</footer>\n</body>\n</html>\n"
    )


def _plate(*pictures: Picture | None) -> str:
    """Figures side by side where there is room."""
    inner = "".join(f'<figure class="plate">{picture.inline}</figure>' for picture in pictures if picture)
    return f'<div class="plates">{inner}</div>' if inner else ""


def _captioned(picture: Picture | None, caption: str) -> str:
    if picture is None:
        return ""
    return f'<figure class="plate">{picture.inline}<figcaption>{escape(caption)}</figcaption></figure>'


def _speed(material: Material, figures: Figures) -> str:
    parts = []
    runs = material.benchmark.runs if material.benchmark else ()
    if len(runs) > 1:
        parts.append(sections.devices(material))
    for run, (tradeoff, latency) in zip(runs, figures.speed, strict=True):
        plates = _captioned(
            tradeoff, "One picture per call. Area is file size. The dashed line joins the efficient cases: no other is "
            "both faster and more accurate. Hollow: INVALID.",
        ) + _captioned(
            latency, "Dot: median, end to end. Thick bar: half of all calls; thin line: 1 % to 99 %. "
            "Upright stroke: median of the model alone (invoke).",
        )  # fmt: skip
        parts.append(f"<h3>{escape(run.device)}</h3><div class='plates'>{plates}</div>{sections.results(run)}")
    return "".join(parts) + _sizes(figures.sizes)


def _sizes(picture: Picture | None) -> str:
    return f'<div class="plates">{_captioned(picture, "Every byte of each file.")}</div>' if picture else ""


def _training(material: Material, figures: Figures) -> str:
    return _plate(*figures.learning) + sections.training(material)


def _answers(material: Material, figures: Figures) -> str:
    name = material.principal.name if material.principal else ""
    samples = _captioned(
        figures.samples, f"Test images drawn by chance, with the probability that {name} gives to each digit 0 to 9."
    )
    confused = _captioned(figures.confusion, "Shaded: mistakes.")
    by_digit = _captioned(figures.class_accuracy, "Shaded: share of mistakes.")
    inner = samples + confused + by_digit
    return f'<div class="plates">{inner}</div>' if inner else ""


__all__: Sequence[str] = ["Figures", "render"]
