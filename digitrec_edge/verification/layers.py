"""Bytes per layer: a constant counts for the operator that computes with it, whichever operators pass it on."""

from collections.abc import Sequence
from dataclasses import dataclass

from digitrec_edge.formats.graph import Graph, Operator, Tensor

_PASS_ON = frozenset({"DequantizeLinear", "DEQUANTIZE", "Cast", "CAST", "QuantizeLinear", "Identity", "Transpose"})
"""Operators that only prepare a constant for the one that computes with it."""

_BIAS = frozenset({"Add", "ADD"})
"""Operators that add the bias of the layer before them."""


@dataclass(frozen=True)
class LayerSize:
    """One layer with weights.

    Attributes:
        operator: that multiplies by the weights.
        outputs: of this operator.
        shape: inputs and outputs of a dense layer, whichever way round the format stores its weights.
        stored_bytes: of weights, bias and their quantisation parameters.
    """

    operator: str
    outputs: tuple[str, ...]
    shape: tuple[int | str, ...]
    stored_bytes: int


def layer_sizes(graph: Graph) -> tuple[LayerSize, ...]:
    """Return the layers in the order of computation; each constant counts once, for the first layer that reads it."""
    constants = {tensor.name: [tensor] for tensor in graph.tensors if tensor.stored_bytes}
    layers: list[tuple[Operator, list[Tensor]]] = []
    counted: set[str] = set()
    for operator in graph.operators:
        read = [tensor for name in operator.inputs for tensor in constants.get(name, ()) if tensor.name not in counted]
        if operator.name in _PASS_ON and operator.inputs and operator.inputs[0] in constants:
            constants.update(dict.fromkeys(operator.outputs, read))
        elif any(_is_matrix(tensor) for tensor in read):
            layers.append((operator, read))
            counted.update(tensor.name for tensor in read)
        elif read and operator.name in _BIAS and layers:
            layers[-1][1].extend(read)
            counted.update(tensor.name for tensor in read)
    return tuple(
        LayerSize(operator.name, operator.outputs, _shape(read), sum(tensor.stored_bytes for tensor in read))
        for operator, read in layers
    )


def rest_bytes(file_bytes: int, layers: Sequence[LayerSize]) -> int:
    """Return the bytes of a file that belong to no layer: graph, other constants, card and sample."""
    return file_bytes - sum(layer.stored_bytes for layer in layers)


def _is_matrix(tensor: Tensor) -> bool:
    return len(_extents(tensor)) > 1


def _extents(tensor: Tensor) -> tuple[int | str, ...]:
    return tuple(size for size in tensor.shape if size != 1)


def _shape(constants: Sequence[Tensor]) -> tuple[int | str, ...]:
    """The largest constant's shape, turned round if the bias shows that the outputs come first."""
    weights = _extents(max(constants, key=lambda tensor: tensor.stored_bytes))
    biases = [_extents(tensor) for tensor in constants]
    return weights[::-1] if weights[:1] in biases and weights[-1:] not in biases else weights
