"""The arithmetic between pixels, quantised numbers and probabilities: each formula once.

Scale and zero point always come from the model. The affine scheme is the one of
"Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference"
(Jacob et al., CVPR 2018, equation 1): ``real = scale * (quantised - zero_point)``.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 28
"""A digit is SIDE x SIDE pixels."""

PIXEL_MAX = 255
"""A pixel is 0 (background) to 255 (foreground); every model here was trained on pixel / 255."""


def quantize(real: NDArray[Any], scale: float, zero_point: int, dtype: Any) -> NDArray[Any]:
    """Quantise real numbers: divide, round half to even, clip to the range of ``dtype``, cast.

    Args:
        real: any shape, float.
        scale: step between two neighbouring quantised numbers, > 0.
        zero_point: the quantised number that stands for 0.0.
        dtype: an integer dtype.

    Returns:
        The same shape in ``dtype``.
    """
    limits = np.iinfo(dtype)
    steps = np.rint(np.asarray(real, np.float64) / scale) + zero_point
    return np.clip(steps, limits.min, limits.max).astype(dtype)


def dequantize(quantised: NDArray[Any], scale: float, zero_point: int) -> NDArray[np.float32]:
    """Return ``scale * (quantised - zero_point)`` as float32, in the same shape."""
    return ((quantised.astype(np.int32) - zero_point) * np.float32(scale)).astype(np.float32)


def pixel_table(dtype: Any, scale: float | None, zero_point: int | None) -> NDArray[Any]:
    """Return what a model's input must hold for each of the 256 pixel values.

    This is the one place where pixels meet a model's input: scaling by 1/255 and, for an integer
    input, quantisation. ``table[images]`` prepares whole batches exactly. A uint8 input without scale can only mean
    the pixels themselves.

    Returns:
        ``(256,)`` in ``dtype``.
    """
    if scale is None and np.dtype(dtype) == np.uint8:
        return np.arange(256, dtype=np.uint8)
    real = (np.arange(256, dtype=np.float32) / np.float32(PIXEL_MAX)).astype(np.float32)
    if scale is None or zero_point is None:
        return real.astype(dtype)
    return quantize(real, scale, zero_point, dtype)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn logits ``(..., 10)`` into probabilities that sum to 1 along the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return (shifted / shifted.sum(axis=-1, keepdims=True)).astype(np.float32)
