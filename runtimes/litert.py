"""LiteRT, the successor of tflite-runtime (package ai-edge-litert)."""

from ai_edge_litert.interpreter import Interpreter

from digitrec_edge.artifact import Artifact
from runtimes.interpreter import InterpreterSession
from runtimes.session import Session


def open_session(found: Artifact, threads: int) -> Session:
    """Load a TFLite model."""
    return InterpreterSession(Interpreter, found.model, threads)
