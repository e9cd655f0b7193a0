"""TFLite files: the graph, and attachments in a ZIP archive appended at the end.

Slots are those of https://github.com/google-ai-edge/LiteRT/blob/main/tflite/converter/schema/schema.fbs.
A ZIP is found from its end and a flatbuffer from its start, so one file is both: every TFLite runtime
loads it, and every unzip tool lists labels.txt and the card.
"""

import json
import math
from pathlib import Path

from digitrec_edge.formats.appended_zip import attach, split
from digitrec_edge.formats.flatbuffer import Table
from digitrec_edge.formats.flatbuffer_verifier import verify as verify_flatbuffer
from digitrec_edge.formats.graph import Graph, MalformedError, Operator, Tensor
from digitrec_edge.formats.tflite_operators import BUILTIN_OPERATORS

__all__ = ["attach", "describe", "recognise", "split", "verify"]

MAGIC = b"TFL3"
LIMIT_TENSOR_BYTES = 256 << 20
"""Of all tensors together; the recogniser's are 1 MB. A damaged shape must not ask for all memory."""

SCHEMA = Path(__file__).parents[1] / "data" / "tflite_schema.json"
_DTYPES = (
    "float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8", "float64",
    "complex128", "uint64", "resource", "variant", "uint32", "uint16", "int4", "bfloat16", "int2", "uint4",
)  # fmt: skip
_ZERO_POINTS = {"int8": (-128, 127), "uint8": (0, 255), "int4": (-8, 7)}
"""Range of a zero point; all other types are symmetric."""

_BITS = {
    "float32": 32, "float16": 16, "int32": 32, "uint8": 8, "int64": 64, "bool": 8, "int16": 16, "int8": 8,
    "float64": 64, "uint64": 64, "uint32": 32, "uint16": 16, "int4": 4, "bfloat16": 16,
}  # fmt: skip


def recognise(data: bytes) -> bool:
    """Whether the file starts as a TFLite flatbuffer does."""
    return data[4:8] == MAGIC


def describe(payload: bytes) -> Graph:
    """Read inputs, outputs, tensors and operators of the one subgraph.

    Raises:
        MalformedError: an offset or index points outside, or there is not just one subgraph.
    """
    model = Table.root(payload)
    subgraphs = model.tables(2)
    if len(subgraphs) != 1:
        raise MalformedError(f"{len(subgraphs)} subgraphs, one is needed")
    graph, buffers = subgraphs[0], model.tables(4)
    tensors = [_tensor(table, buffers, len(payload)) for table in graph.tables(0)]
    codes = [_operator_code(table) for table in model.tables(1)]

    def pick(table: Table, slot: int) -> tuple[Tensor, ...]:
        indices = [k for k in table.vector(slot, "<i4").tolist() if k != -1]  # -1: an optional input left out
        if any(not 0 <= k < len(tensors) for k in indices):
            raise MalformedError("a tensor index points outside the list of tensors")
        return tuple(tensors[k] for k in indices)

    operators = []
    for table in graph.tables(3):
        code = table.number(0, "I")
        if code >= len(codes):
            raise MalformedError("an operator index points outside the list of operators")
        inputs, outputs = ([tensor.name for tensor in pick(table, slot)] for slot in (1, 2))
        operators.append(Operator(*codes[code], tuple(inputs), tuple(outputs)))
    needs = {name: max(v for n, v in codes if n == name) for name, _ in codes}
    return Graph(pick(graph, 1), pick(graph, 2), tuple(tensors), tuple(operators), tuple(needs.items()))


def _operator_code(table: Table) -> tuple[str, int]:
    code = max(table.number(0, "b"), table.number(3, "i"))
    name = BUILTIN_OPERATORS[code] if 0 <= code < len(BUILTIN_OPERATORS) else f"operator {code}"
    return table.text(1) or name if name == "CUSTOM" else name, table.number(2, "i", 1)


