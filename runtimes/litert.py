"""LiteRT, the successor of tflite-runtime (package ai-edge-litert)."""

from ai_edge_litert.interpreter import Interpreter

from runtimes.interpreter import InterpreterSession
from runtimes.session import Session


def open_session(data: bytes, threads: int) -> Session:
    """Load a TFLite model from its bytes."""
    return InterpreterSession(Interpreter, data, threads)
