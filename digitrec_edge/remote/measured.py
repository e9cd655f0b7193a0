"""Whether the results that a device sends are those of the benchmark that it was asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure.cases import plan
from benchmarks.measure.latency import EFFORTS
from benchmarks.request import BenchmarkRequest
from benchmarks.results.document import Document, Key, Run
from digitrec_edge.files import sha256


@dataclass(frozen=True)
class Expected:
    """What the results of a benchmark must be about.

    Attributes:
        keys: the cases.
        sha256: of each artifact, by the name of its file.
    """

    request: BenchmarkRequest
    keys: frozenset[Key]
    sha256: dict[str, str]

    def check(self, document: Document) -> None:
        """See that a document answers what was asked.

        Raises:
            ValueError: it is about something else; says what.
        """
        if len(document.runs) != 1:
            raise ValueError(f"it has {len(document.runs)} runs, 1 is needed")
        (run,) = document.runs
        self._check_run(run)
        keys = [result.key for result in run.results]
        if len(set(keys)) < len(keys):
            raise ValueError("a case is there twice")
        odd = next((result for result in run.results if result.key not in self.keys), None)
        if odd:
            raise ValueError(f"{odd.label[:200]!r} was not asked for")
        if len(keys) < len(self.keys):
            raise ValueError(f"it has {len(keys)} of {len(self.keys)} cases")
        for result in run.results:
            if result.artifact_sha256 != self.sha256[result.artifact] and (result.artifact_sha256 or result.end_to_end):
                raise ValueError(f"{result.artifact!r} is another file there than the one that was sent")

    def _check_run(self, run: Run) -> None:
        if run.effort != EFFORTS[self.request.effort] or run.seed != self.request.seed:
            raise ValueError(
                f"it is another run: effort {run.effort.name[:40]!r} with seed {run.seed}, "
                f"{self.request.effort!r} with {self.request.seed} was asked for"
            )
        if self.request.device not in (None, run.device):
            raise ValueError(f"it is another run: of {run.device!r}, {self.request.device!r} was asked for")
        parts = [part for result in run.results for part in (result.invoke, result.end_to_end) if part]
        if any(part.raw for part in parts) and not self.request.keep_samples:
            raise ValueError("it has single samples, which were not asked for")


def expect(request: BenchmarkRequest, artifacts: Sequence[Path]) -> Expected:
    """Work out what the results must be about; raises what planning the cases raises.

    Args:
        request: as a device will get it.
        artifacts: that it will get.
    """
    cases = plan(
        artifacts, request.runtimes, variants=request.variants, threads=request.threads, batches=request.batches
    )
    keys = frozenset((Path(case.artifact).name, case.runtime, case.threads, case.batch) for case in cases)
    return Expected(request, keys, {path.name: sha256(path.read_bytes()) for path in artifacts})
