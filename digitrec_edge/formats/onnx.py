"""ONNX files: the graph, and card and sample as ``metadata_props`` appended at the end.

Field numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3. Appending fields
is how protobuf extends a message, so the payload stays byte for byte what the converter wrote.
"""

import base64
import binascii
import math
import struct
from collections.abc import Mapping

import numpy as np

from digitrec_edge.formats import CARD_FILE, SAMPLE_FILE, SEAL_BYTES
from digitrec_edge.formats.budget import BUDGET, Meter, refuse
from digitrec_edge.formats.graph import ITEM_BITS, Graph, MalformedError, Operator, Tensor
from digitrec_edge.formats.onnx_checks import INT, INTS, STRING, Node, check_graph, external, opset_needs, stored_size
from digitrec_edge.formats.protobuf import Message, encode_bytes, fields
from digitrec_edge.formats.sizes import Option, Size

_SEAL_NAME = "digitrec_edge.seal"
_IR_VERSION, _GRAPH, _OPSET, _METADATA, _TRAINING, _FUNCTIONS = 1, 7, 8, 14, 20, 25
_SPARSE = 15
_DTYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool",
    10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 16: "bfloat16", 21: "uint4", 22: "int4",
}  # fmt: skip
_TYPED = {"int64": 7, "uint32": 11, "uint64": 11}
"""Fields of TensorProto for elements that are not raw; float_data and double_data are of fixed width, and all
others stand in int32_data."""


def recognise(data: bytes) -> bool:
    """Whether the top level is an ONNX ModelProto with a graph (ONNX has no magic number)."""
    try:
        numbers = {number for number, _, _ in fields(memoryview(data))}
    except MalformedError:
        return data[:1] == b"\x08" and b"onnx" in data[:4096]
    return {_IR_VERSION, _GRAPH} <= numbers <= {*range(1, 9), _METADATA, 20, 25, 26}


def describe(payload: bytes) -> Graph:
    """Read inputs, outputs, tensors and operators, and check all that ONNX Runtime would believe.

    Raises:
        MalformedError: names the first thing that is wrong, or that is more than the budget allows.
    """
    model = Message(memoryview(payload), Meter())
    graph = model.message(_GRAPH)
    if graph is None:
        raise MalformedError("no graph")
    if model.has(_TRAINING) or model.has(_FUNCTIONS) or graph.has(_SPARSE):
        raise MalformedError("it has training steps, functions or sparse tensors; a graph with its tensors is needed")
    opsets = {message.text(1): message.number(2) for message in model.messages(_OPSET)}
    initializers: dict[str, Message] = {}
    known: dict[str, Size] = {}
    for message in graph.messages(5):
        name = message.text(8)
        if name in known:
            raise MalformedError(f"two tensors are called {name!r}")
        initializers[name], known[name] = message, _checked_size(message, name)
    if len(known) > BUDGET.tensors:
        refuse("tensors", len(known), BUDGET.tensors)
    nodes = [_node(message) for message in graph.messages(1)]
    operators = tuple(Operator(node.name, opsets.get(node.domain, 0), node.inputs, node.outputs) for node in nodes)
    inputs = tuple(tensor for tensor in map(_value, graph.messages(11)) if tensor.name not in known)
    outputs = tuple(map(_value, graph.messages(12)))
    check_graph(nodes, known, inputs, outputs)
    affine = _affine(operators, initializers)
    stored = tuple(_initializer(name, message, *affine.get(name, ((), ()))) for name, message in initializers.items())
    needs = (("ONNX IR", model.number(1)), *opset_needs(nodes, opsets))
    return Graph(inputs, outputs, inputs + stored + outputs, operators, needs)


def _node(message: Message) -> Node:
    options: dict[str, Option] = {}
    tensors: dict[str, Size] = {}
    for attribute in message.messages(5):
        name, kind = attribute.text(1), attribute.number(20)
        if name in options or name in tensors:
            raise MalformedError(f"operator {message.text(4)!r} has two attributes {name!r}")
        if attribute.has(6) or attribute.has(11) or attribute.has(22) or attribute.has(23):
            raise MalformedError(
                f"operator {message.text(4)!r} holds a graph or a sparse tensor in {name!r}; one graph is allowed"
            )
        single = attribute.message(5)
        for tensor in (*attribute.messages(10), *([single] if single else [])):
            tensors[name] = _checked_size(tensor, tensor.text(8))
        if kind == INT:
            options[name] = attribute.signed(3)
        elif kind == INTS:
            options[name] = tuple(attribute.numbers(8))
        elif kind == STRING:
            options[name] = attribute.text(4)
    return Node(message.text(4), message.text(7), message.texts(1), message.texts(2), options, tensors)


