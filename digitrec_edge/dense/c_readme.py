"""README.md of a C library: what goes in, what comes out, what it takes, and where it fits."""

from pathlib import Path

from digitrec_edge.dense.boards import BoardFit, fit_boards
from digitrec_edge.dense.c_tables import Tables
from digitrec_edge.dense.footprint import CLOCKED, Footprint, footprints, measured_figures
from digitrec_edge.dense.known import KNOWN, NOISE
from digitrec_edge.labels import DIGITS

TEMPLATE = Path(__file__).with_name("c") / "library.md"
_MOST_LABELS = 40


def library_readme(tables: Tables, labels: tuple[str, ...]) -> str:
    """Write it.

    Args:
        tables: the network.
        labels: of its answers.
    """
    rows = footprints(tables)
    values = {
        **values_of(tables, labels),
        "kernel": tables.kernel.name,
        "runs_on": tables.kernel.runs_on,
        "origin": _origin(rows),
        "signs": str(2 * KNOWN),
        "noise": str(2 * NOISE),
        "figures": "\n".join(figure_lines(rows)),
        "boards": "\n".join(board_lines(fit_boards(rows, tables.kernel))),
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text


def values_of(tables: Tables, labels: tuple[str, ...]) -> dict[str, str]:
    """Return what the README of any exported code says of its network."""
    sizes = (tables.network.layers[0].inputs, *(one.outputs for one in tables.network.layers))
    return {
        "what": "a digit" if labels == DIGITS else "a sign",
        "none": _none(tables, labels),
        "labels": _listed(labels),
        "count": str(len(labels)),
        "rounding": f"`{tables.rounding.name}`: the same bytes as {tables.rounding.kernels}",
        "bits": str(tables.bits),
        "sizes": "-".join(map(str, sizes)),
    }


def figure_lines(rows: tuple[Footprint, ...]) -> list[str]:
    """Return the table of figures in Markdown."""
    lines = [
        "| core | flash | with self-test | static RAM | stack "
        "| instructions: mean | least to most | noise without a 0 |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        taken, unit, steps = row.instructions, " clocks" if row.core in CLOCKED else "", "not measured | |"
        if taken:
            steps = f"{taken.mean:,}{unit} | {taken.least:,} to {taken.most:,} | {taken.slowest:,}"
        lines.append(
            f"| {row.core} | {row.flash_bytes:,} | {row.flash_bytes + row.self_test_bytes:,} | {row.ram_bytes:,} | "
            f"{row.stack_bytes:,} | {steps} |"
        )
    return lines


def board_lines(fits: tuple[BoardFit, ...]) -> list[str]:
    """Return the table of boards in Markdown, or a sentence where none is in it."""
    if not fits:
        return ["None of the boards that digitrec-edge knows has a core that runs this code."]
    lines = [
        "| board | chip | flash (a program's), RAM in KB | fits | flash left, KB | ms, at least |",
        "|---|---|---:|---|---:|---:|",
    ]
    for row in fits:
        board, ms = row.board, "" if row.least_ms is None else f"{row.least_ms:.1f}"
        flash = f"{board.flash_kb:,}" + (f" ({board.flash_kb - board.taken_kb:,})" if board.taken_kb else "")
        fit = row.fit if row.measured else f"{row.fit}, not measured"
        lines.append(
            f"| {board.name} | {board.chip} | {flash}, {board.ram_kb:,} | {fit} | {max(0, row.left_kb):,} | {ms} |"
        )
    return lines


def _none(tables: Tables, labels: tuple[str, ...]) -> str:
    what = "digit" if labels == DIGITS else "sign"
    if not tables.threshold:
        return (
            f"This network was not trained with marks that are no {what}: it never answers -1, and reads a {what} in "
            "anything."
        )
    return (
        f"-1 is no {what}: the largest logit is not far enough above the mean of all, as it is for letters, scribbles, "
        f"shapes and an empty page. The network was trained with such marks, and the limit was set so that 99 % of the "
        f"{what}s that it was not trained on are above it. In whole numbers: {len(labels)} times the largest less the "
        f"sum of all is below {tables.threshold}."
    )


def _listed(labels: tuple[str, ...]) -> str:
    more = f" and {len(labels) - _MOST_LABELS} more" if len(labels) > _MOST_LABELS else ""
    return " ".join(labels[:_MOST_LABELS]) + more


def _origin(rows: tuple[Footprint, ...]) -> str:
    tools = ", ".join(f"{name} {version}" for name, version in measured_figures().tools.items())
    if all(row.measured for row in rows):
        return (
            "Measured with a network of just these sizes, over the 10,000 test images of MNIST, under emulation "
            f"({tools})."
        )
    if all(row.instructions for row in rows):
        return (
            "Measured with a network of just these sizes and another rounding, which takes a few bytes and "
            f"instructions more or less, over the 10,000 test images of MNIST, under emulation ({tools})."
        )
    return (
        "Flash and RAM are computed: the tables of this network, and the code as it was measured with one of other "
        f"sizes ({tools}). The stack is that code's; how long this network takes was not measured."
    )


def remarks(tables: Tables) -> tuple[tuple[str, str], ...]:
    """Say the same in lines for a terminal: a word and a text each."""
    rows = footprints(tables)
    lines = [
        ("rounding", f"{tables.rounding.name}: as {tables.rounding.kernels}"),
        ("kernel", f"{tables.kernel.name}: {tables.kernel.runs_on}"),
    ]
    if tables.pooled:
        lines.append(("pooled", "the four pixels of each square of 2 x 2 have one weight, and are added up first"))
    for row in rows:
        taken, unit = row.instructions, "clocks" if row.core in CLOCKED else "instructions"
        steps = f"{taken.mean:,} {unit} (at most {taken.slowest:,})" if taken else f"{unit} not measured"
        how = "measured" if row.measured else "computed"
        lines.append(
            (
                row.core,
                f"flash {row.flash_bytes:,}, RAM {row.ram_bytes:,} + stack {row.stack_bytes:,} bytes, {how}; {steps}",
            )
        )
    fits = fit_boards(rows, tables.kernel)
    for fit, name in (
        ("yes", "fits"),
        ("tight", "fits tightly"),
        ("bare", "fits without Arduino"),
        ("no", "does not fit"),
    ):
        names = [
            f"{one.board.name} ({one.left_kb:,} KB left)" if fit == "tight" else one.board.name
            for one in fits
            if one.fit == fit
        ]
        if names:
            lines.append((name, ", ".join(names)))
    return tuple(lines)
