"""What a trained network gets at last, so that int8 loses nothing by its weights and little by its logits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST = 127
"""Of an int8 weight, either way: scales are symmetric."""


def make_int8_ready(model: Any) -> None:
    """Round a network of Dense layers to the numbers that int8 holds, in place.

    First the mean over all labels is taken out of the last layer's kernel and bias. Neither softmax nor score see it,
    but without it logits lie in a narrower range, and int8 has 256 steps for all of it. Then every kernel becomes
    ``q * scale`` with whole q of -127 to 127 and one scale for each unit, the largest weight / 127: the numbers to
    which TFLite's converters would round it, so that a float32 artifact and an int8 one have the same weights.

    Args:
        model: a built Keras model whose last layer gives the logits.
    """
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([kernel - kernel.mean(axis=1, keepdims=True), bias - bias.mean()])
    for layer in model.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            layer.set_weights([rounded(kernel), bias])


def rounded(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``(inputs, units)`` weights rounded to what int8 holds, with one scale for each unit."""
    scales = np.abs(kernel).max(axis=0) / np.float32(LARGEST)
    whole = np.rint(kernel / np.where(scales > 0, scales, 1))
    return np.asarray(whole * scales, np.float32)
