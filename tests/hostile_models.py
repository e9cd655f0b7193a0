"""Builds small model files that a converter would never write: TFLite, ONNX and ONNX Runtime's own format."""

import struct
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from digitrec_edge.formats.protobuf import encode_bytes

FLOAT, INT32, INT8 = 0, 2, 9
"""Types of TFLite tensors."""

ADD, CONCATENATION, FULLY_CONNECTED, MUL, RESHAPE, SOFTMAX, CUSTOM = 0, 2, 9, 18, 22, 25, 32
MAXIMUM, SLICE, TILE, FILL, RANGE, WHILE, BROADCAST_TO = 55, 65, 69, 94, 96, 119, 130
"""Codes of TFLite's operators."""


@dataclass(frozen=True, eq=False)
class Node:
    """A flatbuffer table by slot: ``("i", 5)`` is a number, ``("<i4", [1])`` a vector of numbers, str, bytes, a
    Node, or a list of nodes or texts. The same object in two places is stored once, and pointed at twice."""

    slots: Mapping[int, Any]


def flatbuffer(root: Node, magic: bytes) -> bytes:
    """Lay a table and all that it holds out, each thing behind what points at it."""
    out = bytearray(8)
    out[4:8] = magic
    places: dict[int, int] = {}
    waiting: deque[tuple[int, Any]] = deque([(0, root)])
    while waiting:
        source, value = waiting.popleft()
        if places.get(id(value), 0) <= source:  # offsets point forwards only
            places[id(value)] = _place(out, value, waiting)
        struct.pack_into("<I", out, source, places[id(value)] - source)
    return bytes(out)


def _place(out: bytearray, value: Any, waiting: deque[tuple[int, Any]]) -> int:
    out += bytes(-len(out) % 8)
    if isinstance(value, Node):
        return _place_table(out, value, waiting)
    if isinstance(value, str):
        value = value.encode()
        out += struct.pack("<I", len(value)) + value + b"\0"
        return len(out) - len(value) - 5
    out += bytes(4)  # so that eight-byte entries are aligned
    start = len(out)
    if isinstance(value, bytes):
        out += struct.pack("<I", len(value)) + value
    elif isinstance(value, tuple):
        kind = {"<i4": "i", "<i8": "q", "<f4": "f", "<u4": "I"}[value[0]]
        out += struct.pack(f"<I{len(value[1])}{kind}", len(value[1]), *value[1])
    else:
        out += struct.pack("<I", len(value)) + bytes(4 * len(value))
        waiting += [(start + 4 + 4 * k, item) for k, item in enumerate(value)]
    return start


def _place_table(out: bytearray, node: Node, waiting: deque[tuple[int, Any]]) -> int:
    offsets, body, position = [0] * (max(node.slots, default=-1) + 1), [], 8
    for slot, value in node.slots.items():
        number = isinstance(value, tuple) and not value[0].startswith("<")
        size = struct.calcsize(value[0]) if number else 4
        position += -position % size
        offsets[slot] = position
        body.append((position, value, number))
        position += size
    vtable = struct.pack(f"<{2 + len(offsets)}H", 4 + 2 * len(offsets), position, *offsets)
    out += vtable + bytes(-len(vtable) % 8)
    start = len(out)
    out += struct.pack("<i", len(vtable) + (-len(vtable) % 8)) + bytes(position - 4)
    for at, value, number in body:
        if number:
            struct.pack_into(f"<{value[0]}", out, start + at, value[1])
        else:
            waiting.append((start + at, value))
    return start


