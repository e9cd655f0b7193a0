"""What a converted TFLite file still lacks: names, a free batch, true versions, metadata, alignment."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from converters.tflite_metadata import METADATA_NAME, build_metadata
from converters.tflite_ports import DEQUANTIZE, give, take_pixels
from digitrec_edge.formats.tflite_operators import BUILTIN_OPERATORS

DESCRIPTION = "digitrec_edge"
CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED, RESHAPE = map(
    BUILTIN_OPERATORS.index, ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "RESHAPE")
)
"""Codes of BuiltinOperator in TFLite's schema."""

_OPERATORS = {"Dense": FULLY_CONNECTED, "Conv2D": CONV_2D, "DepthwiseConv2D": DEPTHWISE_CONV_2D}
"""Keras layer -> the operator that computes with its weights."""

_ALIGNMENT_BYTES = 16


def finish(
    payload: bytes,
    layers: Sequence[tuple[str, str]],
    *,
    lowest_versions: Mapping[int, int] | None = None,
    pixels_in: bool = False,
    output_type: str = "",
) -> bytes:
    """Name the tensors, free the batch in RESHAPE, describe the file and align its buffers.

    TensorFlow leaves buffers unaligned; microcontrollers and some delegates need 16 bytes.

    Args:
        payload: as a converter wrote it.
        layers: class and name of the Keras layers that have weights, in their order.
        lowest_versions: operator code -> version that it is raised to: ai-edge-quantizer leaves FULLY_CONNECTED at
            version 1, and tflite-runtime 2.14 then runs it and answers wrongly.
        pixels_in: whether the input becomes uint8, with scale 1/255 and zero point 0.
        output_type: of the logits; empty leaves what they are.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    model = read_model(payload)
    _take_in_buffers(model, payload)
    (graph,) = model.subgraphs
    model.description = DESCRIPTION
    graph.name = "main"
    if pixels_in:
        take_pixels(schema, model, graph)
    if output_type:
        give(schema, model, graph, output_type)
    _name_tensors(model, graph, layers)
    for signature in model.signatureDefs or []:
        signature.inputs[0].name, signature.outputs[0].name = "image", "logits"
    for code in model.operatorCodes:
        code.version = max(code.version, (lowest_versions or {}).get(code.builtinCode, 1))
    _free_batch(model, graph)
    _add_metadata(schema, model)
    model.buffers = [_AlignedBuffer(schema, buffer.data) for buffer in model.buffers]
    return write_model(model, len(payload))


def read_model(payload: bytes) -> Any:
    """Return a TFLite file in the schema's own object form, which can be changed in place."""
    from tensorflow.lite.python import schema_py_generated as schema

    return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(payload, 0))


def write_model(model: Any, about_bytes: int) -> bytes:
    """Return the TFLite file of that form; so much memory is taken for it at first."""
    import flatbuffers

    builder = flatbuffers.Builder(about_bytes + 8192)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _take_in_buffers(model: Any, payload: bytes) -> None:
    """Bring buffers that lie behind the flatbuffer into it: so ai-edge-quantizer writes them from 256 KiB on."""
    for buffer in model.buffers:
        if buffer.offset > 1:  # 0 and 1 stand for none
            buffer.data = np.frombuffer(payload, np.uint8, buffer.size, buffer.offset)
        buffer.offset = buffer.size = 0


def _names(codes: Sequence[int], layers: Sequence[tuple[str, str]]) -> dict[int, list[str]]:
    """Return per operator code the names of its layers, where there are as many of them as there are operators."""
    named = {code: [name for kind, name in layers if _OPERATORS.get(kind) == code] for code in _OPERATORS.values()}
    return {code: names for code, names in named.items() if len(names) == codes.count(code)}


def _name_tensors(model: Any, graph: Any, layers: Sequence[tuple[str, str]]) -> None:
    """Name tensors after their layers: ``hidden_1``, ``hidden_1/kernel``; else after the operator and its number."""
    codes = [model.operatorCodes[operator.opcodeIndex].builtinCode for operator in graph.operators]
    left = _names(codes, layers)
    for k, (code, operator) in enumerate(zip(codes, graph.operators, strict=True)):
        name = f"{BUILTIN_OPERATORS[code].lower()}_{k}"
        parts = [f"{name}/input_{j}" for j in range(len(operator.inputs))]
        if left.get(code):
            name = left[code].pop(0)
            parts = ["", f"{name}/kernel", f"{name}/bias"]
        for index, part in zip(operator.inputs[1:], parts[1:], strict=False):
            if index >= 0:  # a layer may have no bias
                graph.tensors[index].name = part
        graph.tensors[operator.outputs[0]].name = name
    for operator in graph.operators:  # stored narrow, widened by DEQUANTIZE, read by a layer
        if model.operatorCodes[operator.opcodeIndex].builtinCode == DEQUANTIZE:
            stored, widened = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
            readers = [o for o in graph.operators if operator.outputs[0] in list(o.inputs)]
            if readers and model.buffers[stored.buffer].data is not None:
                reader = graph.tensors[readers[0].outputs[0]].name
                kind = "kernel" if list(readers[0].inputs).index(operator.outputs[0]) == 1 else "bias"
                stored.name, widened.name = f"{reader}/{kind}", f"{reader}/{kind}/float32"
    image, logits = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    image.name = "image"
    for tensor in (tensor for tensor in graph.tensors if tensor.name == "logits" and tensor is not logits):
        tensor.name = "logits/int8"  # the last layer is called so; behind it its numbers change their type
    logits.name = "logits"


def _free_batch(model: Any, graph: Any) -> None:
    """RESHAPE to (1, ...) becomes RESHAPE to (-1, ...), in the constant and in the options."""
    for operator in graph.operators:
        if model.operatorCodes[operator.opcodeIndex].builtinCode != RESHAPE:
            continue
        buffer = model.buffers[graph.tensors[operator.inputs[1]].buffer]
        shape = np.asarray(buffer.data, np.uint8).view("<i4").copy()
        shape[0] = -1
        buffer.data = shape.view(np.uint8)
        if operator.builtinOptions is not None and operator.builtinOptions.newShape is not None:
            operator.builtinOptions.newShape = shape.tolist()


def _add_metadata(schema: Any, model: Any) -> None:
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(build_metadata(), np.uint8)
    entry.name, entry.buffer = METADATA_NAME, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]


class _AlignedBuffer:
    """Stands in for the schema's BufferT, whose Pack does not align."""

    def __init__(self, schema: Any, data: Any) -> None:
        self._schema = schema
        self._data = b"" if data is None else np.asarray(data, np.uint8).tobytes()

    def Pack(self, builder: Any) -> int:  # noqa: N802  (the schema's name)
        vector = None
        if self._data:
            builder.StartVector(1, len(self._data), _ALIGNMENT_BYTES)
            start = builder.head - len(self._data)
            builder.head = start
            builder.Bytes[start : start + len(self._data)] = self._data
            vector = builder.EndVector()
        self._schema.BufferStart(builder)
        if vector is not None:
            self._schema.BufferAddData(builder, vector)
        end: int = self._schema.BufferEnd(builder)
        return end
