"""A network in one block of memory, as c/native.h describes it: offsets for pointers, and 64-byte borders."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.dense.network import Dense, Network
from digitrec_edge.dense.rounding import Rounding, multipliers
from digitrec_edge.dense.tflite import MOST_LAYERS

LANES, ALIGNED, FILLED = 16, 64, 4
"""Outputs are filled up to whole lanes, arrays lie on borders of 64 bytes, and inputs are filled up to fours.

A lane of what belongs to an output is 4 bytes, so that the way to the next border fills the lanes up."""

_LAYER = np.dtype(
    [(name, "<i4") for name in ("inputs", "outputs", "zero", "low")]
    + [(name, "<u4") for name in ("weights", "bias", "factors", "multipliers", "shifts")]
)
_NETWORK = np.dtype(
    [("size", "<u4"), ("kernel", "<i4"), ("rounding", "<i4"), ("count", "<i4"), ("layers", _LAYER, (MOST_LAYERS,))]
)


def lay_out(network: Network, rounding: Rounding, kernel: int, group: int, offset: int) -> NDArray[np.uint8]:
    """Put a network into a block for one kernel.

    Args:
        network: of at most ``MOST_LAYERS`` layers.
        rounding: how its sums are rounded.
        kernel: number of the kernel.
        group: how many inputs the kernel takes at a time: 1, 2 or 4.
        offset: what the kernel wants added to every weight: 128 or 0.

    Returns:
        ``(size,) uint8`` on a border of 64 bytes; nothing in it depends on where it lies.

    Raises:
        ValueError: a layer's scales are too far apart for the rounding's whole numbers.
    """
    header = np.zeros((), _NETWORK)
    header["kernel"], header["rounding"], header["count"] = kernel, rounding.number, len(network.layers)
    parts: list[NDArray[Any]] = []
    place = _up(_NETWORK.itemsize, ALIGNED)
    for number, layer in enumerate(network.layers):
        unused = np.zeros(layer.outputs, np.int64)
        numbers, shifts = multipliers(layer.factors) if rounding.number else (unused, unused)
        arrays: tuple[NDArray[Any], ...] = (
            _weights(layer, group, offset), layer.bias, layer.factors32, numbers.astype("<i4"), shifts.astype("<i4"),
        )  # fmt: skip
        row = header["layers"][number]
        row["inputs"], row["outputs"], row["zero"], row["low"] = layer.inputs, layer.outputs, layer.zero, layer.low
        for name, array in zip(("weights", "bias", "factors", "multipliers", "shifts"), arrays, strict=True):
            row[name] = place
            parts.append(array)
            place += _up(array.nbytes, ALIGNED)
    header["size"] = place
    return _joined(header, parts, place)


def _up(number: int, step: int) -> int:
    return -(-number // step) * step


def _weights(layer: Dense, group: int, offset: int) -> NDArray[np.uint8]:
    """Turn ``(outputs, inputs) int8`` into ``(inputs / group, outputs * group) uint8``, both sizes filled up."""
    filled = np.zeros((_up(layer.outputs, LANES), _up(layer.inputs, FILLED)), np.uint8)
    filled[: layer.outputs, : layer.inputs] = layer.weights.view(np.uint8) ^ np.uint8(offset)  # + 128 turns the sign
    return np.ascontiguousarray(filled.view(f"u{group}").T).view(np.uint8)


def _joined(header: NDArray[Any], parts: Sequence[NDArray[Any]], size: int) -> NDArray[np.uint8]:
    memory = np.zeros(size + ALIGNED, np.uint8)
    start = -memory.ctypes.data % ALIGNED
    block: NDArray[np.uint8] = memory[start : start + size]
    place = 0
    for array in (header, *parts):
        block[place : place + array.nbytes] = np.frombuffer(array.tobytes(), np.uint8)
        place += _up(array.nbytes, ALIGNED)
    return block
