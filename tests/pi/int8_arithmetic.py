"""A static int8 network in numpy, exact to the byte: what the kernels compute, by their ways of rounding.

The sums are the same everywhere: int8 weights times int8 inputs plus an int32 bias. What differs is how a sum is
brought to the next layer's scale:

- XNNPACK multiplies it by a float32 and rounds half to even.
- The built-in kernels (ruy) multiply it by a 31-bit fixed-point number and shift it right, rounding twice
  (Jacob et al., CVPR 2018, section 2.2). Halves in the shift go up on x86, and away from zero on ARM; of 100,000
  logits of the digit model that changes about 90, by one step.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.formats.flatbuffer import Table

Integers = NDArray[np.int64]
Requantize = Callable[[Integers, NDArray[np.float32], np.float32, np.float32], Integers]
"""From sums, weights' scales ``(channels,)``, input's scale and output's scale to steps of the output."""


def by_float(sums: Integers, weights: NDArray[np.float32], source: np.float32, sink: np.float32) -> Integers:
    """XNNPACK's way."""
    factors = (source * weights / sink).astype(np.float32)
    return np.rint(sums.astype(np.float32) * factors).astype(np.int64)


def by_shift_up(sums: Integers, weights: NDArray[np.float32], source: np.float32, sink: np.float32) -> Integers:
    """The built-in kernels' way on x86: halves go up."""
    high, shift = _high_halves(sums, weights, source, sink)
    return (high + ((np.int64(1) << shift) >> 1)) >> shift


def by_shift_away(sums: Integers, weights: NDArray[np.float32], source: np.float32, sink: np.float32) -> Integers:
    """The built-in kernels' way on ARM: halves go away from zero."""
    high, shift = _high_halves(sums, weights, source, sink)
    return np.sign(high) * ((np.abs(high) + ((np.int64(1) << shift) >> 1)) >> shift)


def _high_halves(
    sums: Integers, weights: NDArray[np.float32], source: np.float32, sink: np.float32
) -> tuple[Integers, Integers]:
    """Return the rounded upper halves of sums times 31-bit multipliers, and the shift that is left to do."""
    fraction, exponent = np.frexp(float(source) * weights.astype(np.float64) / float(sink))
    multiplier = np.floor(fraction * 2.0**31 + 0.5).astype(np.int64)
    assert (exponent <= 0).all()
    assert (multiplier < 1 << 31).all()
    return (sums * multiplier + (1 << 30)) >> 31, -exponent.astype(np.int64)


def kernel(names: str, machine: str) -> Requantize:
    """Return the arithmetic of a runtime's kernels.

    Args:
        names: ``XNNPACK``, or those of built-in operators.
        machine: as uname names it.
    """
    if names == "XNNPACK":
        return by_float
    return by_shift_up if machine == "x86_64" else by_shift_away


def logits(path: Path, images: NDArray[np.uint8], requantize: Requantize) -> NDArray[np.float32]:
    """Run a static int8 TFLite model of Dense layers.

    Args:
        path: of a model whose input is the pictures' bytes.
        images: ``(N, 28, 28) uint8``.
        requantize: how sums become the next layer's numbers.

    Returns:
        ``(N, 10) float32``: dequantised as the package does it.
    """
    model = Table.root(path.read_bytes())
    (graph,) = model.tables(2)
    tensors, buffers = graph.tables(0), model.tables(4)

    def stored(index: int, dtype: str) -> NDArray[Any]:
        flat = buffers[tensors[index].number(2, "I")].vector(0, "u1").view(dtype)
        return flat.reshape(tensors[index].vector(0, "<i4"))

    def scale(index: int) -> NDArray[np.float32]:
        return _quantisation(tensors[index]).vector(2, "<f4")

    def zero_point(index: int) -> int:
        return int(_quantisation(tensors[index]).vector(3, "<i8")[0])

    numbers = images.reshape(len(images), -1).astype(np.int64) - 128
    layers = [operator.vector(1, "<i4").tolist() for operator in graph.tables(3)]
    sinks = [int(operator.vector(2, "<i4")[0]) for operator in graph.tables(3)]
    dense = [(inputs, sink) for inputs, sink in zip(layers, sinks, strict=True) if len(inputs) == 3]
    for (source, weights, bias), sink in dense:
        terms = (numbers - zero_point(source)).astype(np.float64)  # sums below 2**53 are exact
        sums = (terms @ stored(weights, "i1").astype(np.float64).T).astype(np.int64) + stored(bias, "<i4")
        steps = requantize(sums, scale(weights), scale(source)[0], scale(sink)[0])
        numbers = np.clip(steps + zero_point(sink), -128, 127)
        assert sink == dense[-1][1] or zero_point(sink) == -128, "clipping is the ReLU only there"
    real: NDArray[np.float32] = (numbers - zero_point(sink)).astype(np.float32) * scale(sink)[0]
    return real


def _quantisation(tensor: Table) -> Table:
    table = tensor.table(4)
    assert table is not None
    return table
