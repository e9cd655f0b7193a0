"""The weights of a recipe: as a network sees them while it trains, and as the result has them.

A result that is rounded to whole multiples of one scale for each unit loses nothing when it is exported in so many
bits. With 8 bits that is done once, at the end. With 4 it would cost points; there every step computes with the rounded
weights, and the gradient goes to those behind them as if nothing had been rounded (straight-through: Bengio, Leonard,
Courville 2013, arXiv:1308.3432, section 2.3).
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.quantization import PIXEL_MAX, SIDE
from digitrec_edge.training.network import import_tensorflow
from digitrec_edge.training.recipes import FLOAT_BITS, TRAINED_BITS, Recipe

GROUP = 4
"""So many inputs an instruction of a dot product takes; the kernels leave a group out where all of it is 0."""

LOOKED_AT = 2_000
"""Images by which units are put into groups."""


def forward(model: Any, recipe: Recipe) -> Callable[[Any, bool], Any]:
    """Return how a network computes logits while it trains.

    It takes ``(N, 28, 28) float32`` and whether to learn from it, and gives ``(N, labels)``.

    Args:
        model: a built Keras model, Flatten and then Dense layers with ReLU, the last of which gives the logits.
        recipe: with neither 4 bits nor squares of pixels it is the model's own way.
    """
    if recipe.weight_bits != TRAINED_BITS and not recipe.pooled:
        return lambda pixels, training: model(pixels, training=training)
    tf = import_tensorflow()
    dense = [layer for layer in model.layers if layer.weights]

    def stored(kernel: Any) -> Any:
        if recipe.weight_bits != TRAINED_BITS:
            return kernel
        scales = tf.stop_gradient(tf.math.maximum(tf.reduce_max(tf.abs(kernel), axis=0), 1e-12) / largest(TRAINED_BITS))
        return kernel + tf.stop_gradient(tf.round(kernel / scales) * scales - kernel)

    def run(pixels: Any, training: bool) -> Any:
        numbers = tf.reshape(pixels, (-1, SIDE * SIDE))
        for layer in dense:
            kernel = layer.kernel
            if recipe.pooled and layer is dense[0]:
                squares = tf.reduce_mean(tf.reshape(kernel, (SIDE // 2, 2, SIDE // 2, 2, -1)), (1, 3), keepdims=True)
                kernel = tf.reshape(tf.tile(squares, (1, 2, 1, 2, 1)), (SIDE * SIDE, -1))
            numbers = numbers @ stored(kernel) + layer.bias
            numbers = numbers if layer is dense[-1] else tf.nn.relu(numbers)
        return numbers

    return run


def make_ready(model: Any, recipe: Recipe, images: NDArray[np.uint8]) -> None:
    """Give a trained network the weights that are stored, and put its hidden units in order, in place.

    First, unless weights were trained as they are stored, the mean over all labels is taken out of the last layer's
    kernel and bias. Neither softmax nor score see it, but without it logits lie in a narrower range, and int8 has 256
    steps for all of it. Then every kernel becomes ``q * scale`` with whole q of so many bits and one scale for each
    unit, its largest weight by the largest q: the numbers to which TFLite's converters would round it, so that a
    float32 artifact and an int8 one have the same weights. Last, hidden units that are 0 for the same images come to
    lie beside each other, which changes no answer.

    Args:
        model: as of :func:`forward`.
        recipe: one of float32 weights leaves them as they are.
        images: ``(N, 28, 28)``, of training.
    """
    if recipe.weight_bits == FLOAT_BITS:
        return
    dense = [layer for layer in model.layers if layer.weights]
    if recipe.pooled:
        kernel, bias = dense[0].get_weights()
        dense[0].set_weights([pooled(kernel), bias])
    if recipe.weight_bits != TRAINED_BITS:
        kernel, bias = dense[-1].get_weights()
        dense[-1].set_weights([kernel - kernel.mean(axis=1, keepdims=True), bias - bias.mean()])
    for layer in dense:
        kernel, bias = layer.get_weights()
        layer.set_weights([rounded(kernel, recipe.weight_bits), bias])
    inputs = images[:LOOKED_AT].reshape(min(len(images), LOOKED_AT), -1).astype(np.float32) / np.float32(PIXEL_MAX)
    for layer, following in pairwise(dense):
        kernel, bias = layer.get_weights()
        outputs = np.maximum(inputs @ kernel + bias, 0)
        order = grouped(outputs > 0)
        layer.set_weights([kernel[:, order], bias[order]])
        kernel, bias = following.get_weights()
        following.set_weights([kernel[order], bias])
        inputs = outputs[:, order]


def largest(bits: int) -> int:
    """Return the largest weight of so many bits, either way: scales are symmetric."""
    return (1 << (bits - 1)) - 1


def pooled(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``(784, units)`` weights in which the four of each square of 2 x 2 pixels are their mean."""
    squares = kernel.reshape(SIDE // 2, 2, SIDE // 2, 2, -1).mean(axis=(1, 3), keepdims=True)
    return np.tile(squares, (1, 2, 1, 2, 1)).reshape(kernel.shape)


def rounded(kernel: NDArray[np.float32], bits: int = 8) -> NDArray[np.float32]:
    """Return ``(inputs, units)`` weights rounded to what so many bits hold, with one scale for each unit."""
    scales = np.abs(kernel).max(axis=0) / np.float32(largest(bits))
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
