"""What a batch costs beyond the runtime itself: ``model.logits`` against a raw loop over the same pictures.

``python benchmarks/scripts/batch_speed.py`` takes 256 pictures per call, in turns, in one process per runtime, and
prints medians and their ratio; it ends with 1 when a ratio is over 1.1. The raw loop is what one would write by hand:
the whole batch made the model's input in one numpy expression, and the runtime called on it.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from digitrec_edge import mnist, pretrained
from runtimes import load

PICTURES, ROUNDS, LIMIT = 256, 400, 1.1
CASES = (("litert", "tflite"), ("tflite-runtime", "tflite"), ("onnxruntime", "onnx"))


def raw_call(model: Any, images: Any) -> Callable[[], Any]:
    """The runtime's own call, with the input made in one expression."""
    session = model._session
    if model.runtime == "onnxruntime":
        own, name = session._session, session.input.name
        return lambda: own.run(None, {name: images.astype(np.float32) / np.float32(255)})[0]
    session.run_batch(images)  # makes the interpreter for so many pictures
    many, source, sink = session._many, session._source, session._sink

    def call() -> Any:
        many.set_tensor(source, images)
        many.invoke()
        return many.get_tensor(sink)

    return call


def measure(runtime: str, kind: str) -> float:
    """Print both medians; returns the ratio."""
    images = mnist.load("test").images[:PICTURES]
    with load(pretrained.BY_FORMAT[kind], runtime) as model:
        calls = {"logits": lambda: model.logits(images), "raw": raw_call(model, images)}
        times: dict[str, list[int]] = {name: [] for name in calls}
        for _ in range(ROUNDS):
            for name, call in calls.items():
                start = time.perf_counter_ns()
                call()
                times[name].append(time.perf_counter_ns() - start)
    whole, raw = (statistics.median(times[name][20:]) / 1000 for name in ("logits", "raw"))
    pairs = [a / b for a, b in zip(times["logits"][20:], times["raw"][20:], strict=True)]
    ratio = statistics.median(pairs)
    print(f"{runtime:15} logits {whole:8.1f} us  raw loop {raw:8.1f} us  ratio {ratio:.2f}", flush=True)
    return ratio


if __name__ == "__main__":
    if len(sys.argv) == 3:
        sys.exit(measure(sys.argv[1], sys.argv[2]) > LIMIT)
    sys.exit(max(subprocess.run([sys.executable, __file__, *case]).returncode for case in CASES))
