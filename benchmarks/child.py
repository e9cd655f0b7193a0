"""Measures one case; run by benchmarks.isolation with the case as JSON on standard input.

A process of its own keeps cases apart: tflite-runtime cannot be loaded beside TensorFlow, memory and
caches of one case do not help or hurt the next, and a runtime that crashes takes only itself down.
"""

import dataclasses
import json
import os
import sys
import time
from pathlib import Path

from benchmarks.cases import Answer, Case, Measured
from benchmarks.latency import measure_latency
from benchmarks.parity import accuracy, compare
from digitrec_edge import artifact, golden, mnist
from digitrec_edge.card import parse
from digitrec_edge.errors import DigitrecError
from digitrec_edge.mnist import Digits
from runtimes import Model
from runtimes.loading import candidates, choose, load

LATENCY_IMAGES = 1000


def run(case: Case) -> Measured:
    """Measure one case in this process."""
    found = artifact.read(case.artifact)
    row = choose(found.format.name, candidates(case.runtime), case.runtime)
    start = time.perf_counter_ns()
    row.module()
    imported = time.perf_counter_ns()
    with load(case.artifact, case.runtime, case.threads) as model:
        loaded = time.perf_counter_ns()
        digits = mnist.load("test", Path(case.data) if case.data else None)
        logits = model.logits(digits.images)
        reference, note = _reference(case, model, digits)
        return Measured(
            artifact=found.path.name,
            variant=found.card.variant if found.card else "unknown",
            runtime_version=model.runtime_version,
            file_bytes=len(found.data),
            import_ms=(imported - start) / 1e6,
            load_ms=(loaded - imported) / 1e6,
            accuracy=accuracy(logits, digits.labels),
            parity=compare(logits, reference.logits, digits.labels) if reference else None,
            parity_note=note,
            latency=measure_latency(model.classify, digits.images[:LATENCY_IMAGES], case.effort)
            if case.effort
            else None,
        )


def _reference(case: Case, model: Model, digits: Digits) -> tuple[golden.Golden | None, str]:
    """Golden logits are used only when they are those of this artifact's source and of this test set."""
    if case.golden is None:
        return None, "no golden.npz beside the artifact"
    reference = golden.read(Path(case.golden))
    if model.card is None or reference.source_sha256 != model.card.source_sha256:
        return None, "golden.npz belongs to another Keras model"
    if reference.test_sha256 != digits.digest():
        return None, "golden.npz belongs to another test set"
    return reference, ""


def main() -> None:
    """Answer one request: JSON in on standard input, one line of JSON out on standard output."""
    answer_stream = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a runtime prints must not mix with the answer
    try:
        answer = Answer(run(parse(Case, json.load(sys.stdin), "case")), None)
    except DigitrecError as error:
        answer = Answer(None, str(error))
    print(json.dumps(dataclasses.asdict(answer)), file=answer_stream, flush=True)


if __name__ == "__main__":
    main()
