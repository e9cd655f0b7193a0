"""Answers one question about one case; run by benchmarks.measure.isolation with JSON on standard input.

A process of its own keeps cases apart: tflite-runtime cannot be loaded beside TensorFlow, memory and
caches of one case do not help or hurt the next, and a runtime that crashes takes only itself down.
"""

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure.affinity import current_cpus
from benchmarks.measure.cases import UNKNOWN, Case, Measured
from benchmarks.measure.latency import Effort, Timed, measure_latency, undisturbed
from benchmarks.measure.memory import Memory, peak_memory_bytes
from benchmarks.measure.samples import pack
from benchmarks.quality.accuracy import accuracy, class_accuracy
from benchmarks.quality.answers import pack_answers
from benchmarks.quality.parity import compare
from digitrec_edge import artifact, mnist
from digitrec_edge.artifact import golden
from digitrec_edge.quantization import SIDE
from digitrec_edge.records import parse
from runtimes import Model
from runtimes.loading import candidates, choose, load, open_model
from runtimes.table import RuntimeRow

MEMORY_CALLS = 100
"""After which a process has taken what it takes."""


@dataclass(frozen=True)
class Packed:
    """:class:`benchmarks.measure.latency.Timed` on its way to another process."""

    samples: str
    block_calls: int | None
    block_us: tuple[float, ...]


@dataclass(frozen=True)
class Round:
    """One round of one case.

    Attributes:
        cpus: the cores that the process was bound to.
        import_ms: of the runtime, numpy already there.
        load_ms: file to ready model.
        first_us: the first call.
    """

    cpus: tuple[int, ...]
    runtime_version: str
    import_ms: float
    load_ms: float
    first_us: float
    invoke: Packed
    end_to_end: Packed


def measure_quality(case: Case) -> Measured:
    """Run the whole test set and compare with its labels and with the golden logits."""
    with load(case.artifact, case.runtime, case.threads) as model:
        digits = mnist.load_for(model.labels, "test", Path(case.data) if case.data else None)
        logits = model.logits(digits.images)
        test_sha256 = digits.digest()
        reference, note = _reference(case, model, test_sha256)
        found = logits.argmax(axis=1)
        return Measured(
            artifact=model.artifact.path.name,
            variant=model.card.variant if model.card else UNKNOWN,
            runtime_version=model.runtime_version,
            file_bytes=len(model.artifact.data),
            accuracy=accuracy(found, digits.labels),
            class_accuracy=class_accuracy(found, digits.labels, len(model.labels)),
            answers=pack_answers(found, digits.labels, test_sha256),
            parity=compare(logits, reference.logits, digits.labels) if reference else None,
            parity_note=note,
        )


def _reference(case: Case, model: Model, test_sha256: str) -> tuple[golden.Golden | None, str]:
    """Golden logits are used only when they are those of this artifact's source and of this test set."""
    if case.golden is None:
        return None, f"no {golden.FILE_NAME} beside the artifact"
    reference = golden.read(Path(case.golden))
    if model.card is None or reference.source_sha256 != model.card.source_sha256:
        return None, f"{golden.FILE_NAME} belongs to another Keras model"
    if reference.test_sha256 != test_sha256:
        return None, f"{golden.FILE_NAME} belongs to another test set"
    return reference, ""


def measure_round(case: Case, effort: Effort, images: NDArray[np.uint8], number: int) -> Round:
    """Time one case in this fresh process: import, load, first call, then the steady state.

    Args:
        case: what to load and how to call it.
        effort: how long to time.
        images: ``(N, 28, 28) uint8``, N at least the batch.
        number: of the round; in odd ones ``invoke`` is timed before the whole call.
    """
    row = _chosen(case)
    with undisturbed():
        start = time.perf_counter_ns()
        row.load()
        imported = time.perf_counter_ns()
        model = open_model(artifact.read(case.artifact), row, case.threads)
        loaded = time.perf_counter_ns()
        call, arguments = prepare_call(model, images, case.batch)
        before = time.perf_counter_ns()
        call(arguments[0])
        first = time.perf_counter_ns()
    with model:
        parts: dict[str, Timed] = {}
        for part in ("invoke", "end_to_end") if number % 2 else ("end_to_end", "invoke"):
            if part == "invoke":
                parts[part] = measure_latency(model.invoke, None, effort)
            else:
                parts[part] = measure_latency(call, arguments, effort)
        return Round(
            cpus=current_cpus(),
            runtime_version=model.runtime_version,
            import_ms=(imported - start) / 1e6,
            load_ms=(loaded - imported) / 1e6,
            first_us=(first - before) / 1e3,
            invoke=_packed(parts["invoke"]),
            end_to_end=_packed(parts["end_to_end"]),
        )


def prepare_call(model: Model, images: NDArray[np.uint8], batch: int) -> tuple[Any, list[NDArray[np.uint8]]]:
    """Return what a user calls, uint8 pictures in and digits out, and its arguments in turn."""
    if batch == 1:
        return model.classify, list(images)
    whole = len(images) // batch * batch
    return (lambda pictures: model.predict(pictures).digits), list(images[:whole].reshape(-1, batch, *images.shape[1:]))


def _packed(timed: Timed) -> Packed:
    return Packed(pack(timed.samples_ns), timed.block_calls, timed.block_us)


def _chosen(case: Case) -> RuntimeRow:
    """Name the runtime before the clock runs; reading the file also brings it into the system's cache."""
    found = artifact.read(case.artifact)
    return choose(found.format.name, candidates(case.runtime))


def measure_memory(case: Case) -> Memory:
    """Load and call a little in this fresh process, and ask for the highest resident memory so far."""
    before = peak_memory_bytes()
    row = _chosen(case)
    row.load()
    images = np.random.default_rng(0).integers(0, 256, (case.batch, SIDE, SIDE), dtype=np.uint8)
    with load(case.artifact, case.runtime, case.threads) as model:
        call, arguments = prepare_call(model, images, case.batch)
        for _ in range(MEMORY_CALLS):
            call(arguments[0])
        return Memory(peak_memory_bytes(), before)


def answer(request: dict[str, Any]) -> Any:
    """Do the task that a request names; the answer is plain JSON."""
    case = parse(Case, request["case"], "case")
    task = request["task"]
    if task == "quality":
        return dataclasses.asdict(measure_quality(case))
    if task == "round":
        images = np.load(request["images"], allow_pickle=False)
        effort = parse(Effort, request["effort"], "effort")
        return dataclasses.asdict(measure_round(case, effort, images, request["number"]))
    if task == "memory":
        return dataclasses.asdict(measure_memory(case))
    raise ValueError(f"no task is called {task!r}")
