"""Runs a plan of cases on this machine: in rounds, so that whatever drifts hits all cases alike.

A round takes every case once, in an order drawn anew, each in a fresh process bound to fixed cores.
"""

import dataclasses
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.measure import isolation
from benchmarks.measure.affinity import bound_to, choose_cpus
from benchmarks.measure.cases import UNKNOWN, Attempt, Case, Measured
from benchmarks.measure.environment import Condition, describe_condition, describe_environment
from benchmarks.measure.latency import Effort, describe_timer
from benchmarks.measure.memory import Memory
from benchmarks.measure.samples import unpack
from benchmarks.measure.tasks import Packed, Round
from benchmarks.results.document import Quality, Result, Run, Starts
from benchmarks.results.statistics import Summary, summarise
from benchmarks.results.validity import judge
from digitrec_edge import artifact, mnist
from digitrec_edge.errors import ArtifactError, BenchmarkError
from digitrec_edge.files import scratch_folder, sha256
from digitrec_edge.labels import COUNTS
from digitrec_edge.quantization import PIXEL_MAX
from runtimes.loading import unmet
from runtimes.table import find

IMAGES = 1000
"""Test images that the calls go through in turn."""


@dataclasses.dataclass(frozen=True)
class Step:
    """How far a run is: ``done`` of ``total`` child processes; ``text`` says what comes now."""

    done: int
    total: int
    text: str


@dataclasses.dataclass
class _Progress:
    """Everything that was measured of one case so far."""

    case: Case
    unsupported: str
    quality: Measured | None = None
    memory: Memory | None = None
    failure: str = ""
    rounds: list[Round] = dataclasses.field(default_factory=list)
    cold_start_ms: list[float] = dataclasses.field(default_factory=list)

    @property
    def runs(self) -> bool:
        """Whether there is any sense in asking more about it."""
        return not self.unsupported and not self.failure


def run(
    cases: Sequence[Case],
    effort: Effort,
    *,
    device: str | None = None,
    seed: int = 0,
    keep_samples: bool = False,
    on_step: Callable[[Step], None] = lambda step: None,
) -> Run:
    """Measure a plan of cases on this machine.

    A case that cannot run becomes a result that says why. KeyboardInterrupt ends the run and keeps
    every finished round.

    Args:
        cases: see :func:`benchmarks.measure.cases.plan`.
        effort: rounds, warm-up and how long to time.
        device: what to call this machine; None takes its board's or CPU's name.
        seed: of the order of the cases and of the bootstrap.
        keep_samples: keep every single sample in the result.
        on_step: is told before each child process.

    Raises:
        BenchmarkError: nothing to measure, or a batch larger than the test set.
        DataError: the test set cannot be read.
    """
    if not cases:
        raise BenchmarkError("there is nothing to measure; make artifacts with: digitrec-edge export")
    began, started = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    environment, timer = describe_environment(), describe_timer()
    progress = [_Progress(case, why_unsupported(case)) for case in cases]
    conditions = [describe_condition(0.0)]
    interrupted = False
    with scratch_folder(Path(tempfile.gettempdir()) / "digitrec-benchmark") as scratch:
        inputs = _write_inputs(scratch, cases)
        counter = _Counter(on_step, sum(one.runs for one in progress), effort)
        try:
            _measure_once(progress, counter)
            for number in range(effort.rounds):
                _measure_round(progress, effort, inputs, number, seed, counter)
                conditions.append(describe_condition(time.monotonic() - began))
        except KeyboardInterrupt:
            interrupted = True
            conditions.append(describe_condition(time.monotonic() - began))
    return Run(
        device=device or environment.device,
        started=started,
        duration_s=time.monotonic() - began,
        interrupted=interrupted,
        effort=effort,
        seed=seed,
        timer=timer,
        environment=environment,
        conditions=tuple(conditions),
        results=tuple(_result(one, seed, keep_samples, tuple(conditions)) for one in progress),
    )


def why_unsupported(case: Case) -> str:
    """Say why a runtime cannot run an artifact here, as far as that is known beforehand; else nothing.

    It is not installed, or its release lacks an operator. All else is tried, and fails if it does.
    """
    row = find(case.runtime)
    if not row.installed:
        return f"{row.name} is not installed"
    try:
        found = artifact.read(case.artifact)
    except ArtifactError:
        return ""
    return unmet(found, row) or "" if row.runs(found.format.name) else ""


class _Counter:
    """Tells how far the run is; the steps of a case that failed are left out."""

    def __init__(self, on_step: Callable[[Step], None], cases: int, effort: Effort) -> None:
        self._on_step = on_step
        self._per_case = effort.rounds + effort.cold_starts
        self._done, self._total = 0, cases * (2 + self._per_case)

    def step(self, text: str) -> None:
        self._on_step(Step(self._done, self._total, text))
        self._done += 1

    def drop(self) -> None:
        self._total -= 1

    def drop_rounds(self) -> None:
        self._total -= self._per_case


@dataclasses.dataclass(frozen=True)
class _Inputs:
    """Files that the child processes read."""

    images: dict[str | None, Path]
    picture: Path


