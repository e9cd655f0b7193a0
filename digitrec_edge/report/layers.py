"""Which layer a file's bytes belong to: constants follow the operators that read them."""

import math
from dataclasses import dataclass

from digitrec_edge.artifact import Artifact
from digitrec_edge.formats.graph import Graph, Tensor

_PASS_ON = frozenset({"DequantizeLinear", "DEQUANTIZE", "Cast", "CAST", "QuantizeLinear", "Identity", "Transpose"})
"""Operators that only prepare a constant for the one that computes with it."""

_BIAS = frozenset({"Add", "ADD"})
"""An addition of a constant is the bias of the layer before it."""

_SMALL = 0.002
"""A layer with a smaller share of the file counts as the rest."""


@dataclass(frozen=True)
class LayerSize:
    """Bytes of one layer; ``rest``: of all that is no layer: graph, card, small constants."""

    name: str
    stored_bytes: int
    rest: bool = False


def size_by_layer(found: Artifact) -> tuple[LayerSize, ...]:
    """Return the layers in the order of computation, and the rest last; they add up to the file."""
    total = len(found.data)
    layers = [
        LayerSize(f"layer {k} ({_shape(constants)})", sum(tensor.stored_bytes for tensor in constants))
        for k, constants in enumerate(_layers(found.graph, _SMALL * total), 1)
    ]
    return (*layers, LayerSize("rest of the file", total - sum(layer.stored_bytes for layer in layers), rest=True))


def _layers(graph: Graph, least_bytes: float) -> list[list[Tensor]]:
    carried = {tensor.name: [tensor] for tensor in graph.tensors if tensor.stored_bytes}
    layers: list[list[Tensor]] = []
    counted: set[str] = set()
    for operator in graph.operators:
        constants = [
            tensor for name in operator.inputs for tensor in carried.get(name, []) if tensor.name not in counted
        ]
        if not constants:
            continue
        if operator.name in _PASS_ON and operator.inputs and operator.inputs[0] in carried:
            carried.update(dict.fromkeys(operator.outputs, constants))
            continue
        counted |= {tensor.name for tensor in constants}
        if operator.name in _BIAS and layers:
            layers[-1] += constants
        else:
            layers.append(constants)
    return [constants for constants in layers if sum(tensor.stored_bytes for tensor in constants) >= least_bytes]


def _shape(constants: list[Tensor]) -> str:
    """Inputs and outputs of the layer, the larger number first: formats store weights either way round."""
    largest = max(constants, key=lambda tensor: tensor.stored_bytes)
    numbers = sorted((size for size in largest.shape if isinstance(size, int) and size > 1), reverse=True)
    return " x ".join(map(str, numbers)) or f"{math.prod(numbers)}"
