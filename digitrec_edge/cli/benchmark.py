"""``digitrec-edge benchmark``."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitrec_edge.cli import terminal
from digitrec_edge.cli.options import (
    DataOption,
    RuntimesOption,
    check_apart,
    find_artifacts,
    refuse,
    whole_number,
    words_of,
)
from digitrec_edge.cli.remote import DEFAULT_TIMEOUT_S, Timeout, check_extras

if TYPE_CHECKING:
    from benchmarks import Document, Run, Step
    from benchmarks.request import BenchmarkRequest


EXPORTED = Path("build/artifacts")


def benchmark(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            callback=find_artifacts,
            help="Artifacts or folders of them. Default: build/artifacts, or the pretrained ones.",
        ),
    ] = None,
    runtime: RuntimesOption = None,
    variant: Annotated[
        list[str] | None, typer.Option(help="Only artifacts of this precision, such as int8; may be repeated.")
    ] = None,
    threads: Annotated[str, typer.Option(help="Threads that a runtime may use; several as 1,2,4.")] = "1",
    batch: Annotated[str, typer.Option(help="Pictures per call; several as 1,32,256.")] = "1",
    quick: Annotated[bool, typer.Option("--quick", help="A first impression, in about a minute.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="For publication; exit 1 if any figure is INVALID or any case FAILED.")
    ] = False,
    device: Annotated[str | None, typer.Option(help="What to call this machine. Default: its board or CPU.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all results to this file.")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write all figures to this file.")] = None,
    markdown_file: Annotated[Path | None, typer.Option("--markdown", help="Write a report to this file.")] = None,
    keep_samples: Annotated[
        bool, typer.Option("--keep-samples", help="Keep every single sample in the JSON, compressed.")
    ] = False,
    print_schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of --json and do nothing else.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the order of the cases and of the bootstrap.")] = 0,
    data: DataOption = None,
    host: Annotated[
        list[str] | None,
        typer.Option(help="Measure on this device instead, over ssh: pi@raspberrypi.local; may be repeated."),
    ] = None,
    extra: Annotated[
        list[str] | None,
        typer.Option(callback=check_extras, help="With --host: install this extra there, not what doctor names there."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="With --host: leave the run's files there.")] = False,
    clean: Annotated[
        bool, typer.Option("--clean", help="With --host: remove what benchmark keeps there after.")
    ] = False,
    timeout: Timeout = DEFAULT_TIMEOUT_S,
    request: Annotated[
        Path | None, typer.Option(hidden=True, help="Do what this file asks for, as another machine sent it.")
    ] = None,
) -> None:
    """Measure every artifact in every runtime that can run it, and say which to deploy here.

    Accuracy and parity on the whole test set; import, load, first call, cold start of the whole process,
    peak memory; latency of the model alone (invoke) and end to end, uint8 pictures in and digits out. Each
    case in fresh processes, in turns with all others. A figure that throttled or is too noisy is INVALID, a case
    when its end to end is; one that ought to run and does not is FAILED. Ctrl-C keeps what is finished.

    Exit status: 0 something was measured; 1 nothing was, or with --strict a figure is INVALID or a case FAILED; 2
    wrong usage; 130 Ctrl-C.
    """
    if print_schema:
        from benchmarks.results.schema import published

        print(published().decode(), end="")
        return
    terminal.hold_native_output()
    if quick and strict:
        raise typer.BadParameter("--quick and --strict exclude each other", param_hint="--strict")
    if not host:
        refuse(context, ("extra", "keep", "clean", "timeout"), "says what to do on a device; name it: --host")
    if not json_file:
        refuse(context, ("keep_samples",), "keeps them in the JSON; name its file: --json")
    from benchmarks.request import BenchmarkRequest, read_request
    from digitrec_edge.files import check_writable

    files = {"json": json_file, "csv": csv_file, "markdown": markdown_file}
    check_apart({f"--{kind}": path for kind, path in files.items()}, _read(paths or (), data))
    for path in filter(None, files.values()):
        check_writable(path)
    wanted = (
        read_request(request)
        if request
        else BenchmarkRequest(
            artifacts=tuple(map(str, paths or _at_hand())),
            runtimes=tuple(words_of(runtime)),
            variants=tuple(words_of(variant)),
            threads=tuple(_numbers(threads, "--threads", 256)),
            batches=tuple(_numbers(batch, "--batch", 10_000)),
            effort="strict" if strict else "quick" if quick else "default",
            seed=seed,
            keep_samples=keep_samples,
            device=device,
            data=str(data) if data else None,
        )
    )
    if host:
        from digitrec_edge.cli.benchmark_hosts import benchmark_on

        benchmark_on(
            host, wanted, extras=extra or (), keep=keep, clean=clean, timeout_s=timeout,
            write=lambda merged: _write(merged, files), show=_show_all,
        )  # fmt: skip
    else:
        _benchmark_here(wanted, files)


def _benchmark_here(request: "BenchmarkRequest", files: dict[str, Path | None]) -> None:
    """Measure on this machine, print and write; what could not be relied on ends a strict benchmark with 1."""
    from benchmarks import document
    from benchmarks.request import measure_request

    with terminal.progress() as bar:
        task = bar.add_task("benchmark", total=None)
        done = measure_request(request, lambda step: _show_step(bar, task, step))
    _write(document(done), files)
    show(done)
    if done.interrupted:
        print("digitrec-edge: interrupted; the rounds that were finished are kept", file=sys.stderr)
        raise typer.Exit(130)
    check_run(done)


def _show_step(bar: Any, task: Any, step: "Step") -> None:
    """Move a progress bar; as lines for whoever asked for lines, such as the other end of an ssh connection."""
    from benchmarks.request import PROGRESS, PROGRESS_VARIABLE

    bar.update(task, completed=step.done, total=step.total, description=step.text)
    if os.environ.get(PROGRESS_VARIABLE) == "lines":
        print(f"{PROGRESS}{step.done}/{step.total} {step.text}", file=sys.stderr, flush=True)


def check_run(run: "Run") -> None:
    """Let pass a run that measured something; a strict one must have measured everything, and well.

    Raises:
        BenchmarkError: names the cases.
    """
    from benchmarks.results.verdict import standing
    from digitrec_edge.errors import BenchmarkError

    if not any(result.end_to_end for result in run.results):
        raise BenchmarkError("no case could be measured; the lines above say why")
    bad = [result for result in run.results if result.unreliable or result.status == "failed"]
    if run.effort.name == "strict" and bad:
        named = ", ".join(f"{result.label} ({standing(result)})" for result in bad)
        raise BenchmarkError(f"{len(bad)} of {len(run.results)} cases cannot be relied on: {named}")


def _read(paths: Sequence[Path], data: Path | None) -> Iterator[Path]:
    """Yield what is read: files that are named, and the artifacts in folders."""
    from digitrec_edge import formats

    yield from filter(None, [data])
    for path in paths:
        yield from (one for one in path.iterdir() if formats.of_file_name(one.name)) if path.is_dir() else (path,)


def _at_hand() -> list[Path]:
    """Return the folder of exported artifacts; without one the pretrained artifacts that a runtime here can run."""
    if EXPORTED.exists():
        return [EXPORTED]
    from digitrec_edge import pretrained
    from runtimes import RUNTIMES

    formats = {name for row in RUNTIMES if row.installed for name in row.formats}
    found = [path for name, path in pretrained.BY_FORMAT.items() if name in formats] or [pretrained.DEFAULT]
    print(f"no {EXPORTED}: measuring the pretrained {' and '.join(path.name for path in found)}", file=sys.stderr)
    return found


def _show_all(merged: "Document") -> None:
    from benchmarks.results.tables import devices_table

    for run in merged.runs:
        show(run)
    if len(merged.runs) > 1:
        headings, rows = devices_table(merged)
        columns = [(heading, number > 0) for number, heading in enumerate(headings)]
        terminal.print_table("end to end, median us, by device", columns, rows)


def show(run: "Run") -> None:
    """Print a run: table, reasons, verdict."""
    from benchmarks.results.tables import SPARED, brief_columns, describe, explain, missing_lines, tried
    from benchmarks.results.verdict import decide

    columns = brief_columns(run)
    headings = [(column.brief, bool(column.form)) for column in columns]
    cells = [[column.text(result) for column in columns] for result in tried(run)]
    terminal.print_table(f"{run.device}: {describe(run)}", headings, cells, drop=SPARED)
    for line in missing_lines(run):
        print(terminal.escaped(line))
    verdict = decide(run)
    for warning in verdict.warnings:
        print(terminal.escaped(warning if warning.startswith("INVALID") else f"warning: {warning}"))
    if any(result.unreliable for result in run.results):
        print("INVALID figures: measure longer, without --quick or with --strict, and on an idle machine")
    print(explain(run))
    print(terminal.escaped(verdict.text), flush=True)


def _write(document: "Document", files: dict[str, Path | None]) -> None:
    from benchmarks.results.tables import to_csv, to_markdown
    from digitrec_edge.files import write_file

    makers: dict[str, Callable[[Document], bytes]] = {
        "json": lambda one: one.to_json(),
        "csv": to_csv,
        "markdown": to_markdown,
    }
    for kind, path in files.items():
        if path:
            write_file(path, makers[kind](document))


def _numbers(text: str, option: str, largest: int) -> list[int]:
    numbers = [whole_number(word, largest) for word in words_of([text])]
    if not numbers or not all(numbers):
        raise typer.BadParameter(
            f"{text!r} is no list of whole numbers from 1 to {largest:,}, such as 1,2,4", param_hint=option
        )
    return list(dict.fromkeys(filter(None, numbers)))