def _checked_size(message: Message, name: str) -> Size:
    """The size of a stored tensor, which must lie in the file."""
    if message.has(13) or message.number(14):
        raise external(name)
    tensor = Tensor(name, tuple(message.numbers(1)), dtype_name(message.number(2)))
    bits = ITEM_BITS.get(tensor.dtype, 8)
    raw = message.chunks(9)[-1] if message.has(9) else None
    if raw is not None:
        return stored_size(tensor, len(raw), raw)
    if tensor.dtype in ("float32", "float64"):
        return stored_size(tensor, sum(map(len, message.floats(4 if bits == 32 else 10))), None)
    field = _TYPED.get(tensor.dtype, 5)
    stored = message.count(field)
    small = tensor.dtype in ("int32", "int64") and stored <= BUDGET.values
    values = np.array(message.numbers(field), "<i8").astype(f"<i{bits // 8}") if small else None  # as protobuf cuts it
    return stored_size(tensor, stored * max(1, bits // 8), None if values is None else values.data)


def _value(message: Message) -> Tensor:
    kind = message.message(2)
    tensor = kind.message(1) if kind else None
    if tensor is None:
        return Tensor(message.text(1), (), "unknown")
    sizes = tensor.message(2)
    dimensions = sizes.messages(1) if sizes else []
    shape = tuple(d.signed(1) if d.has(1) else (d.text(2) or "?") for d in dimensions)
    return Tensor(message.text(1), shape, dtype_name(tensor.number(1)))


def _initializer(name: str, message: Message, scale: tuple[float, ...], zero_point: tuple[int, ...]) -> Tensor:
    shape = tuple(message.numbers(1))
    dtype = dtype_name(message.number(2))
    stored = len(message.chunks(9)[-1]) if message.has(9) else math.prod(shape) * ITEM_BITS[dtype] // 8
    return Tensor(name, shape, dtype, scale, zero_point, stored)


def _affine(
    operators: tuple[Operator, ...], initializers: dict[str, Message]
) -> dict[str, tuple[tuple[float, ...], tuple[int, ...]]]:
    """Scale and zero point of stored weights: those of the DequantizeLinear that reads them."""
    found = {}
    for operator in operators:
        enough = len(operator.inputs) > 1 and set(operator.inputs) <= set(initializers)
        if operator.name == "DequantizeLinear" and enough:
            weight, scale, *zero_point = operator.inputs
            found[weight] = (
                _constants(initializers[scale], "f", 4),
                tuple(
                    int(v) for name in zero_point for v in _constants(initializers[name], "b", 5) if math.isfinite(v)
                ),
            )
    return found


def _constants(message: Message, kind: str, typed_field: int) -> tuple[float, ...]:
    """The values of a small initializer: from raw_data, or from its typed field."""
    dtype = dtype_name(message.number(2))
    kind = {"float32": "f", "int8": "b", "uint8": "B", "int32": "i"}.get(dtype, kind)
    raw = message.chunks(9)[-1] if message.has(9) else None
    if raw is None and dtype == "float32":
        raw = memoryview(b"".join(message.floats(typed_field)))
    if raw is None:
        return tuple(message.numbers(5))
    size = struct.calcsize(kind)
    return struct.unpack(f"<{len(raw) // size}{kind}", raw[: len(raw) // size * size])


def dtype_name(code: int) -> str:
    """Name an element type of ONNX (TensorProto.DataType) in numpy's words."""
    return _DTYPES.get(code, f"type {code}")


def split(data: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Part the payload from the entries that ``attach`` appended.

    Raises:
        MalformedError: something else stands behind them, which a runtime would take for the model's.
    """
    files: dict[str, bytes] = {}
    start_of_files = len(data)
    meter = Meter()
    for number, value, start in fields(memoryview(data), meter):
        entry = Message(value, meter) if number == _METADATA and not isinstance(value, int) else None
        if entry and entry.text(1) in (CARD_FILE, SAMPLE_FILE, _SEAL_NAME):
            start_of_files = min(start, start_of_files)
            files[entry.text(1)] = entry.text(2).encode()
        elif files:
            raise MalformedError(f"field {number} stands behind its card, where nothing may stand")
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
