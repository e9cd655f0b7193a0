"""Dense layers on whole numbers, 0 to 255.

TFLite's int8 numbers q are taken as ``x = q + 128``. Then the background of a picture and all that a ReLU cut off are
exactly 0, add nothing to any sum and can be left out. What remains of an input's zero point is in the bias.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.dense.rounding import Rounding
from digitrec_edge.frozen import Frozen

UNSIGNED = 128
"""What makes an int8 number one from 0 to 255."""


SUM_BITS = 32
"""A sum is a signed number of so many bits."""


def largest_sum(weights: NDArray[np.int8], bias: NDArray[Any]) -> int:
    """Return how far from 0 a sum of a layer, of ``(outputs, inputs)`` weights and its bias, may be."""
    widest = 255 * np.abs(weights, dtype=np.int16).sum(axis=1, dtype=np.int64)
    return int((np.abs(bias.astype(np.int64)) + widest).max())


def may_overflow(weights: NDArray[np.int8], bias: NDArray[Any]) -> bool:
    """Whether some sum of a layer may leave ``SUM_BITS``."""
    return largest_sum(weights, bias) >= 1 << (SUM_BITS - 1)


class Dense(Frozen):
    """A layer: ``sum = bias + weights @ x``, then ``x' = clip(round(sum * factor) + zero, low, 255)``.

    Attributes:
        weights: ``(outputs, inputs) int8``.
        bits: of a weight, 8 or 4.
        bias: ``(outputs,) int32``.
        factors: ``(outputs,) float64``, input's scale times weights' scale by output's scale.
        factors32: the same in float32 arithmetic, as XNNPACK computes it.
        zero: what stands for 0.0 in the output, 0 to 255.
        low: least output; ``zero`` behind a ReLU, else 0.
    """

    weights: NDArray[np.int8]
    bits: int
    bias: NDArray[np.int32]
    factors: NDArray[np.float64]
    factors32: NDArray[np.float32]
    zero: int
    low: int

    @property
    def outputs(self) -> int:
        """How many numbers come out."""
        return int(self.weights.shape[0])

    @property
    def inputs(self) -> int:
        """How many numbers go in."""
        return int(self.weights.shape[1])


def follow(layers: Sequence[Dense]) -> bool:
    """Whether each layer takes as many numbers as the one before it gives."""
    return all(before.outputs == after.inputs for before, after in pairwise(layers))


class Network(Frozen):
    """Dense layers, the first on a picture.

    Attributes:
        layers: at least one; each takes as many numbers as the one before gives.
        input_dtype: of the TFLite model's input, ``uint8`` or ``int8``.
        input_scale, input_zero_point: of that input.
        output_dtype: of the TFLite model's output.
        output_scale, output_zero_point: of that output; its logits are ``scale * (q - zero_point)``.
    """

    layers: tuple[Dense, ...]
    input_dtype: str
    input_scale: float
    input_zero_point: int
    output_dtype: str
    output_scale: float
    output_zero_point: int

    def run(self, inputs: NDArray[np.uint8], rounding: Rounding) -> NDArray[np.uint8]:
        """Compute it in numpy: slow, and what every faster way is held against.

        Args:
            inputs: ``(N, inputs)``, 0 to 255: the model's input, plus 128 where it is int8.
            rounding: a row of :data:`digitrec_edge.dense.rounding.ROUNDINGS`.

        Returns:
            ``(N, outputs)``: the model's output, plus 128 where it is int8.
        """
        numbers = inputs.reshape(len(inputs), -1)
        for layer in self.layers:
            products = numbers.astype(np.float64) @ layer.weights.T.astype(np.float64)  # sums below 2**53 are exact
            steps = rounding.steps(products.astype(np.int64) + layer.bias, layer.factors, layer.factors32)
            numbers = np.clip(steps + layer.zero, layer.low, 255).astype(np.uint8)
        return numbers
