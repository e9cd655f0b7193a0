"""What a trained network gets at last, so that int8 loses nothing by its weights, little by its logits, and no time."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.quantization import PIXEL_MAX

LARGEST = 127
"""Of an int8 weight, either way: scales are symmetric."""

GROUP = 4
"""So many inputs an instruction of a dot product takes; the kernels leave a group out where all of it is 0."""

LOOKED_AT = 2_000
"""Images by which units are put into groups."""


def make_int8_ready(model: Any, images: NDArray[np.uint8]) -> None:
    """Round a network of Dense layers to the numbers that int8 holds, and put its hidden units in order, in place.

    First the mean over all labels is taken out of the last layer's kernel and bias. Neither softmax nor score see it,
    but without it logits lie in a narrower range, and int8 has 256 steps for all of it. Then every kernel becomes
    ``q * scale`` with whole q of -127 to 127 and one scale for each unit, the largest weight / 127: the numbers to
    which TFLite's converters would round it, so that a float32 artifact and an int8 one have the same weights. Last,
    hidden units that are 0 for the same images come to lie beside each other, which changes no answer.

    Args:
        model: a built Keras model, Flatten and then Dense layers with ReLU, the last of which gives the logits.
        images: ``(N, 28, 28)``, of training.
    """
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([kernel - kernel.mean(axis=1, keepdims=True), bias - bias.mean()])
    dense = [layer for layer in model.layers if layer.weights]
    for layer in dense:
        kernel, bias = layer.get_weights()
        layer.set_weights([rounded(kernel), bias])
    inputs = images[:LOOKED_AT].reshape(min(len(images), LOOKED_AT), -1).astype(np.float32) / np.float32(PIXEL_MAX)
    for layer, following in pairwise(dense):
        kernel, bias = layer.get_weights()
        outputs = np.maximum(inputs @ kernel + bias, 0)
        order = grouped(outputs > 0)
        layer.set_weights([kernel[:, order], bias[order]])
        kernel, bias = following.get_weights()
        following.set_weights([kernel[order], bias])
        inputs = outputs[:, order]


def rounded(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``(inputs, units)`` weights rounded to what int8 holds, with one scale for each unit."""
    scales = np.abs(kernel).max(axis=0) / np.float32(LARGEST)
    whole = np.rint(kernel / np.where(scales > 0, scales, 1))
    return np.asarray(whole * scales, np.float32)


def grouped(active: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return an order of units in which those of a group are active for much the same images.

    Each group starts with the unit that is active most often of those that are left; the ones to follow are
    those whose activity is most like that of the group, by the cosine.

    Args:
        active: ``(images, units)``.
    """
    often = active.sum(axis=0)
    left, order = list(np.argsort(-often, kind="stable")), []
    while left:
        order.append(left.pop(0))
        group = active[:, order[-1]]
        for _ in range(min(GROUP - 1, len(left))):
            alike = (active[:, left] & group[:, None]).sum(axis=0) / np.sqrt(np.maximum(often[left], 1))
            order.append(left.pop(int(alike.argmax())))
            group = group | active[:, order[-1]]
    return np.array(order)
