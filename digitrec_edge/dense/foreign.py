"""Numbers out of somebody's file become a network, if they are one that is computed here."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.dense.c_tables import BY_FLOAT, LARGEST_FIXED, Tables
from digitrec_edge.dense.network import SUM_BITS, Dense, Network, follow, largest_sum, may_overflow
from digitrec_edge.dense.packing import KernelRow
from digitrec_edge.dense.rounding import Rounding
from digitrec_edge.dense.tflite import MOST_LAYERS, MOST_NUMBERS
from digitrec_edge.dense.threshold import LARGEST
from digitrec_edge.formats.graph import MalformedError
from digitrec_edge.quantization import PIXEL_MAX


def need(holds: bool, what: str) -> None:
    """Let pass what holds.

    Raises:
        MalformedError: it does not; says ``what``.
    """
    if not holds:
        raise MalformedError(what)


def check_count(layers: int) -> None:
    """Let pass a number of layers that fit."""
    need(0 < layers <= MOST_LAYERS, f"there are {layers} layers, 1 to {MOST_LAYERS} fit")


def check_sizes(outputs: int, inputs: int) -> None:
    """Let pass the sizes of a layer that fits."""
    sizes = outputs, inputs
    need(min(sizes) > 0 and max(sizes) <= MOST_NUMBERS, f"a layer has shape {sizes}, {MOST_NUMBERS} numbers fit")


def layer(
    k: int, weights: NDArray[np.int8], bits: int, bias: NDArray[np.int32], factors: NDArray[np.float64], zero: int,
    low: int,
) -> Dense:  # fmt: skip
    """Make layer k of its numbers.

    Raises:
        MalformedError: its numbers cannot be computed with.
    """
    need(low in (0, zero) and zero <= PIXEL_MAX, f"layer {k} starts at {low}")
    need(not may_overflow(weights, bias), f"a sum may leave {SUM_BITS} bits")
    need(bool(((factors > 0) & (factors < 1)).all()), f"layer {k} has a factor that is not between 0 and 1")
    return Dense(weights, bits, bias, factors, factors.astype(np.float32), zero, low)


def tables(
    layers: Sequence[Dense], rounding: Rounding, kernel: KernelRow, scale: float, zero_point: int, threshold: int
) -> Tables:
    """Join layers.

    Raises:
        MalformedError: they do not fit one another, or what they give means nothing.
    """
    need(follow(layers), "its layers do not fit one another")
    need(1e-12 < scale < 1e12 and -128 <= zero_point <= 127, f"its logits have scale {scale:g} and zero {zero_point}")
    if rounding.number != BY_FLOAT:
        most = max(largest_sum(layer.weights, layer.bias) for layer in layers)
        need(most <= LARGEST_FIXED, f"a sum may be {most:,}, {LARGEST_FIXED:,} fit the rounding {rounding.name}")
    need(0 <= threshold <= LARGEST, f"its threshold is {threshold}")
    network = Network(tuple(layers), "uint8", 1 / PIXEL_MAX, 0, "int8", scale, zero_point)
    return Tables(network, rounding, kernel, threshold)
