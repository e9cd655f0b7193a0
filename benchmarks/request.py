"""What a benchmark is asked to do, as one record: made from options here, and sent as it is to a device over ssh."""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import Step, run
from benchmarks.measure.cases import plan
from benchmarks.measure.latency import EFFORTS
from benchmarks.results.document import Run
from digitrec_edge.errors import BenchmarkError
from digitrec_edge.files import read_file
from digitrec_edge.records import load_json, parse
from runtimes.table import find

PROGRESS_VARIABLE, PROGRESS = "DIGITREC_PROGRESS", "progress "
"""Set to ``lines``, the variable has whoever measures print the progress as lines that begin so."""
_LIMIT_BYTES = 1 << 20


@dataclass(frozen=True)
class BenchmarkRequest:
    """A benchmark to be run.

    Attributes:
        artifacts: files, or folders of them.
        runtimes: names; empty: all that can run each artifact.
        variants: precisions; empty: all.
        threads: that a runtime may use, each number a case of its own.
        batches: pictures per call, likewise.
        effort: ``quick``, ``default`` or ``strict``.
        seed: of the order of the cases and of the bootstrap.
        keep_samples: whether every single sample stays in the results.
        device: what to call the machine; None takes its board's or CPU's name.
        data: data set of the test images; None is the bundled MNIST.
    """

    artifacts: tuple[str, ...]
    runtimes: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    threads: tuple[int, ...] = (1,)
    batches: tuple[int, ...] = (1,)
    effort: str = "default"
    seed: int = 0
    keep_samples: bool = False
    device: str | None = None
    data: str | None = None

    def to_json(self) -> bytes:
        """Return the request as UTF-8 JSON."""
        return json.dumps(dataclasses.asdict(self)).encode()


def read_request(path: Path) -> BenchmarkRequest:
    """Read a request from a file.

    Raises:
        BenchmarkError: it is missing, or no request: a key is missing or unknown, or a value is of the wrong type.
    """
    data = read_file(path, limit_bytes=_LIMIT_BYTES, error=BenchmarkError)
    try:
        return parse(BenchmarkRequest, load_json(data), "request")
    except ValueError as cause:
        raise BenchmarkError(f"{path} is no benchmark request: {cause}") from cause


def measure_request(request: BenchmarkRequest, on_step: Callable[[Step], None] = lambda step: None) -> Run:
    """Plan the cases and measure them on this machine.

    Raises:
        NotInstalledError: a runtime that was asked for by name; and what planning and measuring raise.
    """
    if request.effort not in EFFORTS:
        raise BenchmarkError(f"no effort is called {request.effort!r}; choose from {', '.join(EFFORTS)}")
    for name in request.runtimes:
        if not find(name).installed:
            find(name).load()
    cases = plan(
        [Path(name) for name in request.artifacts],
        request.runtimes,
        variants=request.variants,
        threads=request.threads,
        batches=request.batches,
        data=Path(request.data) if request.data else None,
    )
    return run(
        cases,
        EFFORTS[request.effort],
        device=request.device,
        seed=request.seed,
        keep_samples=request.keep_samples,
        on_step=on_step,
    )