def _tensor(table: Table, buffers: list[Table], file_bytes: int) -> Tensor:
    kind, buffer = table.number(1, "b"), table.number(2, "I")
    if buffer >= len(buffers):
        raise MalformedError("a buffer index points outside the list of buffers")
    stored_bytes = len(buffers[buffer].vector(0, "u1")) or buffers[buffer].number(2, "Q")
    if stored_bytes > file_bytes:
        raise MalformedError("a buffer is larger than the file")
    quantisation = table.table(4)
    return Tensor(
        name=table.text(3),
        shape=tuple(table.vector(0, "<i4").tolist()),
        dtype=_DTYPES[kind] if 0 <= kind < len(_DTYPES) else f"type {kind}",
        scale=tuple(quantisation.vector(2, "<f4").tolist()) if quantisation else (),
        zero_point=tuple(quantisation.vector(3, "<i8").tolist()) if quantisation else (),
        stored_bytes=stored_bytes,
    )


def verify(payload: bytes) -> None:
    """Check a foreign file before an interpreter maps it: every offset, every index, every size.

    Raises:
        MalformedError: names the first thing that is wrong.
    """
    verify_flatbuffer(Table.root(payload, aligned=True), "Model", json.loads(SCHEMA.read_text()))
    graph = describe(payload)
    if not graph.operators:
        raise MalformedError("no operators")
    total = 0
    (subgraph,) = Table.root(payload).tables(2)
    for tensor, table in zip(graph.tensors, subgraph.tables(0), strict=True):
        total += _checked_bytes(tensor)
        _check_quantisation(tensor, table.table(4))
        if total > LIMIT_TENSOR_BYTES:
            raise MalformedError(f"the tensors need more than {LIMIT_TENSOR_BYTES:,} bytes")
    _check_flow(payload)


def _checked_bytes(tensor: Tensor) -> int:
    sizes = [size for size in tensor.shape if isinstance(size, int)]
    if any(not 0 < size < 1 << 31 for size in sizes) or len(sizes) > 8:
        raise MalformedError(f"tensor {tensor.name!r} has the impossible shape {tensor.shape}")
    if tensor.dtype not in _BITS:
        raise MalformedError(f"tensor {tensor.name!r} is of {tensor.dtype}, no numbers")
    size_bytes = -(-math.prod(sizes) * _BITS[tensor.dtype] // 8)
    if tensor.stored_bytes and tensor.stored_bytes != size_bytes:
        raise MalformedError(f"tensor {tensor.name!r} needs {size_bytes:,} bytes, {tensor.stored_bytes:,} are stored")
    return size_bytes


def _check_quantisation(tensor: Tensor, table: Table | None) -> None:
    """Kernels take scale and zero point as they are: one of each, or one per channel, within the dtype."""
    if table is None or not (tensor.scale or tensor.zero_point):
        return
    lowest, highest = _ZERO_POINTS.get(tensor.dtype, (0, 0))
    channel = table.number(6, "i")
    channels = tensor.shape[channel] if 0 <= channel < len(tensor.shape) else 0
    if (
        len(tensor.zero_point) != len(tensor.scale)
        or (len(tensor.scale) != 1 and len(tensor.scale) != channels)
        or any(not 0 < scale < math.inf for scale in tensor.scale)
        or any(not lowest <= zero_point <= highest for zero_point in tensor.zero_point)
    ):
        raise MalformedError(f"tensor {tensor.name!r} has an impossible scale or zero point")


def _check_flow(payload: bytes) -> None:
    """Every operator reads what is stored, given or already computed, and writes what nobody else does."""
    model = Table.root(payload)
    (graph,) = model.tables(2)
    tensors, buffers = graph.tables(0), model.tables(4)
    known = {k for k, tensor in enumerate(tensors) if len(buffers[tensor.number(2, "I")].vector(0, "u1"))}
    given = graph.vector(1, "<i4").tolist()
    if known.intersection(given) or any(tensor.number(5, "B") for tensor in tensors):
        raise MalformedError("an input is a constant, or a tensor is a variable")
    known.update(given)
    for table in graph.tables(3):
        outputs = table.vector(2, "<i4").tolist()
        if not outputs or any(k in known or k < 0 for k in outputs):
            raise MalformedError("an operator writes nothing, or what is not its own")
        if any(k not in known and k != -1 for k in table.vector(1, "<i4").tolist()):
            raise MalformedError("an operator reads what nothing has written")
        known.update(outputs)
    if not known.issuperset(graph.vector(2, "<i4").tolist()):
        raise MalformedError("an output is computed by no operator")
