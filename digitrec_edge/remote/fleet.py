"""Benchmarks on several devices at a time: one that fails does not spoil the others."""

import dataclasses
import secrets
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from benchmarks.request import PROGRESS, PROGRESS_VARIABLE, BenchmarkRequest
from benchmarks.results.document import Document, from_json
from digitrec_edge.artifact import golden
from digitrec_edge.artifact.signature import KEY_FILE
from digitrec_edge.errors import BusyDeviceError, RemoteError
from digitrec_edge.remote.extras import extras_for, with_signatures
from digitrec_edge.remote.measured import Expected, expect
from digitrec_edge.remote.messages import FILE_BYTES
from digitrec_edge.remote.refusals import why_failed
from digitrec_edge.remote.ssh import Connection
from digitrec_edge.remote.venv import CACHE, LOCK, RemoteEnvironment, prepare

REQUEST, RESULT = "request.json", "result.json"
SAMPLES_BYTES = 512 << 20
"""Of the results when every single sample is asked for."""


@dataclass(frozen=True)
class FleetJob:
    """What to measure on every device.

    Attributes:
        artifacts: to measure, as :func:`benchmarks.find_artifacts` finds them.
        data: files of a data set of one's own; empty: the bundled one.
        request: what to measure; where artifacts and data lie is told anew for the device.
        extras: to install instead of what ``doctor`` names.
        keep: leave files and results of the run on the device.
        clean: remove everything of ours from the device at the end.
        limit_s: time for one device, from the connection to the figures.
    """

    artifacts: tuple[Path, ...]
    data: tuple[Path, ...]
    request: BenchmarkRequest
    extras: tuple[str, ...]
    keep: bool
    clean: bool
    limit_s: float


@dataclass(frozen=True)
class Outcome:
    """What came of one device.

    Attributes:
        measured: None when nothing came that can be used.
        error: what went wrong, in one line; empty when nothing did.
        kept: folder on the device that was left there.
    """

    host: str
    measured: Document | None
    error: str = ""
    kept: str = ""


def files_for(artifacts: Sequence[Path]) -> tuple[Path, ...]:
    """Return artifacts, their signatures and the golden.npz that lie beside them: what goes to a device.

    Raises:
        RemoteError: two files have the same name, and all go into one folder.
    """
    beside = dict.fromkeys(path.parent / golden.FILE_NAME for path in artifacts)
    files = (*with_signatures(artifacts), *(path for path in beside if path.exists()))
    names = [path.name for path in files]
    for name in names:
        if names.count(name) > 1:
            raise RemoteError(f"two files are called {name}; measure one folder at a time")
    return files


def measure_hosts(
    hosts: Sequence[str],
    job: FleetJob,
    on_step: Callable[[str, str], None] = lambda host, text: None,
    on_outcome: Callable[[Sequence[Outcome]], None] = lambda outcomes: None,
) -> list[Outcome]:
    """Benchmark on every host, all at the same time; each fails alone.

    Args:
        hosts: as ssh takes them.
        job: what to do.
        on_step: is told the host and what happens there, from several threads.
        on_outcome: is given all outcomes so far whenever there is another one, to keep them.

    Raises:
        RemoteError: before any host is asked: the files cannot lie in one folder.
    """
    files_for(job.artifacts)
    expected = expect(job.request, job.artifacts)
    connections = [Connection(host, job.limit_s) for host in hosts]
    done: dict[str, Outcome] = {}
    with ThreadPoolExecutor(max(1, len(hosts))) as pool:
        try:
            for future in as_completed([pool.submit(_measure_one, one, job, expected, on_step) for one in connections]):
                outcome = future.result()
                done[outcome.host] = outcome
                on_outcome(name_devices([*done.values()]))
        except BaseException:  # Ctrl-C, or results that cannot be written: nobody waits for the others
            for connection in connections:
                connection.close()
            raise
    return name_devices([done[host] for host in hosts])


def _measure_one(
    connection: Connection, job: FleetJob, expected: Expected, on_step: Callable[[str, str], None]
) -> Outcome:
    host = connection.host
    try:
        on_step(host, "connecting")
        with connection:
            outcome = _measure(connection, job, expected, lambda text: on_step(host, text))
    except Exception as error:  # noqa: BLE001  (whatever it is, it is about this device, and the others go on)
        outcome = Outcome(host, None, why_failed(host, error))
    on_step(host, f"failed: {outcome.error}" if outcome.error else "done")
    return outcome


