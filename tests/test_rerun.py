"""``Model.invoke``: every runtime can run its last input again, for one picture and for a batch."""

from pathlib import Path

import numpy as np
import pytest

from digitrec_edge import mnist
from runtimes import load

CASES = [
    ("digitrec-int8.tflite", "litert"),
    ("digitrec-float32.tflite", "litert"),
    ("digitrec-float32.onnx", "onnxruntime"),
    ("digitrec-int8.onnx", "onnxruntime"),
]


@pytest.mark.parametrize(("name", "runtime"), CASES)
def test_invoke_runs_again_and_changes_no_answer(artifacts: Path, name: str, runtime: str) -> None:
    images = mnist.load("test").images[:5]
    with load(artifacts / name, runtime) as model:
        first = model.classify(images[0])
        model.invoke()
        assert model.classify(images[0]) == first
        many = model.predict(images).digits
        model.invoke()
        assert np.array_equal(model.predict(images).digits, many)
        model.invoke()
        assert model.classify(images[0]) == many[0]
