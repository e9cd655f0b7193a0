"""``benchmark --host``: the devices, one by one, and what became of each."""

from collections.abc import Callable, Sequence
from pathlib import Path

import typer

from benchmarks.measure.cases import find_artifacts
from benchmarks.request import BenchmarkRequest
from benchmarks.results.document import Document, merge
from digitrec_edge import mnist
from digitrec_edge.cli import terminal
from digitrec_edge.cli.remote import check_hosts, progress_of
from digitrec_edge.errors import RemoteError
from digitrec_edge.remote.fleet import FleetJob, Outcome, measure_hosts


def benchmark_on(
    hosts: Sequence[str],
    request: BenchmarkRequest,
    *,
    extras: Sequence[str],
    keep: bool,
    clean: bool,
    timeout_s: float,
    write: Callable[[Document], None],
    show: Callable[[Document], None],
) -> None:
    """Benchmark on devices and show what they brought home; exit status 1 when one failed.

    ``write`` is given the document of all devices that have succeeded so far each time that there is another one, and
    ``show`` the last of these, if there is one, to print it.
    """
    if keep and clean:
        raise typer.BadParameter("--keep and --clean exclude each other", param_hint="--clean")
    hosts = check_hosts(hosts)
    if request.device and len(hosts) > 1:
        raise typer.BadParameter(f"{request.device!r} cannot name {len(hosts)} devices", param_hint="--device")
    job = FleetJob(
        artifacts=tuple(find_artifacts([Path(name) for name in request.artifacts])),
        data=mnist.files_of("test", Path(request.data)) if request.data else (),
        request=request,
        extras=tuple(extras),
        keep=keep,
        clean=clean,
        limit_s=timeout_s,
    )

    def keep_results(outcomes: Sequence[Outcome]) -> None:
        if outcomes[-1].measured:
            write(merge([outcome.measured for outcome in outcomes if outcome.measured]))

    with progress_of(hosts) as tell:
        outcomes = measure_hosts(hosts, job, tell, keep_results)
    good = [outcome.measured for outcome in outcomes if outcome.measured]
    if good:
        write(merge(good))
        show(merge(good))
    show_outcomes(outcomes)
    failed = [outcome.host for outcome in outcomes if outcome.error]
    if failed:
        raise RemoteError(f"{len(failed)} of {len(outcomes)} devices failed: {', '.join(failed)}")


def show_outcomes(outcomes: Sequence[Outcome]) -> None:
    """Print what became of each host."""
    columns = [("host", False), ("device", False), ("result", False)]
    terminal.print_table("devices", columns, _rows(outcomes), note="result")


def _rows(outcomes: Sequence[Outcome]) -> list[list[str]]:
    rows = []
    for outcome in outcomes:
        names = ", ".join(run.device for run in outcome.measured.runs) if outcome.measured else "-"
        if outcome.error:
            rows.append([outcome.host, names, f"FAILED: {outcome.error}"])
            continue
        rows.append([outcome.host, names, f"ok, files kept in {outcome.kept}" if outcome.kept else "ok"])
    return rows
