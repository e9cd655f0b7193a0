"""The logits of a whole test set, computed in a process of its own."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge import child, mnist
from digitrec_edge.errors import ParityError
from digitrec_edge.labels import COUNTS
from digitrec_edge.npz import read_arrays, write_arrays
from runtimes import load

TIMEOUT_S = 600.0
FUNCTION = "benchmarks.measure.logits:answer"


@dataclass(frozen=True)
class RuntimeLogits:
    """The logits of an artifact in a runtime.

    Attributes:
        logits: ``(N, 10) float32``, one row per test image, one column per label.
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
    request = {"artifact": str(artifact), "runtime": runtime, "data": str(data) if data else None}
    found = child.ask(FUNCTION, request, TIMEOUT_S, ParityError)
    try:
        (logits,) = read_arrays(base64.b64decode(found["arrays"]), ["logits"])
        name_and_version = str(found["runtime"])
    except (ValueError, KeyError, TypeError) as cause:
        raise ParityError(f"{artifact} in {runtime}: the process gave no readable answer: {cause}") from cause
    if logits.dtype != np.float32 or logits.ndim != 2 or logits.shape[1] not in COUNTS:
        raise ParityError(f"{artifact} in {runtime}: the process answered {logits.dtype} {logits.shape}")
    return RuntimeLogits(logits, name_and_version)


def answer(request: dict[str, Any]) -> dict[str, str]:
    """Do what :func:`runtime_logits` asks for, in the child."""
    with load(request["artifact"], request["runtime"]) as model:
        digits = mnist.load_for(model.labels, "test", Path(request["data"]) if request["data"] else None)
        arrays = write_arrays({"logits": model.logits(digits.images)})
        runtime = f"{model.runtime} {model.runtime_version}"
    return {"arrays": base64.b64encode(arrays).decode(), "runtime": runtime}
