"""The logits of a whole test set in a process of its own; run as ``python -m benchmarks.measure.logits``.

tflite-runtime cannot be loaded beside TensorFlow, and a runtime that crashes must take only itself down.
"""

import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitrec_edge import mnist
from digitrec_edge.errors import DigitrecError, ParityError
from digitrec_edge.npz import read_arrays
from runtimes import load

TIMEOUT_S = 600.0

CHILD = "import sys; sys.path[:] = filter(None, sys.path); from benchmarks.measure.logits import main; main()"
"""Not ``-m benchmarks.measure.logits``: that would look for the package in the working directory first."""


@dataclass(frozen=True)
class RuntimeLogits:
    """What an artifact answered.

    Attributes:
        logits: ``(N, 10) float32``, one row per test image.
        runtime: name and version.
    """

    logits: NDArray[np.float32]
    runtime: str


def runtime_logits(artifact: Path, runtime: str, data: Path | None = None) -> RuntimeLogits:
    """Run an artifact over the test set, one thread, in a fresh process.

    Args:
        artifact: path of the file.
        runtime: name of the runtime.
        data: data set, None is the bundled MNIST.

    Raises:
        ParityError: the process failed, died or gave no answer in time; names the reason.
    """
    request = json.dumps({"artifact": str(artifact), "runtime": runtime, "data": str(data) if data else None})
    command = [sys.executable, "-c", CHILD]
    try:
        done = subprocess.run(command, input=request.encode(), capture_output=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise ParityError(f"{artifact} in {runtime}: no answer within {TIMEOUT_S:.0f} s") from None
    if done.returncode < 0:
        names = {int(number): number.name for number in signal.Signals}
        name = names.get(-done.returncode, f"signal {-done.returncode}")
        raise ParityError(f"{artifact} in {runtime}: the process died of {name}")
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise ParityError(lines[-1][:400])
    try:
        logits, name_and_version = read_arrays(done.stdout, ("logits", "runtime"))
    except ValueError as cause:
        raise ParityError(f"{artifact} in {runtime}: the process gave no readable answer: {cause}") from cause
    if logits.dtype != np.float32 or logits.ndim != 2 or logits.shape[1] != mnist.CLASSES:
        raise ParityError(f"{artifact} in {runtime}: the process answered {logits.dtype} {logits.shape}")
    return RuntimeLogits(logits, str(name_and_version))


def main() -> None:
    """Answer one request: JSON in on standard input, a .npz out on standard output."""
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a runtime prints must not mix with the answer
    request = json.load(sys.stdin)
    try:
        digits = mnist.load("test", Path(request["data"]) if request["data"] else None)
        with load(request["artifact"], request["runtime"]) as model:
            logits = model.logits(digits.images)
            runtime = f"{model.runtime} {model.runtime_version}"
    except DigitrecError as error:
        sys.exit(str(error))
    stream = io.BytesIO()
    np.savez(stream, logits=logits, runtime=np.array(runtime))
    answer.write(stream.getvalue())
    answer.flush()


if __name__ == "__main__":
    main()
