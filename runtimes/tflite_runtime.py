"""tflite-runtime: CPython 3.8 to 3.11, numpy 1, also on a 32-bit Raspberry Pi."""

import numpy as np

if np.lib.NumpyVersion(np.__version__) >= "2.0.0":  # it would fail at the first model, after a page of advice
    raise ImportError("tflite-runtime was compiled using NumPy 1")

from tflite_runtime.interpreter import Interpreter

from digitrec_edge.artifact import Artifact
from runtimes.interpreter import InterpreterSession
from runtimes.session import Session


def open_session(found: Artifact, threads: int) -> Session:
    """Load a TFLite model."""
    return InterpreterSession(Interpreter, found.model, threads)
