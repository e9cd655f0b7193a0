"""What TFLite's interpreters believe of a file and would crash by: sizes, scales, the order of operators."""

import json
import math
from collections.abc import Hashable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.formats.budget import BUDGET, refuse
from digitrec_edge.formats.flatbuffer import Table
from digitrec_edge.formats.graph import ITEM_BITS, Graph, MalformedError, Tensor
from digitrec_edge.formats.sizes import Size, SizedOperator
from digitrec_edge.formats.sizes import check as check_sizes
from digitrec_edge.formats.tflite_sizes import RULES, options_of

SCHEMA = Path(__file__).parents[1] / "data" / "tflite_schema.json"
_ZERO_POINTS = {"int8": (-128, 127), "uint8": (0, 255), "int4": (-8, 7)}
"""Range of a zero point; all other types are symmetric."""

_CUSTOM = 32
_ALIGNMENT_BYTES = 16
_MAX_RANK = 8


@cache
def schema() -> dict[str, Any]:
    """Return TFLite's schema, for the flatbuffer verifier."""
    return json.loads(SCHEMA.read_text())


def check(model: Table, graph: Graph, tensors: Sequence[Table], operators: Sequence[Table]) -> None:
    """Check a model that was read.

    Args:
        model: its root table.
        graph: what was read from it.
        tensors: tables of the one subgraph.
        operators: the same.

    Raises:
        MalformedError: names the first thing that is wrong.
    """
    if not graph.operators:
        raise MalformedError("no operators")
    if model.has(8) or model.has(9) or any(table.number(10, "I") for table in operators):
        raise MalformedError("tensors or options lie in another file or behind the model; they must lie in it")
    total = 0
    for tensor, table in zip(graph.tensors, tensors, strict=True):
        total += _checked_bytes(tensor)
        _check_kind(tensor, table)
        _check_quantisation(tensor, table.table(4))
    if total > BUDGET.arena_bytes:
        refuse("bytes of all tensors", total, BUDGET.arena_bytes)
    _check_sizes(model, graph, tensors, operators)


