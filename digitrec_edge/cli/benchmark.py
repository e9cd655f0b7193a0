"""``digitrec-edge benchmark``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitrec_edge.cli import terminal

if TYPE_CHECKING:
    from benchmarks import Row

_COLUMNS = [
    ("artifact", False), ("runtime", False), ("KB", True), ("accuracy", True), ("agreement", True),
    ("logit diff", True), ("p50 us", True), ("p90 us", True), ("p99 us", True), ("load ms", True), ("note", False),
]  # fmt: skip


def benchmark(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Artifacts or folders of them. Default: build/artifacts.")
    ] = None,
    runtime: Annotated[
        list[str] | None,
        typer.Option(
            help="litert, tflite-runtime or onnxruntime; may be repeated. Default: all for each format.",
            callback=terminal.check_runtimes,
        ),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, max=256, help="Threads that a runtime may use.")] = 1,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write results and environment to this file.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Your own digits: a folder with the four IDX files, or a .npz. Default: MNIST.")
    ] = None,
) -> None:
    """Measure every artifact in every runtime that can run it: accuracy, parity, latency, size, load time.

    Latency is of one picture, uint8 pixels in and digit out, after a warm-up, each case in a process of its
    own. Agreement and logit difference are against golden.npz beside the artifact. A case that cannot run is
    a row that says why.
    """
    terminal.hold_native_output()
    from benchmarks import measure, plan
    from benchmarks.environment import describe_environment
    from benchmarks.latency import Effort
    from benchmarks.results import to_json
    from digitrec_edge.errors import BenchmarkError
    from digitrec_edge.files import check_writable, write_file

    if json_file:
        check_writable(json_file)
    cases = plan(paths or [Path("build/artifacts")], runtime or [], threads=threads, data=data, effort=Effort())
    environment = describe_environment()
    rows = []
    with terminal.progress() as bar:
        task = bar.add_task("benchmark", total=len(cases))
        for case in cases:
            bar.update(task, description=f"{Path(case.artifact).name} on {case.runtime}")
            rows.append(measure(case))
            bar.update(task, advance=1)
    title = f"{environment.cpu}, {environment.os}, Python {environment.python}, {threads} thread(s)"
    terminal.print_table(title, _COLUMNS, [_cells(row) for row in rows])
    if json_file:
        write_file(json_file, to_json(environment, rows))
    if not any(row.measured for row in rows):
        raise BenchmarkError("no case could be measured; the table says why")


def _cells(row: "Row") -> list[str]:
    name, done = Path(row.case.artifact).name, row.measured
    if done is None:
        return [name, row.case.runtime, *["-"] * 8, row.reason]
    parity = [f"{done.parity.agreement:.2%}", f"{done.parity.max_logit_difference:.1e}"] if done.parity else ["-", "-"]
    latency = (
        [f"{t:.1f}" for t in (done.latency.p50_us, done.latency.p90_us, done.latency.p99_us)] if done.latency else []
    )
    return [
        name,
        f"{row.case.runtime} {done.runtime_version}",
        f"{done.file_bytes / 1024:,.0f}",
        f"{done.accuracy:.2%}",
        *parity,
        *(latency or ["-"] * 3),
        f"{done.load_ms:.1f}",
        done.parity_note,
    ]
