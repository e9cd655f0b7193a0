"""From a TFLite model of static int8 Dense layers to a Network; anything else is refused by name.

Slots are those of https://github.com/google-ai-edge/LiteRT/blob/main/tflite/converter/schema/schema.fbs.
"""

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.dense.network import SUM_BITS, UNSIGNED, Dense, Network, follow, may_overflow
from digitrec_edge.formats import tflite
from digitrec_edge.formats.flatbuffer import Table
from digitrec_edge.formats.graph import Graph, Tensor
from digitrec_edge.formats.tflite_checks import buffer_content

MOST_LAYERS = 8
MOST_NUMBERS = 1024
"""Numbers that go into a layer, or come out of one."""

_ACTIVATIONS = "none", "ReLU", "ReLU from -1 to 1", "ReLU6", "tanh", "the sign's bit"
"""By their numbers in the schema."""
_NO_ACTIVATION, _RELU = 0, 1
_UNCHANGED = ("RESHAPE", "QUANTIZE")
_OFFSET = {"int8": UNSIGNED, "uint8": 0}


class NotDenseError(ValueError):
    """A model that is none of the int8 or int4 Dense layers that are computed here; says what it has instead."""


def read_network(payload: bytes, graph: Graph | None = None) -> Network:
    """Read the layers of a model.

    Args:
        payload: a TFLite file; what stands behind the model does not matter.
        graph: what ``formats.tflite.describe`` said of it; None has it checked here.

    Raises:
        MalformedError: it is no TFLite model that an interpreter may be given.
        NotDenseError: it has another operator, type, order or size than those that are computed here.
    """
    graph = graph or tflite.describe(payload)
    _need(len(graph.inputs) == len(graph.outputs) == 1, "it has several inputs or outputs")
    model = Table.root(payload)
    (subgraph,) = model.tables(2)
    tensors, buffers = subgraph.tables(0), model.tables(4)
    given, result = int(subgraph.vector(1, "<i4")[0]), int(subgraph.vector(2, "<i4")[0])
    now, layers = given, []
    for operator, table in zip(graph.operators, subgraph.tables(3), strict=True):
        inputs, (sink,) = table.vector(1, "<i4").tolist(), table.vector(2, "<i4").tolist()
        _need(inputs[0] == now, "its layers do not follow one another")
        ends = graph.tensors[now], graph.tensors[sink]
        if operator.name in _UNCHANGED:
            _need(operator.name == "RESHAPE" or _same_numbers(*ends), "a QUANTIZE changes the numbers")
        else:
            _need(operator.name == "FULLY_CONNECTED", f"it has {operator.name}")
            layers.append(_layer(table, graph, [_stored(k, tensors, buffers) for k in inputs[1:]], inputs, sink))
        now = sink
    _need(now == result and 0 < len(layers) <= MOST_LAYERS, f"it has {len(layers)} layers, 1 to {MOST_LAYERS} fit")
    _need(follow(layers), "its layers do not fit one another")
    source, logits = graph.tensors[given], graph.tensors[result]
    return Network(
        tuple(layers), source.dtype, source.scale[0], source.zero_point[0],
        logits.dtype, logits.scale[0], logits.zero_point[0],
    )  # fmt: skip


def _need(holds: bool, what: str) -> None:
    if not holds:
        raise NotDenseError(f"it is no network of static int8 or int4 Dense layers: {what}")


def _stored(index: int, tensors: list[Table], buffers: list[Table]) -> NDArray[np.uint8]:
    return buffer_content(buffers[tensors[index].number(2, "I")]) if index >= 0 else np.empty(0, np.uint8)


def _same_numbers(source: Tensor, sink: Tensor) -> bool:
    """Whether a QUANTIZE between the two leaves ``x`` as it is: only the type changes."""
    return (
        source.dtype in _OFFSET
        and sink.dtype in _OFFSET
        and source.scale == sink.scale
        and _zero(source) == _zero(sink)
    )


def _zero(tensor: Tensor) -> int:
    return tensor.zero_point[0] + _OFFSET[tensor.dtype]


def _layer(table: Table, graph: Graph, stored: list[NDArray[np.uint8]], inputs: list[int], sink_index: int) -> Dense:
    """Read one FULLY_CONNECTED: source, weights and perhaps a bias."""
    source, weights, sink = graph.tensors[inputs[0]], graph.tensors[inputs[1]], graph.tensors[sink_index]
    for tensor in (source, sink):
        _need(
            tensor.dtype in _OFFSET and len(tensor.scale) == 1, f"its activations are {tensor.dtype}, not static int8"
        )
    _need(weights.dtype in ("int8", "int4") and bool(weights.scale), f"its weights are {weights.dtype}")
    _need(not any(weights.zero_point), "its weights have a zero point")
    options = table.table(4)
    activation = options.number(0, "b") if options else _NO_ACTIVATION
    named = _ACTIVATIONS[activation] if 0 <= activation < len(_ACTIVATIONS) else activation
    _need(activation in (_NO_ACTIVATION, _RELU), f"a layer has activation {named}, ReLU alone is computed")
    _need(not (options and options.number(1, "b")), "its weights are shuffled")
    shape = tuple(int(size) for size in weights.shape)
    _need(len(shape) == 2 and max(shape) <= MOST_NUMBERS, f"a layer has shape {shape}, {MOST_NUMBERS} numbers fit")
    _need(len(stored[0]) > 0, "its weights are not stored")
    numbers = _nibbles(stored[0])[: shape[0] * shape[1]] if weights.dtype == "int4" else stored[0].view(np.int8)
    matrix = numbers.reshape(shape)
    bias = np.zeros(shape[0], np.int64)
    if len(inputs) > 2 and inputs[2] >= 0:
        _need(graph.tensors[inputs[2]].dtype == "int32", f"its bias is {graph.tensors[inputs[2]].dtype}")
        bias += stored[1].view("<i4")
    bias -= _zero(source) * matrix.sum(axis=1, dtype=np.int64)
    _need(not may_overflow(matrix, bias), f"a sum may leave {SUM_BITS} bits")
    scales, zero = np.array(weights.scale, np.float32), _zero(sink)
    factors32 = np.float32(source.scale[0]) * scales / np.float32(sink.scale[0]) * np.ones(shape[0], np.float32)
    factors = float(source.scale[0]) * scales.astype(np.float64) / float(sink.scale[0]) * np.ones(shape[0])
    _need(bool((factors32 > 0).all() and (factors32 < 1).all()), "a layer's scales are too far apart")
    return Dense(
        matrix, 4 if weights.dtype == "int4" else 8, bias.astype(np.int32), factors, factors32.astype(np.float32),
        zero, zero if activation == _RELU else 0,
    )  # fmt: skip


def _nibbles(packed: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Unpack int4 numbers, two a byte, the first in its lower half."""
    pairs = np.stack([packed << 4, packed & 0xF0], axis=1).view(np.int8) >> 4
    return pairs.reshape(-1)
