"""``digitrec-edge compare``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitrec_edge.cli import terminal
from digitrec_edge.cli.options import parse_points, parse_share

if TYPE_CHECKING:
    from benchmarks.results.comparison import Allowed, Compared

_COLUMNS = [
    ("case", False), ("outcome", False), ("end to end, new/old", True), ("invoke, new/old", True),
    ("accuracy pp", True), ("worse", True), ("better", True), ("note", False),
]  # fmt: skip
_GROWTH = 100.0
"""By how much a figure may grow, at most: a hundredfold is no limit any more."""
_SPARED = ("better", "worse", "invoke, new/old", "accuracy pp")


def compare(
    old: Annotated[Path, typer.Argument(help="Results of benchmark --json, then.")],
    new: Annotated[Path, typer.Argument(help="Results of benchmark --json, now.")],
    max_regression: Annotated[
        list[str] | None,
        typer.Option(
            help="How much longer a median may be, such as 5%, the default; with a name how much larger something else "
            "may be: size=5%, memory=10%, cold-start=20%. May be repeated."
        ),
    ] = None,
    max_accuracy_drop: Annotated[str, typer.Option(help="Accuracy that may be lost, in percentage points.")] = "0.2pp",
    max_changed: Annotated[str, typer.Option(help="How many of the same images may be read differently.")] = "1%",
    strict: Annotated[bool, typer.Option("--strict", help="Fail for a case that has become INVALID, too.")] = False,
    github: Annotated[bool, typer.Option("--github", help="Print annotations for GitHub Actions, too.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Compare even if board, CPU, governor, threads or test set differ.")
    ] = False,
) -> None:
    """Compare two benchmarks case by case, and fail for what has become worse.

    A regression is accuracy lost, images read differently, or a median that is longer, each beyond its limit, a median
    with its whole 95 % interval above 1. A case that was measured and is not any more is lost. A median over the limit
    whose interval contains 1 is unclear: measure longer. Results of different boards, governors, threads or test sets
    are refused.

    Exit status: 0 all is within the limits; 1 a regression, a lost case, with --strict an INVALID one, or files
    that cannot be compared; 2 wrong usage.
    """
    allowed = _allowed(max_regression or [], max_accuracy_drop, max_changed)
    from benchmarks.results.comparison import FAILING, compare_documents
    from benchmarks.results.document import read
    from digitrec_edge.errors import BenchmarkError

    rows = compare_documents(read(old), read(new), allowed, force=force)
    several = len({row.device for row in rows}) > 1
    cells = [_cells(row, several) for row in rows]
    terminal.print_table(f"{new} against {old}", _COLUMNS, cells, drop=_SPARED, note="note")
    failing = (*FAILING, "invalid") if strict else FAILING
    for row in rows:
        for reason in _reasons(row):
            print(terminal.escaped(f"{row.outcome.upper()}: {_label(row, several)}: {reason}"))
            if github:
                kind = "error" if row.outcome in failing else "warning"
                print(_annotation(kind, f"{row.outcome}: {_label(row, several)}", reason))
    bad = [row for row in rows if row.outcome in failing]
    if bad:
        raise BenchmarkError(
            f"{len(bad)} of {len(rows)} cases have become worse than is allowed or were lost: "
            + "; ".join(f"{_label(row, several)} ({row.outcome})" for row in bad)
        )
    if not any(row.end_to_end for row in rows):
        raise BenchmarkError(
            "no latency could be compared: every case that is in both documents is INVALID in one of them; measure "
            "longer, with benchmark --strict"
        )


def _allowed(regressions: Sequence[str], accuracy_drop: str, changed: str) -> "Allowed":
    from benchmarks.results.comparison import FIGURES, Allowed

    option = "--max-regression"
    latency, figures = Allowed.latency, {}
    for text in (part for value in regressions for part in value.split(",")):
        name, separator, share = text.rpartition("=")
        if not separator:
            latency = parse_share(share, option, _GROWTH)
        elif name.strip() in FIGURES:
            figures[name.strip()] = parse_share(share, option, _GROWTH)
        else:
            raise typer.BadParameter(
                f"{name!r} has no limit; there are {', '.join(FIGURES)}, and a share alone is of the medians",
                param_hint=option,
            )
    return Allowed(
        latency, parse_points(accuracy_drop, "--max-accuracy-drop"), parse_share(changed, "--max-changed"), figures
    )


def _label(row: "Compared", several: bool) -> str:
    return f"{row.device}: {row.label}" if several else row.label


def _reasons(row: "Compared") -> tuple[str, ...]:
    """What is to be said of a row below the table; nothing where all is well."""
    if row.outcome == "unclear":
        return ("over the limit, but the interval contains 1: measure longer",)
    return row.beyond or ((row.note,) if row.outcome in ("lost", "invalid") else ())


def _annotation(kind: str, title: str, message: str) -> str:
    """A workflow command of GitHub Actions, escaped as its toolkit does."""

    def quoted(text: str, more: str = "") -> str:
        for character in "%\r\n" + more:
            text = text.replace(character, f"%{ord(character):02X}")
        return text

    return f"::{kind} title={quoted(title, ':,')}::{quoted(message)}"


def _cells(row: "Compared", several: bool) -> list[str]:
    loud = row.outcome in ("regression", "lost", "invalid")
    return [
        _label(row, several),
        row.outcome.upper() if loud else row.outcome,
        *(str(one) if one else "-" for one in (row.end_to_end, row.invoke)),
        "-" if row.accuracy_pp is None else f"{row.accuracy_pp:+.2f}",
        *((f"{row.change.worse:,}", f"{row.change.better:,}") if row.change else ("-", "-")),
        row.note,
    ]
