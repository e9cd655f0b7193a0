"""What a model file computes, in terms that all formats share."""

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

from digitrec_edge.frozen import Frozen


class MalformedError(ValueError):
    """Bytes that are not what their format says; becomes an ArtifactError where the file's name is known."""


ITEM_BITS = {
    "float32": 32, "float16": 16, "int32": 32, "uint8": 8, "int64": 64, "bool": 8, "int16": 16, "int8": 8,
    "float64": 64, "uint64": 64, "uint32": 32, "uint16": 16, "int4": 4, "uint4": 4, "bfloat16": 16,
}  # fmt: skip
"""Of what tensors of numbers hold; all others are refused."""


_PICTURES = ((28, 28), (28, 28, 1), (1, 28, 28), (784,))
"""Shapes that a picture is given in."""


def fixed_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape of a picture with its free sizes, which are 0, filled in; the shape itself where nothing fits."""
    fits = [
        one for one in _PICTURES if len(one) == len(shape) and all(a in (0, b) for a, b in zip(shape, one, strict=True))
    ]
    return fits[0] if fits else shape


class Tensor(Frozen):
    """One tensor of a model.

    Attributes:
        shape: an int per dimension, or the name of a free one.
        dtype: in numpy's words, such as ``float32``.
        scale, zero_point: one entry per channel or a single one; empty when not quantised.
        stored_bytes: size of the constant data in the file, 0 for activations.
    """

    name: str
    shape: tuple[int | str, ...]
    dtype: str
    scale: tuple[float, ...] = ()
    zero_point: tuple[int, ...] = ()
    stored_bytes: int = 0


class Operator(Frozen):
    """One step of a model; ``version`` is TFLite's operator version or ONNX's opset."""

    name: str
    version: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


class Graph(Frozen):
    """A whole model: its inputs and outputs are among its tensors.

    Attributes:
        operators: in an order in which they can be computed.
        needs: what a runtime must have to run it: operators (TFLite) or opsets and IR (ONNX), each
            with the lowest version that will do.
        remarks: what else a format has to say of a model, a word and a text each.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    needs: tuple[tuple[str, int], ...]
    remarks: tuple[tuple[str, str], ...] = ()


_SOFTMAX = ("SOFTMAX", "Softmax", "QLinearSoftmax")
_PASSING = ("DEQUANTIZE", "QUANTIZE", "RESHAPE", "CAST", "DequantizeLinear", "QuantizeLinear", "Reshape", "Cast")
"""Operators that hand on what they are given, in another type or shape."""


def ends_in_softmax(graph: Graph) -> bool:
    """Whether what a model gives is the probabilities of a softmax."""
    name = graph.outputs[0].name
    for operator in reversed(graph.operators):
        if name in operator.outputs:
            if operator.name not in _PASSING:
                return operator.name in _SOFTMAX
            name = operator.inputs[0]
    return False


def in_order_of_computation(operators: Iterable[Operator]) -> tuple[Operator, ...]:
    """Sort operators so that each follows those whose outputs it reads.

    Raises:
        MalformedError: an operator needs its own output.
    """
    operators = tuple(operators)
    writers = {name: k for k, operator in enumerate(operators) for name in operator.outputs if name}
    reads = {k: {writers[name] for name in operator.inputs if name in writers} for k, operator in enumerate(operators)}
    try:
        return tuple(operators[k] for k in TopologicalSorter(reads).static_order())
    except CycleError as cause:
        raise MalformedError("an operator needs its own output") from cause
