"""Keras to ONNX by tf2onnx, and ONNX to int8 by ONNX Runtime's static quantisation."""

import contextlib
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from converters.ranges import logit_range
from converters.source import Source
from digitrec_edge.quantization import SIDE
from digitrec_edge.training.network import import_tensorflow, reference_logits
from runtimes.table import Target

OPSET = 17
"""Every ONNX Runtime since 1.12 (2022) runs it; nothing here needs a newer one."""

GRAPH_NAME = "digitrec_edge"


def float32(source: Source, target: Target) -> bytes:
    """Convert without quantisation: ``image`` (batch, 28, 28) float32 in 0 to 1, ``logits`` (batch, 10)."""
    payload: bytes = _serialize(_from_keras(source))
    return payload


def int8(source: Source, target: Target) -> bytes:
    """Quantise weights and activations to int8, calibrated on training images; input and output stay float32.

    MatMul and Add are first fused to Gemm, as ONNX Runtime asks for, so that its integer kernels apply. Weights have
    one scale a layer: with one for each unit a call takes a fifth to a quarter more instructions on a Pi.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class CalibrationReader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.batches = iter(images)

        def get_next(self) -> dict[str, Any] | None:
            image = next(self.batches, None)
            return None if image is None else {"image": image[None]}

    images = source.representative_dataset()
    low, high = logit_range(reference_logits(source.fresh_model(), source.calibration_images))
    ends = {"logits": [{"rmin": np.float32(low), "rmax": np.float32(high)}]}
    with tempfile.TemporaryDirectory() as folder:
        plain, fused, quantised = (str(Path(folder) / f"{name}.onnx") for name in ("plain", "fused", "quantised"))
        onnx.save(_from_keras(source), plain)
        with _quiet():
            quant_pre_process(plain, fused, skip_symbolic_shape=True)
            quantize_static(
                fused,
                quantised,
                CalibrationReader(),
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QInt8,
                weight_type=QuantType.QInt8,
                per_channel=False,
                extra_options={"TensorQuantOverrides": ends},
            )
        payload: bytes = _serialize(onnx.load(quantised))
    return payload


def _from_keras(source: Source) -> Any:
    """Convert through a tf.function: tf2onnx.convert.from_keras does not know Keras 3.

    What tf2onnx does not know it leaves in the graph, which the checker then refuses by name.
    """
    tf = import_tensorflow()
    import onnx
    import tf2onnx

    model = source.fresh_model()
    signature = [tf.TensorSpec((None, SIDE, SIDE), tf.float32, name="image")]
    function = tf.function(lambda image: {"logits": model(image, training=False)}, input_signature=signature)
    with _quiet():
        converted, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=OPSET)
    onnx.checker.check_model(converted)
    return converted


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the tools log off the terminal: what goes wrong is raised, too."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _serialize(model: Any) -> bytes:
    """Give every node and value a name that depends on the graph alone, and serialise deterministically."""
    import onnx

    graph = model.graph
    renamed = {"image": "image", "logits": "logits"}
    for k, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{k}"
        for j, value in enumerate(node.output):
            renamed.setdefault(value, f"{node.name}.{j}")
        for j, value in enumerate(node.input):
            if value and value not in renamed and any(value == tensor.name for tensor in graph.initializer):
                renamed[value] = f"{node.name}.input_{j}"
    for node in graph.node:
        node.input[:] = [renamed.get(value, value) for value in node.input]
        node.output[:] = [renamed[value] for value in node.output]
    for tensor in graph.initializer:
        tensor.name = renamed.get(tensor.name, tensor.name)
    used = {value: k for k, value in enumerate(dict.fromkeys(value for node in graph.node for value in node.input))}
    ordered = sorted(graph.initializer, key=lambda tensor: used.get(tensor.name, len(used)))
    del graph.initializer[:]
    graph.initializer.extend(ordered)
    del graph.value_info[:]
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    graph.name = GRAPH_NAME
    graph.doc_string = ""
    domains = {node.domain for node in graph.node}
    kept = [entry for entry in model.opset_import if entry.domain in domains]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    onnx.checker.check_model(model)
    payload: bytes = model.SerializeToString(deterministic=True)
    return payload
