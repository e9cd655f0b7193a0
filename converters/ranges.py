"""The ranges of activations in whole numbers: what is between their ends is told apart, what is beyond is cut off."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.formats.tflite import describe

Range = tuple[float, float]

PIXELS: Range = (0.0, 1.0)

SEEN = 0.99
"""So many images lie within a hidden activation's range. The rest widen every step for what they alone reach: chosen by
the answers to training images, plain, blemished and distorted, among 0.9 to 1."""

_SHARES = np.arange(1, 21) / 20
_STEPS = 255


def activation_ranges(payload: bytes, images: NDArray[np.float32]) -> dict[str, Range]:
    """Return the range of every activation of a float TFLite model, by the tensor's name.

    The input's is that of pixels, whatever the images show: then one step is a pixel's, and no pixel is changed.

    Args:
        payload: the model, for one picture.
        images: ``(N, 28, 28)``, as it takes them.
    """
    from ai_edge_litert.interpreter import Interpreter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # keeping all tensors takes memory, says LiteRT
        interpreter = Interpreter(model_content=payload, experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    (image,), (logits,) = interpreter.get_input_details(), interpreter.get_output_details()
    stored = {tensor.name for tensor in describe(payload).tensors if tensor.stored_bytes}
    activations = {one["name"]: one["index"] for one in interpreter.get_tensor_details() if one["name"] not in stored}
    ends: dict[str, list[Range]] = {name: [] for name in activations}
    answers = []
    for picture in images:
        interpreter.set_tensor(image["index"], picture[None])
        interpreter.invoke()
        for name, index in activations.items():
            numbers = interpreter.get_tensor(index)
            ends[name].append((float(numbers.min()), float(numbers.max())))
        answers.append(interpreter.get_tensor(logits["index"])[0])
    found = {name: _seen(np.array(pairs)) for name, pairs in ends.items()}
    return found | {image["name"]: PIXELS, logits["name"]: logit_range(np.array(answers))}


def _seen(ends: NDArray[np.float64]) -> Range:
    low, high = np.quantile(ends[:, 0], 1 - SEEN, method="lower"), np.quantile(ends[:, 1], SEEN, method="higher")
    return float(low), float(high)


def logit_range(logits: NDArray[np.float32]) -> Range:
    """Return the range of the logits that changes their probabilities least, by the Kullback-Leibler divergence.

    What a label far behind the likeliest gets exactly does not matter; whether two likely ones differ does. Ranges
    of whole twentieths of the least and of the largest logit are tried.

    Args:
        logits: ``(N, labels)`` of the images.
    """
    least, largest = min(float(logits.min()), 0.0), max(float(logits.max()), 0.0)
    wanted = _log_probabilities(logits)

    def divergence(ends: Range) -> float:
        return float((np.exp(wanted) * (wanted - _log_probabilities(_quantised(logits, ends)))).sum(axis=1).mean())

    tried = [(low, high) for low in least * _SHARES for high in largest * _SHARES if high > low]
    return min(tried, key=divergence, default=(least, largest))


def _log_probabilities(logits: NDArray[Any]) -> NDArray[np.float64]:
    less = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return np.asarray(less - np.log(np.exp(less).sum(axis=1, keepdims=True)))


def _quantised(logits: NDArray[np.float32], ends: Range) -> NDArray[np.float64]:
    """Return logits as 8 bits hold them."""
    low, high = ends
    scale = (high - low) / _STEPS
    zero = np.rint(-low / scale)
    return np.asarray((np.clip(np.rint(logits / scale) + zero, 0, _STEPS) - zero) * scale)
