"""``digitrec-edge compare``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitrec_edge.cli import terminal

if TYPE_CHECKING:
    from benchmarks.results.comparison import Compared

_COLUMNS = [
    ("case", False), ("end to end, new/old", True), ("invoke, new/old", True), ("accuracy pp", True),
    ("outcome", False), ("note", False),
]  # fmt: skip


def compare(
    old: Annotated[Path, typer.Argument(help="Results of benchmark --json, then.")],
    new: Annotated[Path, typer.Argument(help="Results of benchmark --json, now.")],
    max_regression: Annotated[str, typer.Option(help="How much longer a median may be, such as 5%.")] = "5%",
    force: Annotated[
        bool, typer.Option("--force", help="Compare even if board, CPU, governor or threads differ.")
    ] = False,
) -> None:
    """Compare two benchmarks case by case: ratio of the medians with its 95 % interval.

    A regression is a median that is longer by more than --max-regression and whose interval lies wholly
    above 1, or a case that can no longer run: exit 1. A ratio over the limit whose interval contains 1 is
    unclear: measure longer. Results of different boards, governors or threads are refused.
    """
    limit = parse_share(max_regression)
    from benchmarks.results.comparison import compare_documents
    from benchmarks.results.document import read
    from digitrec_edge.errors import BenchmarkError

    rows = compare_documents(read(old), read(new), max_regression=limit, force=force)
    several = len({row.device for row in rows}) > 1
    terminal.print_table(f"{new} against {old}", _COLUMNS, [_cells(row, several) for row in rows])
    bad = [row for row in rows if row.outcome in ("regression", "lost")]
    if bad:
        raise BenchmarkError(
            f"{len(bad)} of {len(rows)} cases regressed by more than {limit:.3g} of the median or were lost: "
            + "; ".join(row.label for row in bad)
        )


def parse_share(text: str) -> float:
    """Read ``5%`` or ``0.05``."""
    number = text.strip().removesuffix("%")
    try:
        share = float(number) / (100 if number != text.strip() else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share < 100:
        raise typer.BadParameter(f"{text!r} is no share; give 5% or 0.05", param_hint="--max-regression")
    return share


def _cells(row: "Compared", several: bool) -> list[str]:
    label = f"{row.device}: {row.label}" if several else row.label
    ratios = [str(one) if one else "-" for one in (row.end_to_end, row.invoke)]
    gain = "-" if row.accuracy_pp is None else f"{row.accuracy_pp:+.2f}"
    return [
        label,
        *ratios,
        gain,
        row.outcome.upper() if row.outcome in ("regression", "lost") else row.outcome,
        row.note,
    ]
