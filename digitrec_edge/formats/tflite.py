"""TFLite files: the graph, and attachments in a ZIP archive appended at the end.

Slots are those of https://github.com/google-ai-edge/LiteRT/blob/main/tflite/converter/schema/schema.fbs.
A ZIP is found from its end and a flatbuffer from its start, so one file is both: every TFLite runtime
loads it, and every unzip tool lists labels.txt and the card.
"""

from digitrec_edge.formats.appended_zip import attach, split
from digitrec_edge.formats.budget import BUDGET, refuse
from digitrec_edge.formats.flatbuffer import Table
from digitrec_edge.formats.flatbuffer_verifier import verify as verify_flatbuffer
from digitrec_edge.formats.graph import Graph, MalformedError, Operator, Tensor
from digitrec_edge.formats.tflite_checks import buffer_content, builtin_code, check, schema
from digitrec_edge.formats.tflite_operators import BUILTIN_OPERATORS

__all__ = ["attach", "describe", "recognise", "split"]

MAGIC = b"TFL3"
_DTYPES = (
    "float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8", "float64",
    "complex128", "uint64", "resource", "variant", "uint32", "uint16", "int4", "bfloat16", "int2", "uint4",
)  # fmt: skip


def recognise(data: bytes) -> bool:
    """Whether the file starts as a TFLite flatbuffer does."""
    return data[4:8] == MAGIC


def describe(payload: bytes) -> Graph:
    """Read inputs, outputs, tensors and operators of the one subgraph, and check all that an interpreter believes.

    Raises:
        MalformedError: names the first thing that is wrong, or that is more than the budget allows.
    """
    model = Table.root(payload, aligned=True)
    verify_flatbuffer(model, "Model", schema())
    subgraphs = model.tables(2)
    if len(subgraphs) != 1:
        raise MalformedError(f"{len(subgraphs)} subgraphs, one is needed")
    (graph,) = subgraphs
    buffers = [len(buffer_content(table)) for table in model.tables(4)]
    tables, steps = graph.tables(0), graph.tables(3)
    if len(tables) > BUDGET.tensors:
        refuse("tensors", len(tables), BUDGET.tensors)
    if len(steps) > BUDGET.operators:
        refuse("operators", len(steps), BUDGET.operators)
    tensors = tuple(_tensor(table, buffers) for table in tables)
    codes = [_operator_code(table) for table in model.tables(1)]
    operators = tuple(_operator(table, codes, tensors) for table in steps)
    needs: dict[str, int] = {}
    for name, version in codes:
        needs[name] = max(version, needs.get(name, version))
    found = Graph(_pick(graph, 1, tensors), _pick(graph, 2, tensors), tensors, operators, tuple(needs.items()))
    check(model, found, tables, steps)
    return found


def _pick(table: Table, slot: int, tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    indices = [k for k in table.vector(slot, "<i4").tolist() if k != -1]  # -1: an optional input left out
    if any(not 0 <= k < len(tensors) for k in indices):
        raise MalformedError("a tensor index points outside the list of tensors")
    return tuple(tensors[k] for k in indices)


def _operator(table: Table, codes: list[tuple[str, int]], tensors: tuple[Tensor, ...]) -> Operator:
    code = table.number(0, "I")
    if code >= len(codes):
        raise MalformedError("an operator index points outside the list of operators")
    inputs, outputs = (tuple(tensor.name for tensor in _pick(table, slot, tensors)) for slot in (1, 2))
    return Operator(*codes[code], inputs, outputs)


def _operator_code(table: Table) -> tuple[str, int]:
    code = builtin_code(table)
    name = BUILTIN_OPERATORS[code] if 0 <= code < len(BUILTIN_OPERATORS) else f"operator {code}"
    return table.text(1) or name if name == "CUSTOM" else name, table.number(2, "i", 1)


def _tensor(table: Table, buffers: list[int]) -> Tensor:
    kind, buffer = table.number(1, "b"), table.number(2, "I")
    if buffer >= len(buffers):
        raise MalformedError("a buffer index points outside the list of buffers")
    quantisation = table.table(4)
    return Tensor(
        name=table.text(3),
        shape=tuple(table.vector(0, "<i4").tolist()),
        dtype=_DTYPES[kind] if 0 <= kind < len(_DTYPES) else f"type {kind}",
        scale=tuple(quantisation.vector(2, "<f4").tolist()) if quantisation else (),
        zero_point=tuple(quantisation.vector(3, "<i8").tolist()) if quantisation else (),
        stored_bytes=buffers[buffer],
    )
