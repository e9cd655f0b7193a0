"""tflite-runtime: CPython 3.8 to 3.11, numpy 1, also on a 32-bit Raspberry Pi."""

import numpy as np

if np.lib.NumpyVersion(np.__version__) >= "2.0.0":  # it would fail at the first model, after a page of advice
    raise ImportError("tflite-runtime was compiled using NumPy 1")

from tflite_runtime.interpreter import Interpreter

from runtimes.interpreter import InterpreterSession
from runtimes.session import Session


def open_session(data: bytes, threads: int) -> Session:
    """Load a TFLite model from its bytes."""
    return InterpreterSession(Interpreter, data, threads)
