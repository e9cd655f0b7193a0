"""ONNX files: the graph, and the card as ``metadata_props`` appended at the end.

Field numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3. Appending fields
is how protobuf extends a message, so the payload stays byte for byte what the converter wrote.
"""

import math
import struct

from digitrec_edge.formats import CARD_NAME, SEAL_BYTES
from digitrec_edge.formats.graph import Graph, MalformedError, Operator, Tensor
from digitrec_edge.formats.protobuf import Message, encode_bytes, fields

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
    return Graph(inputs, outputs, inputs + stored + outputs, operators)


def _value(message: Message) -> Tensor:
    kinds = message.messages(2)
    tensors = kinds[-1].messages(1) if kinds else []
    if not tensors:
        return Tensor(message.text(1), (), "unknown")
    shapes = tensors[-1].messages(2)
    dimensions = shapes[-1].messages(1) if shapes else []
    shape = tuple(d.number(1) if d.has(1) else (d.text(2) or "?") for d in dimensions)
    return Tensor(message.text(1), shape, _dtype(tensors[-1].number(1)))


def _initializer(name: str, message: Message, scale: tuple[float, ...], zero_point: tuple[int, ...]) -> Tensor:
    shape = tuple(message.numbers(1))
    dtype = _dtype(message.number(2))
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
    dtype = _dtype(message.number(2))
    kind = {"float32": "f", "int8": "b", "uint8": "B", "int32": "i"}.get(dtype, kind)
    raw = message.chunks(9)[-1] if message.has(9) else None
    if raw is None and dtype == "float32":
        raw = memoryview(b"".join(message.chunks(typed_field)))
    if raw is None:
        return tuple(value - (1 << 64 if value >> 63 else 0) for value in message.numbers(5))
    size = struct.calcsize(kind)
    return struct.unpack(f"<{len(raw) // size}{kind}", raw[: len(raw) // size * size])


def _dtype(code: int) -> str:
    return _DTYPES.get(code, f"type {code}")


def split(data: bytes) -> tuple[bytes, bytes | None]:
    """Part the payload from the card that ``attach`` appended."""
    card, card_start = None, len(data)
    for number, value, start in fields(memoryview(data)):
        if number == _METADATA and not isinstance(value, int):
            entry = Message(value)
            if entry.text(1) == CARD_NAME:
                card, card_start = bytes(entry.chunks(2)[-1]) if entry.has(2) else b"", start
    return data[:card_start], card


def attach(payload: bytes, card: bytes, labels: tuple[str, ...]) -> bytes:
    """Append the card and room for the seal; the labels stand in the card."""
    return payload + _entry(CARD_NAME, card) + _entry(_SEAL_NAME, bytes(SEAL_BYTES))


def _entry(key: str, value: bytes) -> bytes:
    return encode_bytes(_METADATA, encode_bytes(1, key.encode()) + encode_bytes(2, value))
