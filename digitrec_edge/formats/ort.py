"""ONNX Runtime's own format: a flatbuffer like TFLite's, with attachments in a ZIP archive behind it.

Slots are those of https://github.com/microsoft/onnxruntime/blob/main/onnxruntime/core/flatbuffers/schema/ort.fbs.
"""

import math

from digitrec_edge.formats.appended_zip import attach, split
from digitrec_edge.formats.flatbuffer import Table
from digitrec_edge.formats.graph import Graph, MalformedError, Operator, Tensor, in_order_of_computation
from digitrec_edge.formats.onnx import dtype_name

__all__ = ["attach", "describe", "recognise", "split", "verify"]

MAGIC = b"ORTM"
_MODEL, _GRAPH = 1, 7
_DIMENSION_VALUE, _DIMENSION_NAME = 1, 2


def recognise(data: bytes) -> bool:
    """Whether the file starts as an ONNX Runtime flatbuffer does."""
    return data[4:8] == MAGIC


def describe(payload: bytes) -> Graph:
    """Read inputs, outputs, tensors and operators.

    Raises:
        MalformedError: an offset points outside, or there is no graph.
    """
    session = Table.root(payload)
    model = session.table(_MODEL)
    graph = model.table(_GRAPH) if model else None
    if model is None or graph is None:
        raise MalformedError("no graph")
    values = {table.text(0): _value(table) for table in graph.tables(1)}
    stored = tuple(_initializer(table) for table in graph.tables(0))
    constant = {tensor.name for tensor in stored}
    operators = in_order_of_computation(  # ONNX Runtime stores nodes in the order in which its passes made them
        Operator(node.text(5), node.number(3, "i"), _texts(node, 8), _texts(node, 9)) for node in graph.tables(2)
    )
    inputs = tuple(values.get(name, Tensor(name, (), "unknown")) for name in _texts(graph, 5) if name not in constant)
    outputs = tuple(values.get(name, Tensor(name, (), "unknown")) for name in _texts(graph, 6))
    opsets = {table.text(0): table.number(1, "q") for table in model.tables(1)}
    used = {node.text(2) for node in graph.tables(2)}
    needs = [(f"{domain or 'ai.onnx'} opset", version) for domain, version in opsets.items() if domain in used]
    version = session.text(0)
    form = ("ORT format", int(version) if version.isdigit() else 0)
    return Graph(inputs, outputs, inputs + stored + outputs, operators, (form, *needs))


def _texts(table: Table, slot: int) -> tuple[str, ...]:
    return tuple(table.texts(slot))


def _value(table: Table) -> Tensor:
    kind = table.table(2)
    tensor = kind.table(2) if kind and kind.number(1, "B") == 1 else None
    shape = tensor.table(1) if tensor else None
    sizes: list[int | str] = []
    for dimension in shape.tables(0) if shape else []:
        value = dimension.table(0)
        if value and value.number(0, "b") == _DIMENSION_VALUE:
            sizes.append(value.number(1, "q"))
        else:
            sizes.append((value.text(2) if value else "") or "?")
    return Tensor(table.text(0), tuple(sizes), dtype_name(tensor.number(0, "i")) if tensor else "unknown")


def _initializer(table: Table) -> Tensor:
    return Tensor(
        table.text(0),
        tuple(table.vector(2, "<i8").tolist()),
        dtype_name(table.number(3, "i")),
        stored_bytes=len(table.vector(4, "u1")),
    )


def verify(payload: bytes) -> None:
    """Check a foreign file: what ``describe`` reads lies inside the file, and no size is impossible.

    ONNX Runtime verifies the rest of the flatbuffer itself before it reads it.

    Raises:
        MalformedError: names the first thing that is wrong.
    """
    graph = describe(payload)
    for tensor in graph.tensors:
        sizes = [size for size in tensor.shape if isinstance(size, int)]
        if any(not 0 <= size < 1 << 31 for size in sizes) or math.prod(sizes) > 1 << 28:
            raise MalformedError(f"tensor {tensor.name!r} has the impossible shape {tensor.shape}")
    if not graph.operators:
        raise MalformedError("no operators")
