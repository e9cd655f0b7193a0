"""TFLite's Interpreter, which tflite-runtime and LiteRT share: one for single pictures, one for batches."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtimes.session import PICTURE_SHAPE, Prepare, TensorSpec

CHUNK = 256
"""Pictures per call in a batch: the weights are read once for all of them, and the activations of
256 pictures (1 MB in float32) still fit a small device's cache and memory."""

SINGLES = 8
"""So few pictures run one by one: a second interpreter would cost more than it saves."""

InterpreterFactory = Callable[..., Any]


class InterpreterSession:
    """A TFLite model; artifacts have a static batch of 1, batches run in a second, resized interpreter."""

    chunk = CHUNK
    reentrant = False

    def __init__(self, factory: InterpreterFactory, data: bytes, threads: int) -> None:
        self._make: Callable[[], Any] = lambda: factory(model_content=data, num_threads=threads)
        self._one = self._make()
        self._one.allocate_tensors()
        self._many: Any = None
        self._many_size = 0
        self._fixed = False
        sources, sinks = self._one.get_input_details(), self._one.get_output_details()
        if len(sources) != 1 or len(sinks) != 1:
            raise ValueError(f"the model has {len(sources)} inputs and {len(sinks)} outputs, one of each is needed")
        for details in (sources[0], sinks[0]):
            if tuple(details["shape"][:1]) != (1,):
                raise ValueError(f"{details['name']} has shape {tuple(details['shape'])}, a batch of 1 is needed")
        self._source: int = sources[0]["index"]
        self._sink: int = sinks[0]["index"]
        self.input, self.output = _spec(sources[0]), _spec(sinks[0])
        self._set, self._invoke, self._get = _calls(self._one)
        self._again = self._invoke

    def classifier(self, prepare: Prepare) -> Callable[[NDArray[np.uint8]], int]:
        """See Session."""
        set_tensor, invoke, get_tensor = self._set, self._invoke, self._get
        source, sink = self._source, self._sink
        if prepare.as_is and self.input.shape == PICTURE_SHAPE:

            def classify(image: NDArray[np.uint8]) -> int:
                set_tensor(source, image[None])
                invoke()
                return int(get_tensor(sink, 0).argmax())

            return classify
        prepared = np.empty((1, *self.input.shape), self.input.dtype)
        write = prepare.writer(prepared)

        def classify_prepared(image: NDArray[np.uint8]) -> int:
            write(image)
            set_tensor(source, prepared)
            invoke()
            return int(get_tensor(sink, 0).argmax())

        return classify_prepared

    def run_one(self, batch: NDArray[Any]) -> NDArray[Any]:
        """See Session."""
        self._again = self._invoke
        self._set(self._source, batch)
        self._invoke()
        result: NDArray[Any] = self._get(self._sink, 0)
        return result

    def run_batch(self, batch: NDArray[Any]) -> NDArray[Any]:
        """See Session; a chunk smaller than the one before is filled up with zeros."""
        if len(batch) <= SINGLES or not self._hold(batch.shape):
            return np.concatenate([self.run_one(batch[k : k + 1]) for k in range(len(batch))])
        self._again = self._many.invoke
        missing = self._many_size - len(batch)
        filled = np.concatenate([batch, np.zeros((missing, *batch.shape[1:]), batch.dtype)]) if missing else batch
        self._many.set_tensor(self._source, filled)
        self._many.invoke()
        result: NDArray[Any] = self._many.get_tensor(self._sink)
        return result[: len(batch)]

    def _hold(self, shape: tuple[int, ...]) -> bool:
        """Make an interpreter for so many pictures; False where the graph is fixed to one, as converters write it."""
        if self._many_size < shape[0] and not self._fixed:
            self._many, self._many_size = self._make(), shape[0]
            try:
                self._many.resize_tensor_input(self._source, shape)
                self._many.allocate_tensors()
                self._fixed = int(self._many.get_output_details()[0]["shape"][0]) != shape[0]
            except (RuntimeError, ValueError):
                self._fixed = True
            if self._fixed:
                self._many, self._many_size = None, 0
        return not self._fixed

    def invoke(self) -> None:
        """See Session."""
        self._again()

    def close(self) -> None:
        """See Session."""
        del self._one, self._many, self._set, self._invoke, self._get, self._again


def _calls(interpreter: Any) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """Return set_tensor, invoke and get_tensor of an interpreter, as direct as they come.

    The public methods are thin Python around the native wrapper; without them a picture costs 2,500
    of 55,000 instructions less on a Raspberry Pi 5. The native names have been the same from TensorFlow
    Lite 2.0 to LiteRT 2.3; where they are missing, the public ones do. The two do not mix: the public
    ``invoke`` refuses to run while anybody else holds the native wrapper.
    """
    native = getattr(interpreter, "_interpreter", None)
    names = ("SetTensor", "Invoke", "GetTensor")
    if all(callable(getattr(native, name, None)) for name in names):
        set_tensor, invoke, get_tensor = (getattr(native, name) for name in names)
        return set_tensor, invoke, get_tensor
    return interpreter.set_tensor, interpreter.invoke, interpreter.get_tensor


def _spec(details: dict[str, Any]) -> TensorSpec:
    scale, zero_point = details["quantization"]
    quantised = bool(scale)
    return TensorSpec(
        name=details["name"],
        shape=tuple(int(n) for n in details["shape"][1:]),
        dtype=np.dtype(details["dtype"]).name,
        scale=float(scale) if quantised else None,
        zero_point=int(zero_point) if quantised else None,
    )
