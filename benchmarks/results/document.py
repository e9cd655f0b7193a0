"""A benchmark's results as frozen dataclasses; JSON only at the edge.

A document holds one run per device; documents of several devices merge into one. The JSON Schema
beside it is made from these classes by ``benchmarks.results.schema``.
"""

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from benchmarks.measure.cases import case_label
from benchmarks.measure.environment import Condition, Environment
from benchmarks.measure.latency import Effort, Timer
from benchmarks.measure.memory import Memory
from benchmarks.quality.answers import Answers
from benchmarks.quality.significance import wilson
from benchmarks.results.statistics import Microseconds, Summary
from benchmarks.results.validity import QUANTITIES, Quantity, Status
from digitrec_edge import __version__
from digitrec_edge.errors import BenchmarkError
from digitrec_edge.files import read_file
from digitrec_edge.records import Count, Name, NewerVersionError, Share, Text, Within, load_json, parse, read_version

RESULTS_VERSION = 2
_LIMIT_BYTES = 1 << 30

Milliseconds = Annotated[float, Within(0, 1e9)]
Key = tuple[str, str, int, int]


@dataclass(frozen=True)
class Quality:
    """What an artifact answers, over the whole test set.

    Attributes:
        accuracy: share of right digits, 0 to 1.
        class_accuracy: the same for each digit, or each other label; None for one that the test set lacks.
        answers: what each image was read as; None in results of version 1.
        reference_accuracy, agreement, max_logit_difference: against the Keras model; None without golden logits.
        note: why there are none.
    """

    accuracy: Share
    class_accuracy: Annotated[tuple[Share | None, ...], Within(2, 1000)]
    answers: Answers | None
    reference_accuracy: Share | None
    agreement: Share | None
    max_logit_difference: Annotated[float, Within(0, 1e30)] | None
    note: Text

    @property
    def accuracy_interval(self) -> tuple[float, float] | None:
        """The 95 % Wilson interval of the accuracy, 0 to 1; None where the number of images is not known."""
        if self.answers is None:
            return None
        return wilson(round(self.accuracy * self.answers.images), self.answers.images)


@dataclass(frozen=True)
class Starts:
    """What happens once per process, an entry per round.

    Attributes:
        import_ms: of the runtime, numpy already there.
        load_ms: file to ready model.
        first_us: the first call.
        cold_start_ms: the whole process ``python -m digitrec_edge predict``, from nothing to a digit.
    """

    import_ms: tuple[Milliseconds, ...]
    load_ms: tuple[Milliseconds, ...]
    first_us: tuple[Microseconds, ...]
    cold_start_ms: tuple[Milliseconds, ...]


@dataclass(frozen=True)
class Result:
    """One case on one device.

    Attributes:
        status: ``ok``; ``invalid``: measured, but its end to end cannot be relied on; ``failed``: it should have run
            and did not; ``unsupported``: the runtime is not installed or lacks what the model needs, so it was not
            tried; ``skipped``: the run was interrupted before it.
        unreliable: the quantities that were too noisy or throttled, ``end_to_end`` exactly where the status is
            ``invalid``; both in ``invalid`` results of version 1, which did not tell them apart.
        reasons: why it is not ``ok``, or why a quantity is unreliable.
        cpus: the cores that it was bound to; empty when it was not.
        invoke: the model alone, on an input that is already there.
        end_to_end: uint8 pictures in, digits out; for one call, whatever its batch.
    """

    artifact: Name
    format: Text
    variant: Name
    artifact_sha256: Annotated[str, Within(64, 64)] | None
    file_bytes: Count | None
    runtime: Name
    runtime_version: Text | None
    threads: Annotated[int, Within(1, 1024)]
    batch: Annotated[int, Within(1, 1_000_000)]
    status: Status
    unreliable: Annotated[tuple[Quantity, ...], Within(0, len(QUANTITIES))]
    reasons: tuple[Text, ...]
    cpus: tuple[Annotated[int, Within(0, 1 << 16)], ...]
    quality: Quality | None
    starts: Starts | None
    invoke: Summary | None
    end_to_end: Summary | None
    memory: Memory | None

    @property
    def key(self) -> Key:
        """What makes it the same case in another run."""
        return self.artifact, self.runtime, self.threads, self.batch

    @property
    def label(self) -> str:
        """What to call the case in one line."""
        return case_label(f"{self.artifact} on {self.runtime}", self.threads, self.batch)

    def reliable(self, quantity: Quantity) -> Summary | None:
        """Return the figures of a quantity; None where there are none that can be relied on."""
        found: Summary | None = getattr(self, quantity)
        return None if quantity in self.unreliable else found


