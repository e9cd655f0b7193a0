"""Runs on a board and on this machine: every artifact in every runtime over the whole test set.

``answers.py FOLDER OUTPUT.npz``: for each pair that runs, ``ARTIFACT on RUNTIME`` is an array of logits,
``(10000, 10) float32``, and ``ARTIFACT on RUNTIME singly`` has the digits of the first 200 pictures, one call each.
Standard output is one JSON object: the kernels of each pair, and why the others were refused.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from digitrec_edge import artifact, mnist
from digitrec_edge.errors import ArtifactError, RuntimeUnavailableError
from runtimes import RUNTIMES, load

SINGLES = 200


def kernels(path: Path, runtime: str) -> str:
    """Name the kernels that compute a model, or those whose rounding they have."""
    if runtime == "onnxruntime":
        return "MLAS"
    if runtime == "native":
        return "XNNPACK's rounding"
    if runtime == "litert":
        from ai_edge_litert.interpreter import Interpreter
    else:
        from tflite_runtime.interpreter import Interpreter
    interpreter: Any = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    names = {operator["op_name"] for operator in interpreter._get_ops_details()}
    return "XNNPACK" if "DELEGATE" in names else f"built-in {'+'.join(sorted(names))}"


def main(folder: Path, output: Path) -> None:
    """Answer everything that can be answered here."""
    images = mnist.load("test").images
    arrays: dict[str, Any] = {}
    report: dict[str, dict[str, str]] = {"kernels": {}, "refused": {}}
    for path in sorted(folder.iterdir()):
        if path.suffix not in (".tflite", ".onnx", ".ort"):
            continue
        kind = artifact.read(path).format.name
        for row in RUNTIMES:
            if kind not in row.formats or not row.installed:
                continue
            name = f"{path.name} on {row.name}"
            try:
                with load(path, row.name) as model:
                    arrays[name] = model.logits(images)
                    arrays[f"{name} singly"] = np.array([model.classify(image) for image in images[:SINGLES]])
                report["kernels"][name] = kernels(path, row.name)
            except (ArtifactError, RuntimeUnavailableError) as error:
                report["refused"][name] = str(error)
    np.savez(output, **arrays)
    print(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
