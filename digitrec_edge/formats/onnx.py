"""ONNX files: the graph, and card and sample as ``metadata_props`` appended at the end.

Field numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3. Appending fields
is how protobuf extends a message, so the payload stays byte for byte what the converter wrote.
"""

import base64
import binascii
import math
import struct
from collections.abc import Mapping

from digitrec_edge.formats import CARD_FILE, SAMPLE_FILE, SEAL_BYTES
from digitrec_edge.formats.graph import Graph, MalformedError, Operator, Tensor
from digitrec_edge.formats.protobuf import Message, encode_bytes, fields

LIMIT_TENSOR_BYTES = 256 << 20
"""Of one tensor; the recogniser's largest has 1 MB."""

_SEAL_NAME = "digitrec_edge.seal"
_IR_VERSION, _GRAPH, _OPSET, _METADATA = 1, 7, 8, 14
_DTYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool",
    10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 16: "bfloat16", 21: "uint4", 22: "int4",
}  # fmt: skip
_ITEM_BITS = {"float32": 32, "int8": 8, "uint8": 8, "int32": 32, "int64": 64, "float16": 16, "float64": 64}


def recognise(data: bytes) -> bool:
    """Whether the top level is an ONNX ModelProto with a graph (ONNX has no magic number)."""
    try:
        numbers = {number for number, _, _ in fields(memoryview(data))}
    except MalformedError:
        return data[:1] == b"\x08" and b"onnx" in data[:4096]
    return {_IR_VERSION, _GRAPH} <= numbers <= {*range(1, 9), _METADATA, 20, 25, 26}


def describe(payload: bytes) -> Graph:
    """Read inputs, outputs, tensors and operators.

    Raises:
        MalformedError: not an ONNX model.
    """
    model = Message(memoryview(payload))
    graphs = model.messages(_GRAPH)
    if not graphs:
        raise MalformedError("no graph")
    graph = graphs[-1]
    opsets = {message.text(1): message.number(2) for message in model.messages(_OPSET)}
    nodes = graph.messages(1)
    initializers = {message.text(8): message for message in graph.messages(5)}
    operators = tuple(
        Operator(node.text(4), opsets.get(node.text(7), 0), node.texts(1), node.texts(2)) for node in nodes
    )
    inputs = tuple(_value(message) for message in graph.messages(11) if message.text(1) not in initializers)
    outputs = tuple(_value(message) for message in graph.messages(12))
    affine = _affine(operators, initializers)
    stored = tuple(_initializer(name, message, *affine.get(name, ((), ()))) for name, message in initializers.items())
    used = {node.text(7) for node in nodes}
    needs = [(f"{domain or 'ai.onnx'} opset", version) for domain, version in opsets.items() if domain in used]
    return Graph(inputs, outputs, inputs + stored + outputs, operators, (("ONNX IR", model.number(1)), *needs))


def _value(message: Message) -> Tensor:
    kinds = message.messages(2)
    tensors = kinds[-1].messages(1) if kinds else []
    if not tensors:
        return Tensor(message.text(1), (), "unknown")
    shapes = tensors[-1].messages(2)
    dimensions = shapes[-1].messages(1) if shapes else []
    shape = tuple(d.number(1) if d.has(1) else (d.text(2) or "?") for d in dimensions)
    return Tensor(message.text(1), shape, dtype_name(tensors[-1].number(1)))


def _initializer(name: str, message: Message, scale: tuple[float, ...], zero_point: tuple[int, ...]) -> Tensor:
    shape = tuple(message.numbers(1))
    dtype = dtype_name(message.number(2))
    stored = len(message.chunks(9)[-1]) if message.has(9) else math.prod(shape) * _ITEM_BITS.get(dtype, 0) // 8
    return Tensor(name, shape, dtype, scale, zero_point, stored)


