"""``digitrec-edge doctor``."""

import dataclasses
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitrec_edge.cli import terminal

if TYPE_CHECKING:
    from digitrec_edge.installation.doctor import Report
    from digitrec_edge.installation.machine import Machine


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Say what this machine is, which runtimes work here, and what to type next.

    Every runtime is tried with real pictures, each in a process of its own, so a broken one is a row that
    says why. Exit status 1 when no runtime works. Nothing is installed or changed.
    """
    terminal.hold_native_output()
    from digitrec_edge.installation.doctor import consult

    with terminal.progress() as bar:
        task = bar.add_task("looking", total=None)
        report = consult(on_part=lambda name: bar.update(task, description=f"trying {name}"))
    if as_json:
        print(json.dumps(_to_json(report), indent=1))
    else:
        show(report)
    if not report.ready:
        raise typer.Exit(1)


def _to_json(report: "Report") -> dict[str, Any]:
    return {**dataclasses.asdict(report), "ready": report.ready}


def show(report: "Report") -> None:
    """Print the report; lines to type are never broken."""
    print(f"digitrec-edge {report.version}")
    for label, value in _facts(report.machine):
        print(f"  {label:<10} {value}")
    print()
    parts = [*report.base, *report.runtimes, *(report.convert if report.trains else ())]
    rows = [[row.name, row.version or "-", row.status, row.detail] for row in parts]
    columns = [("part", False), ("version", True), ("status", False), ("what it did", False)]
    terminal.print_table("", columns, rows, drop=("version",), note="what it did")
    print("\n".join(_advice(report)))


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


def _advice(report: "Report") -> Iterator[str]:
    from digitrec_edge.installation.doctor import NEXT, WORKS

    if report.ready:
        yield f"Ready: {', '.join(row.name for row in report.runtimes if row.status == WORKS)}. Next, type"
        yield from (f"  {line}" for line in NEXT)
        return
    yield "Not ready: no runtime works."
    advice = report.advice
    if advice.pip_line:
        yield ""
        yield "To install on this machine, type"
        yield from (f"  {line}" for line in (*advice.before, advice.pip_line))
    if advice.notes:
        yield ""
    yield from (f"- {note}" for note in advice.notes)