@dataclass(frozen=True)
class Tensor:
    """A tensor of a TFLite model; without data it is computed."""

    shape: Sequence[int]
    data: bytes | None = None
    kind: int = FLOAT
    slots: Mapping[int, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Operator:
    """An operator of a TFLite model; options are ``(type in BuiltinOptions, table)``."""

    code: int
    inputs: Sequence[int]
    outputs: Sequence[int]
    options: tuple[int, Node] | None = None
    slots: Mapping[int, Any] = field(default_factory=dict)


def ints(*values: int) -> bytes:
    """Return numbers as int32, as tensors hold them."""
    return struct.pack(f"<{len(values)}i", *values)


def tflite(
    tensors: Sequence[Tensor], operators: Sequence[Operator], inputs: Sequence[int] = (0,),
    outputs: Sequence[int] = (-1,), more: Mapping[int, Any] | None = None,
) -> bytes:  # fmt: skip
    """A TFLite model; output -1 is the last tensor, ``more`` are slots of the model."""
    codes = sorted({operator.code for operator in operators})
    buffers = [Node({})] + [Node({0: tensor.data} if tensor.data is not None else {}) for tensor in tensors]
    tables = [
        Node({
            0: ("<i4", list(t.shape)), 1: ("b", t.kind), 2: ("I", 0 if t.data is None else k + 1), 3: f"t{k}",
            **t.slots,
        })
        for k, t in enumerate(tensors)
    ]  # fmt: skip
    steps = []
    for operator in operators:
        slots: dict[int, Any] = {
            0: ("I", codes.index(operator.code)), 1: ("<i4", list(operator.inputs)), 2: ("<i4", list(operator.outputs)),
        }  # fmt: skip
        if operator.options:
            slots |= {3: ("B", operator.options[0]), 4: operator.options[1]}
        steps.append(Node({**slots, **operator.slots}))
    ends = [k % len(tensors) for k in outputs]
    subgraph = Node({0: tables, 1: ("<i4", list(inputs)), 2: ("<i4", ends), 3: steps})
    names = [Node({0: ("b", min(code, 127)), 2: ("i", 1), 3: ("i", code)}) for code in codes]
    return flatbuffer(Node({0: ("I", 3), 1: names, 2: [subgraph], 4: buffers, **(more or {})}), b"TFL3")


def dense(units: int = 10, inputs: int = 784) -> list[Tensor]:
    """The tensors of a layer behind a picture: picture, weights, result."""
    return [Tensor((1, inputs)), Tensor((units, inputs), bytes(4 * units * inputs)), Tensor((1, units))]


def number(field_number: int, value: int) -> bytes:
    """Encode one varint field of protobuf."""
    out = bytearray()
    for item in (field_number << 3, value % (1 << 64)):
        while item >= 0x80:
            out.append(item & 0x7F | 0x80)
            item >>= 7
        out.append(item)
    return bytes(out)


def text(field_number: int, value: str) -> bytes:
    """Encode one text field of protobuf."""
    return encode_bytes(field_number, value.encode())


def onnx_tensor(name: str, shape: Sequence[int], kind: int, raw: bytes | None, more: bytes = b"") -> bytes:
    """A TensorProto; kind 1 is float32, 7 int64."""
    dims = b"".join(number(1, size) for size in shape)
    return dims + number(2, kind) + text(8, name) + (b"" if raw is None else encode_bytes(9, raw)) + more


def onnx_value(name: str, shape: Sequence[int | str], kind: int = 1) -> bytes:
    """A ValueInfoProto."""
    sizes = b"".join(encode_bytes(1, number(1, d) if isinstance(d, int) else text(2, d)) for d in shape)
    tensor = number(1, kind) + encode_bytes(2, sizes)
    return text(1, name) + encode_bytes(2, encode_bytes(1, tensor))


def onnx_node(name: str, inputs: Sequence[str], outputs: Sequence[str], *attributes: bytes, domain: str = "") -> bytes:
    """A NodeProto."""
    parts = [text(1, name) for name in inputs] + [text(2, name) for name in outputs] + [text(4, name)]
    return b"".join(parts) + b"".join(encode_bytes(5, a) for a in attributes) + (text(7, domain) if domain else b"")


def attribute(name: str, kind: int, *values: bytes) -> bytes:
    """An AttributeProto; kind 2 is a number (field 3), 4 a tensor (5), 5 a graph (6), 7 numbers (8)."""
    return text(1, name) + b"".join(values) + number(20, kind)


def onnx_graph(
    nodes: Sequence[bytes], tensors: Sequence[bytes] = (), inputs: Sequence[bytes] | None = None,
    outputs: Sequence[bytes] | None = None, more: bytes = b"",
) -> bytes:  # fmt: skip
    """A GraphProto from ``image`` to ``logits``."""
    inputs = [onnx_value("image", ("batch", 784))] if inputs is None else inputs
    outputs = [onnx_value("logits", ("batch", 10))] if outputs is None else outputs
    parts = [(1, nodes), (5, tensors), (11, inputs), (12, outputs)]
    return b"".join(encode_bytes(n, part) for n, group in parts for part in group) + text(2, "g") + more


def onnx(graph: bytes, more: bytes = b"") -> bytes:
    """A ModelProto of opset 17."""
    opsets = encode_bytes(8, text(1, "") + number(2, 17))
    return number(1, 8) + encode_bytes(7, graph) + opsets + more


ONNX_DENSE = (
    onnx_node("MatMul", ["image", "w"], ["logits"]),
    onnx_tensor("w", (784, 10), 1, bytes(4 * 7840)),
)
"""A layer behind a picture: node and weights."""


def ort_tensor(name: str, shape: Sequence[int], kind: int, raw: bytes, more: Mapping[int, Any] | None = None) -> Node:
    """A Tensor of ONNX Runtime's own format."""
    return Node({0: name, 2: ("<i8", list(shape)), 3: ("i", kind), 4: raw, **(more or {})})


def ort_value(name: str, shape: Sequence[int], kind: int = 1) -> Node:
    """A ValueInfo of ONNX Runtime's own format."""
    sizes = [Node({0: Node({0: ("b", 1), 1: ("q", size)})}) for size in shape]
    return Node({0: name, 2: Node({1: ("B", 1), 2: Node({0: ("i", kind), 1: Node({0: sizes})})})})


def ort_node(
    name: str, inputs: Sequence[str], outputs: Sequence[str], attributes: Sequence[Node] = (), index: int = 0
) -> Node:
    """A Node of ONNX Runtime's own format."""
    return Node({
        0: name, 2: "", 3: ("i", 13), 4: ("I", index), 5: name, 8: list(inputs), 9: list(outputs),
        10: list(attributes), 11: ("<i4", [1] * len(inputs)), 12: [],
    })  # fmt: skip


def ort(nodes: Sequence[Node], tensors: Sequence[Node] = (), more: Mapping[int, Any] | None = None) -> bytes:
    """A model in ONNX Runtime's own format, from ``image`` to ``logits``; ``more`` are slots of the graph."""
    values = [ort_value("image", (1, 784)), ort_value("logits", (1, 10))]
    values += [ort_value(tensor.slots[0], tensor.slots[2][1]) for tensor in tensors]
    graph = Node({
        0: list(tensors), 1: values, 2: list(nodes), 3: ("I", len(nodes)), 5: ["image"], 6: ["logits"],
        4: [Node({0: ("I", 0)})] * len(nodes), **(more or {}),
    })  # fmt: skip
    model = Node({0: ("q", 8), 1: [Node({0: "", 1: ("q", 17)})], 7: graph})
    return flatbuffer(Node({0: "6", 1: model}), b"ORTM")


ORT_DENSE = (ort_node("MatMul", ["image", "w"], ["logits"]), ort_tensor("w", (784, 10), 1, bytes(4 * 7840)))
"""A layer behind a picture: node and weights."""
