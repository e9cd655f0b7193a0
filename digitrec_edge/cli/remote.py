"""What commands that work on devices share, options and progress lines; and ``benchmark --host``."""

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitrec_edge.cli import terminal
from digitrec_edge.cli.options import words_of

if TYPE_CHECKING:
    from benchmarks.request import BenchmarkRequest
    from benchmarks.results.document import Document
    from digitrec_edge.remote.fleet import Outcome

Timeout = Annotated[float, typer.Option(min=1, help="Seconds for each device, from the connection to the end.")]
DEFAULT_TIMEOUT_S = 3600.0


@contextmanager
def progress_of(hosts: Sequence[str]) -> Iterator[Callable[[str, str], None]]:
    """Yield what tells a host's progress: a moving line each in a terminal, lines one below the other elsewhere."""
    with terminal.status_lines() as bar:
        tasks = {host: bar.add_task(f"{host}: waiting", total=None) for host in hosts}
        lock, told = threading.Lock(), dict.fromkeys(hosts, "")

        def tell(host: str, text: str) -> None:
            text = terminal.escaped(text)
            bar.update(tasks[host], description=f"{host}: {text}")
            kind = text.partition(":")[0]
            with lock:
                if bar.disable and kind != told[host]:
                    told[host] = kind
                    print(f"{host}: {text}", file=sys.stderr, flush=True)

        yield tell


def check_extras(several: list[str] | None) -> list[str] | None:
    """Return extras of digitrec-edge, each named alone or several with commas between.

    Raises:
        typer.BadParameter: there is no such extra; names those there are.
    """
    from digitrec_edge.pip_lines import extras

    named = words_of(several)
    known = extras() if named else []
    for name in named:
        if known and name not in known:
            raise typer.BadParameter(f"no extra is called {name!r}; there are {', '.join(known)}")
    return named


def check_hosts(hosts: Sequence[str]) -> list[str]:
    """Return the hosts; one that is named twice is a mistake."""
    twice = {host for host in hosts if hosts.count(host) > 1}
    if twice:
        raise typer.BadParameter(f"{', '.join(sorted(twice))} is named twice", param_hint="--host")
    return list(hosts)


def benchmark_on(
    hosts: Sequence[str],
    request: "BenchmarkRequest",
    *,
    extras: Sequence[str],
    keep: bool,
    clean: bool,
    timeout_s: float,
    write: "Callable[[Document], None]",
    show: "Callable[[Document], None]",
) -> None:
    """Benchmark on devices and show what they brought home; exit status 1 when one failed.

    ``write`` is given the document of all devices that have succeeded so far each time that there is another one, and
    ``show`` the last of these, if there is one, to print it.
    """
    if keep and clean:
        raise typer.BadParameter("--keep and --clean exclude each other", param_hint="--clean")
    from benchmarks.measure.cases import find_artifacts
    from benchmarks.results.document import merge
    from digitrec_edge import mnist
    from digitrec_edge.errors import RemoteError
    from digitrec_edge.remote.fleet import FleetJob, measure_hosts

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

    def keep_results(outcomes: "Sequence[Outcome]") -> None:
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


def show_outcomes(outcomes: "Sequence[Outcome]") -> None:
    """Print what became of each host."""
    columns = [("host", False), ("device", False), ("result", False)]
    terminal.print_table("devices", columns, _rows(outcomes), note="result")


def _rows(outcomes: "Sequence[Outcome]") -> list[list[str]]:
    rows = []
    for outcome in outcomes:
        names = ", ".join(run.device for run in outcome.measured.runs) if outcome.measured else "-"
        if outcome.error:
            rows.append([outcome.host, names, f"FAILED: {outcome.error}"])
            continue
        rows.append([outcome.host, names, f"ok, files kept in {outcome.kept}" if outcome.kept else "ok"])
    return rows
