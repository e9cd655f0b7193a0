"""``digitrec-edge doctor``."""

import dataclasses
import json
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitrec_edge.cli import terminal

if TYPE_CHECKING:
    from digitrec_edge.installation.doctor import Examination, Report
    from digitrec_edge.installation.machine import Machine

WIDTH = 80


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Say what this machine is, which runtimes work here, and what to type to install.

    Every runtime is tried with real pictures, each in a process of its own, so a broken one is a row that
    says why. Exit status 1 when no runtime works. Nothing is installed or changed.
    """
    terminal.hold_native_output()
    from digitrec_edge.installation.doctor import consult

    with terminal.progress() as bar:
        task = bar.add_task("looking", total=None)
        report = consult(on_part=lambda name: bar.update(task, description=f"trying {name}"))
    print(json.dumps(_to_json(report), indent=1) if as_json else "\n".join(to_lines(report)))
    if not report.ready:
        raise typer.Exit(1)


def _to_json(report: "Report") -> dict[str, Any]:
    return {**dataclasses.asdict(report), "ready": report.ready}


def to_lines(report: "Report") -> Iterator[str]:
    """Lay the report out for a terminal of 80 columns; lines to type are never broken."""
    yield f"digitrec-edge {report.version}"
    for label, value in _facts(report.machine):
        yield from _wrapped(f"  {label:<11}", value)
    for title, rows in (
        ("Base", report.base),
        ("Runtimes", report.runtimes),
        ("Training and export (optional: a device needs none of it)", report.convert),
    ):
        yield ""
        yield title
        for row in rows:
            yield from _row(row)
    yield ""
    yield from _advice(report)


def _facts(machine: "Machine") -> Iterator[tuple[str, str]]:
    memory = f", {machine.memory_bytes / 2**30:.1f} GiB of memory" if machine.memory_bytes else ""
    kernel = f", {machine.kernel_machine} kernel" if machine.kernel_machine != machine.machine else ""
    yield "board", machine.board or "not named"
    yield "machine", f"{machine.machine}{kernel}, Python in {machine.bits} bits{memory}"
    yield "cpu", f"{machine.cpu.name or 'not named'}, {machine.cpu.cores} core(s)"
    features = machine.cpu.features
    yield "features", "cannot be read here" if features is None else " ".join(features) or "none that matter"
    yield "system", f"{machine.os}, kernel {machine.kernel}"
    yield "C library", f"{machine.libc} {machine.libc_version}".strip() or "neither glibc nor musl"
    place = "in a virtual environment" if machine.in_venv else "the system's"
    managed = ", managed by the system (PEP 668)" if machine.externally_managed and not machine.in_venv else ""
    yield "Python", f"{machine.python} ({machine.python_tag}), {place}{managed}"


def _row(row: "Examination") -> Iterator[str]:
    yield from _wrapped(f"  {row.name:<17} {row.version or '-':<8} {row.status:<9} ", row.detail)


def _advice(report: "Report") -> Iterator[str]:
    working = [row.name for row in report.runtimes if row.status == "works"]
    if working:
        yield from _wrapped("", f"Ready: {', '.join(working)}. Try: digitrec-edge predict PICTURE")
    else:
        yield "Not ready: no runtime works."
    advice = report.advice
    if advice.pip_line:
        yield ""
        yield "To install on this machine, type"
        for line in (*advice.before, advice.pip_line):
            yield f"  {line}"
    if advice.notes:
        yield ""
    for note in advice.notes:
        yield from _wrapped("- ", note)


def _wrapped(start: str, text: str) -> list[str]:
    """Break at blanks only, so that names and commands stay whole."""
    indent = " " * len(start)
    lines = textwrap.wrap(
        text, WIDTH, initial_indent=start, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return [line.rstrip() for line in lines] or [start.rstrip()]
