"""ONNX Runtime, on the CPU."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from digitrec_edge.artifact import Artifact
from digitrec_edge.formats.graph import fixed_shape
from runtimes.session import Prepare, TensorSpec

CHUNK = 256
"""Pictures per call in a batch: 1 MB of input and activations."""

_DTYPES = {
    "tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64", "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
}  # fmt: skip


class OnnxSession:
    """An ONNX model; its first dimension is the batch, which is free, or 1: pictures then run one by one."""

    chunk = CHUNK
    reentrant = False

    def __init__(self, data: bytes, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(
            data, options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
        self.input, self.output = _spec(self._session.get_inputs()), _spec(self._session.get_outputs())
        first = self._session.get_inputs()[0].shape[:1]
        self._one_by_one = first == [1]
        if first and isinstance(first[0], int) and first[0] > 1:
            raise ValueError(f"the model takes {first[0]} pictures at a time, a free batch or a batch of 1 is needed")
        self._names = [self.output.name]
        self._again: Callable[[], object] | None = None

    def classifier(self, prepare: Prepare) -> Callable[[NDArray[np.uint8]], int]:
        """See Session; input and output are bound once, to memory that numpy and ONNX Runtime share."""
        prepared = np.zeros((1, *self.input.shape), self.input.dtype)
        scores = np.zeros((1, *self.output.shape), self.output.dtype)
        binding = self._session.io_binding()
        binding.bind_ortvalue_input(self.input.name, onnxruntime.OrtValue.ortvalue_from_numpy(prepared))
        binding.bind_ortvalue_output(self.output.name, onnxruntime.OrtValue.ortvalue_from_numpy(scores))
        write, run = prepare.writer(prepared), _bound_run(self._session, binding)

        def classify(image: NDArray[np.uint8]) -> int:
            write(image)
            run()
            return int(scores.argmax())

        self._again = run
        return classify

    def run_one(self, batch: NDArray[Any]) -> NDArray[Any]:
        """See Session."""
        feed = {self.input.name: batch}
        self._again = lambda: self._session.run(self._names, feed)
        result: NDArray[Any] = self._session.run(self._names, feed)[0]
        return result

    def run_batch(self, batch: NDArray[Any]) -> NDArray[Any]:
        """See Session."""
        if self._one_by_one:
            return np.concatenate([self.run_one(batch[k : k + 1]) for k in range(len(batch))])
        return self.run_one(batch)

    def invoke(self) -> None:
        """See Session; after ``run_one`` or ``run_batch`` ONNX Runtime also makes the output array."""
        if self._again is None:
            raise ValueError("nothing was run yet, so there is nothing to run again")
        self._again()

    def close(self) -> None:
        """See Session."""
        self._again = None
        del self._session


def _bound_run(session: Any, binding: Any) -> Callable[[], object]:
    """Return the call that runs a session on what is bound, as direct as it comes.

    The public method is Python around the native one and costs a Raspberry Pi more instructions per picture; where
    the native names, which have been the same from ONNX Runtime 1.18 to 1.31, are missing, it does.
    """
    native_run = getattr(getattr(session, "_sess", None), "run_with_iobinding", None)
    native_binding = getattr(binding, "_iobinding", None)
    if callable(native_run) and native_binding is not None:
        return functools.partial(native_run, native_binding, None)
    return functools.partial(session.run_with_iobinding, binding)


def _spec(arguments: list[Any]) -> TensorSpec:
    if len(arguments) != 1:
        raise ValueError(f"the model has {len(arguments)} inputs or outputs, one of each is needed")
    (argument,) = arguments
    shape = tuple(size if isinstance(size, int) else 0 for size in argument.shape[1:])
    return TensorSpec(argument.name, fixed_shape(shape), _DTYPES.get(argument.type, argument.type), None, None)


def open_session(found: Artifact, threads: int) -> OnnxSession:
    """Load an ONNX model.

    Raises:
        ValueError: ONNX Runtime refuses the model.
    """
    try:
        return OnnxSession(found.model, threads)
    except Exception as cause:  # ONNX Runtime's own exceptions share no base class but Exception
        raise ValueError(str(cause)) from cause