@dataclass(frozen=True)
class Run:
    """All cases on one device.

    Attributes:
        device: the board's name, unique within a document.
        started: UTC, ISO 8601.
        interrupted: the user ended it early; finished rounds are kept.
        conditions: of the machine, before the first round and after each.
    """

    device: Name
    started: Text
    duration_s: Annotated[float, Within(0, 1e9)]
    interrupted: bool
    effort: Effort
    seed: int
    timer: Timer
    environment: Environment
    conditions: tuple[Condition, ...]
    results: tuple[Result, ...]


@dataclass(frozen=True)
class Document:
    """What is in a results file."""

    version: int
    generator: Text
    runs: tuple[Run, ...]

    def to_json(self) -> bytes:
        """Return the document as UTF-8 JSON."""
        return json.dumps(dataclasses.asdict(self), indent=1, allow_nan=False).encode() + b"\n"


def _read_1(raw: Any) -> Document:
    """What version 2 added is not known."""
    for run in _items(raw, "runs"):
        for result in _items(run, "results"):
            if isinstance(result, dict):
                result["unreliable"] = list(QUANTITIES) if result.get("status") == "invalid" else []
                if isinstance(result.get("quality"), dict):
                    result["quality"] = {**result["quality"], "answers": None}
    return _read_2({**raw, "version": RESULTS_VERSION})


def _items(raw: Any, key: str) -> list[Any]:
    found = raw.get(key) if isinstance(raw, dict) else None
    return found if isinstance(found, list) else []


def _read_2(raw: Any) -> Document:
    found = parse(Document, raw, "document")
    for run in found.runs:
        datetime.fromisoformat(run.started)
        for result in run.results:
            if result.status in ("ok", "invalid") and None in (result.quality, result.invoke, result.end_to_end):
                raise ValueError(f"{result.label} is {result.status} and has no figures")
            if ("end_to_end" in result.unreliable) != (result.status == "invalid"):
                raise ValueError(f"{result.label} is {result.status}, unreliable is {result.unreliable}")
            if result.quality and result.quality.answers:
                _check_answers(result.quality, result.quality.answers, result.label)
            for summary in filter(None, (result.invoke, result.end_to_end)):
                _check(summary, result.label)
    return found


def _check(summary: Summary, label: str) -> None:
    """Refuse figures that no sample of times has, before anything is computed with them."""
    low, high = summary.p50_interval_us
    if not 0 < low <= summary.p50_us <= high:
        raise ValueError(f"{label}: a median of {summary.p50_us} us [{low}, {high}] is no time")
    quantiles = summary.quantiles_us
    if list(quantiles) != sorted(quantiles) or not quantiles[50] > 0:
        raise ValueError(f"{label}: the quantiles are those of no sample")


def _check_answers(quality: Quality, answers: Answers, label: str) -> None:
    """The accuracy is that of the answers."""
    _, right = answers.unpack()
    if abs(float(right.mean()) - quality.accuracy) > 1e-9:
        raise ValueError(f"{label}: the accuracy is {quality.accuracy}, that of its answers is {right.mean()}")


_READERS: dict[int, Callable[[Any], Document]] = {1: _read_1, 2: _read_2}
"""Version -> reader; what a later version adds, the readers of older ones fill in."""


def document(*runs: Run) -> Document:
    """Make a document of runs."""
    return Document(RESULTS_VERSION, f"digitrec-edge {__version__}", runs)


def from_json(data: bytes, name: str = "the document") -> Document:
    """Read a document.

    Raises:
        BenchmarkError: no JSON, a newer version, a missing or unknown key, or a value of the wrong type.
    """
    try:
        raw = load_json(data)
        if not isinstance(raw, dict) or "runs" not in raw:  # before its version: other files of ours have one, too
            raise ValueError("it has no runs")
        made_by = str(raw.get("generator", "")).removeprefix("digitrec-edge ")
        return read_version(raw, "version", _READERS, made_by)
    except NewerVersionError as cause:
        raise BenchmarkError(f"{name} was {cause}") from cause
    except ValueError as cause:
        raise BenchmarkError(
            f"{name} is no benchmark document: {cause}; give what benchmark --json wrote, or measure again"
        ) from cause


def read(path: Path) -> Document:
    """Read a document from a file; raises what :func:`from_json` raises, and for a missing file."""
    return from_json(read_file(path, limit_bytes=_LIMIT_BYTES, error=BenchmarkError), str(path))


def merge(documents: Sequence[Document]) -> Document:
    """Put the runs of several documents into one.

    Raises:
        BenchmarkError: two runs have the same device name.
    """
    runs = [run for one in documents for run in one.runs]
    names = [run.device for run in runs]
    for name in names:
        if names.count(name) > 1:
            raise BenchmarkError(f"two runs are of a device called {name!r}; measure one again with another --device")
    return document(*runs)