def _checked_bytes(tensor: Tensor) -> int:
    sizes = [size for size in tensor.shape if isinstance(size, int)]
    if any(not 0 < size < 1 << 31 for size in sizes) or len(sizes) > _MAX_RANK:
        raise MalformedError(f"tensor {tensor.name!r} has the impossible shape {tensor.shape}")
    if tensor.dtype not in ITEM_BITS:
        raise MalformedError(f"tensor {tensor.name!r} is of {tensor.dtype}, no numbers")
    size_bytes = -(-math.prod(sizes) * ITEM_BITS[tensor.dtype] // 8)
    if tensor.stored_bytes and tensor.stored_bytes != size_bytes:
        raise MalformedError(f"tensor {tensor.name!r} needs {size_bytes:,} bytes, {tensor.stored_bytes:,} are stored")
    return size_bytes


def _check_kind(tensor: Tensor, table: Table) -> None:
    if table.number(5, "B"):
        raise MalformedError(f"tensor {tensor.name!r} is a variable; a recogniser has no state")
    if table.has(6):
        raise MalformedError(f"tensor {tensor.name!r} is sparse; all weights must be stored")
    if table.has(9) or table.number(10, "I"):
        raise MalformedError(f"tensor {tensor.name!r} is of variants or lies in another file")


def _check_quantisation(tensor: Tensor, table: Table | None) -> None:
    """Kernels take scale and zero point as they are: one of each, or one per channel, within the dtype."""
    if table is None or not (tensor.scale or tensor.zero_point):
        return
    scales, zero_points = np.array(tensor.scale), np.array(tensor.zero_point)
    lowest, highest = _ZERO_POINTS.get(tensor.dtype, (0, 0))
    channel = table.number(6, "i")
    channels = tensor.shape[channel] if 0 <= channel < len(tensor.shape) else 0
    if (
        len(tensor.zero_point) != len(tensor.scale)
        or (len(tensor.scale) != 1 and len(tensor.scale) != channels)
        or not ((scales > 0) & (scales < math.inf)).all()
        or not ((zero_points >= lowest) & (zero_points <= highest)).all()
    ):
        raise MalformedError(f"tensor {tensor.name!r} has an impossible scale or zero point")


def _check_sizes(model: Table, graph: Graph, tensors: Sequence[Table], operators: Sequence[Table]) -> None:
    """Every operator reads what is stored, given or computed before; all it computes is within the budget."""
    (subgraph,) = model.tables(2)
    given, results = subgraph.vector(1, "<i4").tolist(), subgraph.vector(2, "<i4").tolist()
    stored = {k for k, tensor in enumerate(graph.tensors) if tensor.stored_bytes}
    if not stored.isdisjoint(given) or len(set(given)) < len(given) or -1 in given or -1 in results:
        raise MalformedError("an input is a constant or stands there twice")
    codes = [builtin_code(table) for table in model.tables(1)]
    steps, there = [], stored.union(given)
    for table, operator in zip(operators, graph.operators, strict=True):
        inputs, outputs = table.vector(1, "<i4").tolist(), table.vector(2, "<i4").tolist()
        if not outputs or any(k in there or k < 0 for k in outputs):
            raise MalformedError(f"operator {operator.name!r} writes nothing, or what is not its own")
        if any(k not in there and k != -1 for k in inputs):
            raise MalformedError(f"operator {operator.name!r} reads what nothing has written")
        there.update(outputs)
        kind = "CUSTOM" if codes[table.number(0, "I")] == _CUSTOM else operator.name
        reads = tuple(None if k == -1 else k for k in inputs)
        steps.append(SizedOperator(kind, reads, tuple(outputs), options_of(kind, table)))
    if not there.issuperset(results):
        raise MalformedError("an output is computed by no operator")
    buffers = model.tables(4)
    known: dict[Hashable, Size] = {k: _stored_size(graph.tensors[k], tensors[k], buffers) for k in stored}
    for pictures in (1, BUDGET.pictures):
        known.update({k: _given_size(graph.tensors[k], pictures) for k in given})
        sizes = check_sizes(steps, known, results, RULES, pictures)
        if pictures == 1:
            _check_slices(steps, sizes, graph.tensors)


def _check_slices(steps: Sequence[SizedOperator], sizes: Mapping[Hashable, Size], tensors: Sequence[Tensor]) -> None:
    """What SLICE makes is as large as the file says: tflite-runtime 2.14 takes no more memory than that for it."""
    for output in (step.outputs[0] for step in steps if step.name == "SLICE"):
        tensor, shape = tensors[int(str(output))], sizes[output].shape
        if tensor.shape != shape:
            raise MalformedError(f"tensor {tensor.name!r} is {tensor.shape}, and becomes {shape}")


def builtin_code(table: Table) -> int:
    """Return the code of an operator: in the field of a byte, or where it has no room there in the one of four."""
    return max(table.number(0, "b"), table.number(3, "i"))


def buffer_content(buffer: Table) -> NDArray[np.uint8]:
    """Return what a buffer holds: in the flatbuffer, or behind it by offset, as tools write larger models.

    Raises:
        MalformedError: it lies outside the file, is not aligned for kernels, or is in two places.
    """
    offset, size = buffer.number(1, "Q"), buffer.number(2, "Q")
    if offset <= 1 and size <= 1:  # 0 and 1 stand for none
        content: NDArray[np.uint8] = buffer.vector(0, "u1")
        return content
    if offset % _ALIGNMENT_BYTES or buffer.length(0):
        raise MalformedError(f"a buffer behind the model is at {offset}, or in it too; multiples of 16 are needed")
    return buffer.bytes_at(offset, size)


def _given_size(tensor: Tensor, pictures: int) -> Size:
    """The size of an input: a batch of one stands for as many pictures as are run."""
    shape = tuple(size for size in tensor.shape if isinstance(size, int))
    return Size.of((pictures, *shape[1:]) if shape[:1] == (1,) else shape)


def _stored_size(tensor: Tensor, table: Table, buffers: Sequence[Table]) -> Size:
    shape = tuple(size for size in tensor.shape if isinstance(size, int))
    size = Size.of(shape)
    if tensor.dtype not in ("int32", "int64") or size.elements > BUDGET.values:
        return size
    stored = np.frombuffer(buffer_content(buffers[table.number(2, "I")]).tobytes(), f"<i{ITEM_BITS[tensor.dtype] // 8}")
    return Size.of(shape, tuple(stored.tolist()))
