"""TFLite's Interpreter, which tflite-runtime and LiteRT share: one for single pictures, one for batches."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtimes.session import Port

CHUNK = 256
"""Pictures per call in a batch: the weights are read once for all of them, and the activations of
256 pictures (1 MB in float32) still fit a small device's cache and memory."""

InterpreterFactory = Callable[..., Any]


class InterpreterSession:
    """A TFLite model; artifacts have a static batch of 1, batches run in a second, resized interpreter."""

    def __init__(self, factory: InterpreterFactory, data: bytes, threads: int) -> None:
        self._make: Callable[[], Any] = lambda: factory(model_content=data, num_threads=threads)
        self._one = self._make()
        self._one.allocate_tensors()
        self._many: Any = None
        self._many_size = 0
        self._last = self._one
        (source,), (sink,) = self._one.get_input_details(), self._one.get_output_details()
        self._source: int = source["index"]
        self._sink: int = sink["index"]
        self.input, self.output = _port(source), _port(sink)

    def run_one(self, batch: NDArray[Any]) -> NDArray[Any]:
        """See Session."""
        self._last = self._one
        self._one.set_tensor(self._source, batch)
        self._one.invoke()
        result: NDArray[Any] = self._one.get_tensor(self._sink)
        return result

    def run_batch(self, batch: NDArray[Any]) -> NDArray[Any]:
        """See Session; the last chunk is filled up with zeros."""
        size = min(CHUNK, len(batch))
        if self._many is None or self._many_size != size:
            self._many, self._many_size = self._make(), size
            self._many.resize_tensor_input(self._source, (size, *self.input.shape))
            self._many.allocate_tensors()
        self._last = self._many
        results = np.empty((len(batch), *self.output.shape), self.output.dtype)
        for start in range(0, len(batch), size):
            chunk = batch[start : start + size]
            if len(chunk) < size:
                chunk = np.concatenate([chunk, np.zeros((size - len(chunk), *chunk.shape[1:]), chunk.dtype)])
            self._many.set_tensor(self._source, chunk)
            self._many.invoke()
            results[start : start + size] = self._many.get_tensor(self._sink)[: len(batch) - start]
        return results

    def invoke(self) -> None:
        """See Session."""
        self._last.invoke()

    def close(self) -> None:
        """See Session."""
        self._one = self._many = self._last = None


def _port(details: dict[str, Any]) -> Port:
    scale, zero_point = details["quantization"]
    quantised = bool(scale)
    return Port(
        name=details["name"],
        shape=tuple(int(n) for n in details["shape"][1:]),
        dtype=np.dtype(details["dtype"]).name,
        scale=float(scale) if quantised else None,
        zero_point=int(zero_point) if quantised else None,
    )