def _write_inputs(folder: Path, cases: Sequence[Case]) -> _Inputs:
    images: dict[str | None, Path] = {}
    for source in {case.data for case in cases}:
        test = mnist.load("test", Path(source) if source else None, COUNTS[-1]).images
        largest = max(case.batch for case in cases if case.data == source)
        if largest > len(test):
            raise BenchmarkError(
                f"batch is {largest}; the test set has {len(test)} images, 1 to {len(test)} is allowed"
            )
        images[source] = folder / f"images-{len(images)}.npy"
        np.save(images[source], test[: max(IMAGES, largest)])
    picture = folder / "digit.png"
    Image.fromarray(PIXEL_MAX - mnist.load("test").images[0]).save(picture)  # another's first image may have two parts
    return _Inputs(images, picture)


def _measure_once(progress: list[_Progress], counter: _Counter) -> None:
    """Accuracy and parity once per artifact and runtime, peak memory once per case."""
    known: dict[tuple[str, str], Attempt] = {}
    for one in (one for one in progress if one.runs):
        pair = one.case.artifact, one.case.runtime
        if pair in known:
            counter.drop()
        else:
            counter.step(f"accuracy of {one.case.label}")
            known[pair] = isolation.measure(dataclasses.replace(one.case, threads=1, batch=1))
        one.quality, one.failure = known[pair].measured, known[pair].reason
        if one.failure:
            counter.drop()
            counter.drop_rounds()
            continue
        counter.step(f"memory of {one.case.label}")
        with bound_to(choose_cpus(one.case.threads)), _failing(one, counter.drop_rounds):
            one.memory = isolation.measure_memory(one.case)


def _measure_round(
    progress: list[_Progress], effort: Effort, inputs: _Inputs, number: int, seed: int, counter: _Counter
) -> None:
    """Take every case once, in an order of its own for each round."""
    order = np.random.default_rng((seed, number)).permutation(len(progress))
    for one in (progress[k] for k in order):
        case = one.case
        if not one.runs:
            continue
        with bound_to(choose_cpus(case.threads)), _failing(one):
            counter.step(f"round {number + 1}/{effort.rounds}: {case.label}")
            one.rounds.append(isolation.measure_round(case, effort, inputs.images[case.data], number))
            if number < effort.cold_starts:
                counter.step(f"round {number + 1}/{effort.rounds}: cold start of {case.label}")
                one.cold_start_ms.append(isolation.measure_cold_start(case, inputs.picture))


class _failing:  # noqa: N801  (used like contextlib's lower-case helpers)
    """A case that fails is remembered with its reason, and the run goes on."""

    def __init__(self, one: _Progress, then: Callable[[], None] = lambda: None) -> None:
        self._one, self._then = one, then

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, cause: BaseException | None, trace: object) -> bool:
        if not isinstance(cause, BenchmarkError):
            return False
        self._one.failure = str(cause)
        self._then()
        return True


def _result(one: _Progress, seed: int, keep_samples: bool, conditions: tuple[Condition, ...]) -> Result:
    case = one.case
    path = Path(case.artifact)
    try:
        found = artifact.read(path)
        identity = (found.format.name, found.card.variant if found.card else UNKNOWN)
        digest, size = sha256(found.data), len(found.data)
    except ArtifactError:
        identity, digest, size = (path.suffix.lstrip("."), UNKNOWN), None, None
    invoke = end_to_end = starts = None
    cpus: tuple[int, ...] = ()
    if one.rounds and not one.failure:
        invoke = _summary([done.invoke for done in one.rounds], seed, keep_samples)
        end_to_end = _summary([done.end_to_end for done in one.rounds], seed, keep_samples)
        cpus = one.rounds[0].cpus
        starts = Starts(
            import_ms=tuple(done.import_ms for done in one.rounds),
            load_ms=tuple(done.load_ms for done in one.rounds),
            first_us=tuple(done.first_us for done in one.rounds),
            cold_start_ms=tuple(one.cold_start_ms),
        )
    judged = judge(one.unsupported, one.failure, invoke, end_to_end, conditions)
    return Result(
        artifact=path.name,
        format=identity[0],
        variant=identity[1],
        artifact_sha256=digest,
        file_bytes=size,
        runtime=case.runtime,
        runtime_version=one.quality.runtime_version if one.quality else None,
        threads=case.threads,
        batch=case.batch,
        status=judged.status,
        unreliable=judged.unreliable,
        reasons=judged.reasons,
        cpus=cpus,
        quality=_quality(one.quality),
        starts=starts,
        invoke=invoke,
        end_to_end=end_to_end,
        memory=one.memory,
    )


def _summary(parts: list[Packed], seed: int, keep_samples: bool) -> Summary:
    return summarise(
        [unpack(part.samples) for part in parts],
        block_calls=parts[0].block_calls,
        block_us=[value for part in parts for value in part.block_us],
        raw=tuple(part.samples for part in parts) if keep_samples else None,
        seed=seed,
    )


def _quality(measured: Measured | None) -> Quality | None:
    if measured is None:
        return None
    parity = measured.parity
    return Quality(
        accuracy=measured.accuracy,
        class_accuracy=measured.class_accuracy,
        answers=measured.answers,
        reference_accuracy=parity.reference_accuracy if parity else None,
        agreement=parity.agreement if parity else None,
        max_logit_difference=parity.max_logit_difference if parity else None,
        note=measured.parity_note,
    )