def _affine(
    operators: tuple[Operator, ...], initializers: dict[str, Message]
) -> dict[str, tuple[tuple[float, ...], tuple[int, ...]]]:
    """Scale and zero point of stored weights: those of the DequantizeLinear that reads them."""
    found = {}
    for operator in operators:
        if operator.name == "DequantizeLinear" and set(operator.inputs) <= set(initializers):
            weight, scale, *zero_point = operator.inputs
            found[weight] = (
                _constants(initializers[scale], "f", 4),
                tuple(int(v) for name in zero_point for v in _constants(initializers[name], "b", 5)),
            )
    return found


def _constants(message: Message, kind: str, typed_field: int) -> tuple[float, ...]:
    """The values of a small initializer: from raw_data, or from its typed field."""
    dtype = dtype_name(message.number(2))
    kind = {"float32": "f", "int8": "b", "uint8": "B", "int32": "i"}.get(dtype, kind)
    raw = message.chunks(9)[-1] if message.has(9) else None
    if raw is None and dtype == "float32":
        raw = memoryview(b"".join(message.chunks(typed_field)))
    if raw is None:
        return tuple(value - (1 << 64 if value >> 63 else 0) for value in message.numbers(5))
    size = struct.calcsize(kind)
    return struct.unpack(f"<{len(raw) // size}{kind}", raw[: len(raw) // size * size])


def dtype_name(code: int) -> str:
    """Name an element type of ONNX (TensorProto.DataType) in numpy's words."""
    return _DTYPES.get(code, f"type {code}")


def verify(payload: bytes) -> None:
    """Check a foreign file: every message is read to its end, and no tensor lies in another file.

    ONNX Runtime checks the graph itself; what it must not meet are sizes that ask for all memory.

    Raises:
        MalformedError: names the first thing that is wrong.
    """
    model = Message(memoryview(payload))
    graph = model.messages(_GRAPH)[-1]
    for tensor in graph.messages(5):
        name, shape = tensor.text(8), tensor.numbers(1)
        dtype = dtype_name(tensor.number(2))
        if tensor.has(13) or tensor.number(14):
            raise MalformedError(f"tensor {name!r} lies in another file; one file must hold all")
        if any(not 0 <= size < 1 << 31 for size in shape) or math.prod(shape) > LIMIT_TENSOR_BYTES:
            raise MalformedError(f"tensor {name!r} has the impossible shape {tuple(shape)}")
        if tensor.has(9) and dtype in _ITEM_BITS:
            needed, stored = math.prod(shape) * _ITEM_BITS[dtype] // 8, len(tensor.chunks(9)[-1])
            if needed != stored:
                raise MalformedError(f"tensor {name!r} needs {needed:,} bytes, {stored:,} are stored")
    if not graph.messages(1):
        raise MalformedError("no operators")


def split(data: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Part the payload from the entries that ``attach`` appended."""
    files: dict[str, bytes] = {}
    start_of_files = len(data)
    for number, value, start in fields(memoryview(data)):
        if number == _METADATA and not isinstance(value, int):
            entry = Message(value)
            if entry.text(1) in (CARD_FILE, SAMPLE_FILE, _SEAL_NAME):
                start_of_files = min(start, start_of_files)
                files[entry.text(1)] = entry.text(2).encode()
    files.pop(_SEAL_NAME, None)
    if SAMPLE_FILE in files:
        files[SAMPLE_FILE] = _from_base64(files[SAMPLE_FILE])
    return data[:start_of_files], files


def attach(payload: bytes, files: Mapping[str, bytes]) -> bytes:
    """Append the files as entries, and room for the seal; protobuf strings are text, so the sample is base64."""
    entries = {name: content for name, content in files.items() if name in (CARD_FILE, SAMPLE_FILE)}
    if SAMPLE_FILE in entries:
        entries[SAMPLE_FILE] = base64.b64encode(entries[SAMPLE_FILE])
    return payload + b"".join(_entry(*entry) for entry in entries.items()) + _entry(_SEAL_NAME, bytes(SEAL_BYTES))


def _from_base64(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as cause:
        raise MalformedError(f"its sample is not base64: {cause}") from cause


def _entry(key: str, value: bytes) -> bytes:
    return encode_bytes(_METADATA, encode_bytes(1, key.encode()) + encode_bytes(2, value))
