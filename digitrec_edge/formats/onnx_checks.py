"""What ONNX Runtime would read from other files, or give any amount of memory or time: for .onnx and .ort."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from digitrec_edge.formats.budget import BUDGET, refuse
from digitrec_edge.formats.graph import ITEM_BITS, MalformedError, Tensor, fixed_shape
from digitrec_edge.formats.onnx_sizes import RULES
from digitrec_edge.formats.sizes import Option, Size, SizedOperator, check

INT, STRING, INTS = 2, 3, 7
"""Types of attributes, in both formats."""
_MAX_RANK = 8
_DOMAINS = ("", "ai.onnx", "com.microsoft")
_NO_TEXT = "\ufffd"
"""What is read for bytes that are no text, so that two names would be one."""


@dataclass(frozen=True)
class Node:
    """An operator as both formats have it.

    Attributes:
        options: numbers, tuples of numbers and texts among its attributes.
        tensors: among its attributes, by name.
    """

    name: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    options: Mapping[str, Option]
    tensors: Mapping[str, Size]


def stored_size(tensor: Tensor, stored_bytes: int, raw: memoryview | None) -> Size:
    """Check a tensor against what is stored of it.

    Args:
        tensor: its name, shape and dtype.
        stored_bytes: that are there.
        raw: their bytes, None where they stand in other ways.

    Raises:
        MalformedError: no numbers, an impossible shape, or not as many as its shape says.
    """
    shape = tuple(size for size in tensor.shape if isinstance(size, int))
    if len(shape) > _MAX_RANK or any(not 0 <= size < 1 << 31 for size in shape):
        raise MalformedError(f"tensor {tensor.name!r} has the impossible shape {shape[:_MAX_RANK]}")
    if tensor.dtype not in ITEM_BITS:
        raise MalformedError(f"tensor {tensor.name!r} is of {tensor.dtype}, no numbers")
    bits, elements = ITEM_BITS[tensor.dtype], math.prod(shape)
    needed_bytes = -(-elements * bits // 8)
    if needed_bytes != stored_bytes:
        raise MalformedError(f"tensor {tensor.name!r} needs {needed_bytes:,} bytes, {stored_bytes:,} are stored")
    if raw is None or tensor.dtype not in ("int32", "int64") or elements > BUDGET.values:
        return Size.of(shape)
    return Size.of(shape, tuple(np.frombuffer(raw, f"<i{bits // 8}").tolist()))


def external(name: str) -> MalformedError:
    """Return the error for a tensor that lies in another file."""
    return MalformedError(f"tensor {name!r} lies in another file; one file must hold all")


def opset_needs(nodes: Sequence[Node], opsets: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Return what the operators need of a runtime: the opset of each domain that they are of, in the file's order."""
    used = {node.domain for node in nodes}
    return tuple((f"{domain or 'ai.onnx'} opset", version) for domain, version in opsets.items() if domain in used)


def check_graph(
    nodes: Sequence[Node], known: Mapping[str, Size], inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> None:
    """Hold all sizes against the budget.

    Args:
        nodes: of the one graph.
        known: stored tensors.
        inputs: of the graph.
        outputs: of the graph.

    Raises:
        MalformedError: names the first thing that is wrong.
    """
    if not nodes:
        raise MalformedError("no operators")
    names = [*known, *(tensor.name for tensor in inputs)]
    names += [name for node in nodes for name in (*node.inputs, *node.outputs)]
    if any(_NO_TEXT in name for name in names):
        raise MalformedError("the name of a tensor is not UTF-8")
    constants = dict(known)
    steps = []
    for node in nodes:
        if node.name == "Constant" and node.domain in _DOMAINS[:2] and len(node.outputs) == 1:
            if node.outputs[0] in constants:
                raise MalformedError(f"operator 'Constant' writes {node.outputs[0]!r}, which is there already")
            constants[node.outputs[0]] = _constant(node)
            continue
        name = node.name if node.domain in _DOMAINS else f"{node.domain}:{node.name}"
        reads = tuple(name or None for name in node.inputs)
        steps.append(SizedOperator(name, reads, tuple(name for name in node.outputs if name), node.options))
    sizes: dict[Hashable, Size] = dict(constants.items())
    for pictures in (1, BUDGET.pictures):
        sizes.update({tensor.name: _given_size(tensor, pictures) for tensor in inputs})
        check(steps, sizes, [tensor.name for tensor in outputs], RULES, pictures)


def _constant(node: Node) -> Size:
    if "value" in node.tensors:
        return node.tensors["value"]
    value = next((v for name, v in node.options.items() if name in ("value_int", "value_ints")), None)
    if isinstance(value, int):
        return Size.of((), (value,))
    if isinstance(value, tuple):
        return Size.of((len(value),), value if len(value) <= BUDGET.values else None)
    return Size(BUDGET.decoded_bytes)  # numbers or texts that stand in the attribute itself


def _given_size(tensor: Tensor, pictures: int) -> Size:
    """The size of an input: free dimensions are a picture's, the first stands for as many pictures as are run."""
    if not tensor.shape:
        return Size(784 * pictures)
    first, *rest = (size if isinstance(size, int) else 0 for size in tensor.shape)
    if first < 0 or min(rest, default=0) < 0 or len(rest) >= _MAX_RANK:
        raise MalformedError(f"input {tensor.name!r} has the impossible shape {tensor.shape[:_MAX_RANK]}")
    size = Size.of((pictures if first in (0, 1) else first, *(n or 1 for n in fixed_shape(tuple(rest)))))
    if size.elements * 4 > BUDGET.arena_bytes:
        refuse(f"bytes of the input {tensor.name!r} for {pictures} pictures", size.elements * 4, BUDGET.arena_bytes)
    return size