def _measure(connection: Connection, job: FleetJob, expected: Expected, tell: Callable[[str], None]) -> Outcome:
    host, folder = connection.host, f"{CACHE}/run-{secrets.token_hex(4)}"
    device = connection.examine([KEY_FILE])
    tell(f"connected: {device.describe()}")
    measured, error, kept, clean = None, "", "", job.clean
    try:
        environment = prepare(connection, device, extras_for(host, device, job.artifacts, job.extras), tell)
        kept = folder if job.keep else ""
        tell("sending the artifacts")
        _send(connection, folder, job)
        measured = _checked(_run(connection, environment, folder, job, tell), expected)
        if not any(result.end_to_end for run in measured.runs for result in run.results):
            error = "no case could be measured; the table says why"
    except Exception as cause:  # noqa: BLE001  (whatever it is, nothing shall be left there)
        measured, error = None, why_failed(host, cause)
        clean = clean and not isinstance(cause, BusyDeviceError)
    try:
        _clear_up(connection, "" if job.keep else folder, clean=clean)
    except RemoteError as cause:
        error = error or f"what was sent is still there: {why_failed(host, cause)}"
    return Outcome(host, measured, f"{error}; the run's files are in {kept}" if error and kept else error, kept)


def _send(connection: Connection, folder: str, job: FleetJob) -> None:
    connection.send(files_for(job.artifacts), f"{folder}/artifacts")
    if job.data:
        connection.send(job.data, f"{folder}/data")
    data = (f"data/{job.data[0].name}" if len(job.data) == 1 else "data") if job.data else None
    with tempfile.TemporaryDirectory() as scratch:
        request = Path(scratch) / REQUEST
        artifacts = tuple(f"artifacts/{path.name}" for path in job.artifacts)
        request.write_bytes(dataclasses.replace(job.request, artifacts=artifacts, data=data).to_json())
        connection.send([request], folder)


def _run(
    connection: Connection,
    environment: RemoteEnvironment,
    folder: str,
    job: FleetJob,
    tell: Callable[[str], None],
) -> Document:
    def on_line(line: str) -> None:
        if line.startswith(PROGRESS):
            tell(f"measuring: {line.removeprefix(PROGRESS)[:200]}")

    tell("measuring")
    answer = connection.run(
        [environment.program, "benchmark", "--request", REQUEST, "--json", RESULT],
        folder,
        environment={PROGRESS_VARIABLE: "lines"},
        fetch=[RESULT],
        fetch_bytes=SAMPLES_BYTES if job.request.keep_samples else FILE_BYTES,
        lock=LOCK,
        passing=not job.keep,
        on_line=on_line,
    )
    if RESULT not in answer.files:
        said = next((line for line in reversed(answer.lines) if not line.startswith(PROGRESS)), "nothing")
        raise RemoteError(f"{connection.host}: the benchmark there ended with {answer.status}: {said[:300]}")
    return from_json(answer.files[RESULT], "the results that it sent")


def _checked(measured: Document, expected: Expected) -> Document:
    try:
        expected.check(measured)
    except ValueError as cause:
        raise RemoteError(f"its results are not those that were asked for: {cause}") from cause
    return measured


def _clear_up(connection: Connection, folder: str, *, clean: bool) -> None:
    """Remove the files of a run, and everything of ours where nobody else is at it."""
    if folder:
        connection.remove(folder)
    if clean:
        done = connection.run(["rm", "-rf", CACHE], "~", lock=LOCK)
        if done.status:
            raise RemoteError(f"{connection.host}: {done.last_line[:300] or 'rm said nothing'}")


def name_devices(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Name the host behind the board's name where two devices have the same one; no name is there twice then."""
    names = [run.device for outcome in outcomes if outcome.measured for run in outcome.measured.runs]
    twice = {name for name in names if names.count(name) > 1}
    hosts = [f" ({outcome.host})" for outcome in outcomes]

    def name(device: str, host: str) -> str:
        ends_so = any(device.endswith(other) for other in hosts)  # could be the name that another device gets
        return f"{device[:200]} ({host})" if device in twice or (twice and ends_so) else device

    named = []
    for outcome in outcomes:
        if outcome.measured:
            runs = tuple(
                dataclasses.replace(run, device=name(run.device, outcome.host)) for run in outcome.measured.runs
            )
            outcome = dataclasses.replace(outcome, measured=dataclasses.replace(outcome.measured, runs=runs))
        named.append(outcome)
    return named
