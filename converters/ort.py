"""ONNX to ONNX Runtime's own format, optimised ahead of time: what its small builds for mobile devices load."""

import tempfile
from pathlib import Path

from converters import onnx
from converters.source import Source
from runtimes.table import Target


def float32(source: Source, target: Target) -> bytes:
    """Convert without quantisation."""
    return _convert(onnx.float32(source, target))


def int8(source: Source, target: Target) -> bytes:
    """Convert with int8 weights and activations."""
    return _convert(onnx.int8(source, target))


def _convert(payload: bytes) -> bytes:
    """Optimise and save, in the Fixed style: the graph is final, so that loading is quick.

    This is what ``python -m onnxruntime.tools.convert_onnx_models_to_ort --optimization_style Fixed``
    does, optimisations for one CPU's own layout (NCHWc) left out. The bytes differ from one run to
    the next; the graph and its answers do not.
    """
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.ort"
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.optimized_model_filepath = str(path)
        options.add_session_config_entry("session.save_model_format", "ORT")
        onnxruntime.InferenceSession(
            payload, options, providers=["CPUExecutionProvider"], disabled_optimizers=["NchwcTransformer"]
        )
        return path.read_bytes()
