"""ONNX Runtime's own format: a flatbuffer like TFLite's, with attachments in a ZIP archive behind it.

Slots are those of https://github.com/microsoft/onnxruntime/blob/main/onnxruntime/core/flatbuffers/schema/ort.fbs.
"""

from digitrec_edge.formats.appended_zip import attach, split
from digitrec_edge.formats.budget import BUDGET, refuse
from digitrec_edge.formats.flatbuffer import Table
from digitrec_edge.formats.graph import Graph, MalformedError, Operator, Tensor, in_order_of_computation
from digitrec_edge.formats.onnx import dtype_name
from digitrec_edge.formats.onnx_checks import INT, INTS, STRING, Node, check_graph, external, opset_needs, stored_size
from digitrec_edge.formats.sizes import Option, Size

__all__ = ["attach", "describe", "recognise", "split"]

MAGIC = b"ORTM"
_MODEL, _GRAPH = 1, 7
_DIMENSION_VALUE = 1


def recognise(data: bytes) -> bool:
    """Whether the file starts as an ONNX Runtime flatbuffer does."""
    return data[4:8] == MAGIC


def describe(payload: bytes) -> Graph:
    """Read inputs, outputs, tensors and operators, and check what ONNX Runtime does not check itself.

    ONNX Runtime verifies the offsets of the rest of the flatbuffer before it reads it.

    Raises:
        MalformedError: names the first thing that is wrong, or that is more than the budget allows.
    """
    session = Table.root(payload)
    model = session.table(_MODEL)
    graph = model.table(_GRAPH) if model else None
    if model is None or graph is None:
        raise MalformedError("no graph")
    if graph.tables(7):
        raise MalformedError("it has sparse tensors; all weights must be stored")
    tables = graph.tables(0)
    if len(tables) > BUDGET.tensors:
        refuse("tensors", len(tables), BUDGET.tensors)
    stored = tuple(_initializer(table) for table in tables)
    known = {tensor.name: _checked_size(tensor, table) for tensor, table in zip(stored, tables, strict=True)}
    if len(known) < len(stored):
        raise MalformedError("two tensors have the same name")
    values = {table.text(0): _value(table) for table in graph.tables(1)}
    nodes = [_node(table) for table in graph.tables(2)]
    operators = in_order_of_computation(  # ONNX Runtime stores nodes in the order in which its passes made them
        Operator(node.name, table.number(3, "i"), node.inputs, node.outputs)
        for node, table in zip(nodes, graph.tables(2), strict=True)
    )
    inputs = tuple(values.get(name, Tensor(name, (), "unknown")) for name in _texts(graph, 5) if name not in known)
    outputs = tuple(values.get(name, Tensor(name, (), "unknown")) for name in _texts(graph, 6))
    check_graph(nodes, known, inputs, outputs)
    opsets = {table.text(0): table.number(1, "q") for table in model.tables(1)}
    version = session.text(0)
    form = ("ORT format", int(version) if version.isdecimal() and len(version) < 9 else 0)
    return Graph(inputs, outputs, inputs + stored + outputs, operators, (form, *opset_needs(nodes, opsets)))


def _node(table: Table) -> Node:
    options: dict[str, Option] = {}
    tensors: dict[str, Size] = {}
    operator = table.text(5)
    for attribute in table.tables(10):
        name, kind = attribute.text(0), attribute.number(2, "i")
        if name in options or name in tensors:
            raise MalformedError(f"operator {operator!r} has two attributes {name!r}")
        if attribute.has(7) or attribute.tables(12):
            raise MalformedError(f"operator {operator!r} holds a graph in {name!r}; one graph is allowed")
        single = attribute.table(6)
        for tensor in (*attribute.tables(11), *([single] if single else [])):
            tensors[name] = _checked_size(_initializer(tensor), tensor)
        if kind == INT:
            options[name] = attribute.number(4, "q")
        elif kind == INTS:
            options[name] = tuple(attribute.vector(9, "<i8").tolist())
        elif kind == STRING:
            options[name] = attribute.text(5)
    return Node(operator, table.text(2), _texts(table, 8), _texts(table, 9), options, tensors)


def _checked_size(tensor: Tensor, table: Table) -> Size:
    """The size of a stored tensor, which must lie in the file."""
    if table.number(6, "q", -1) != -1:
        raise external(tensor.name)
    raw = table.vector(4, "u1")
    return stored_size(tensor, len(raw), raw.data)


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
