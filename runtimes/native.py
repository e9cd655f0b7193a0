"""Our own kernels: int8 and int4 Dense layers with LiteRT's bytes, in 15 KB of C that every installation has.

What is zero is left out: the background of a picture, and all that a ReLU cut off. Nothing is shared between calls but
the weights, which are only read: threads need no lock, and a forked process may go on.
"""

import ctypes
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.artifact import Artifact
from digitrec_edge.artifact.sample import images_of
from digitrec_edge.dense.block import lay_out
from digitrec_edge.dense.library import Library, load_library
from digitrec_edge.dense.network import UNSIGNED, Network
from digitrec_edge.dense.reading import network_of
from digitrec_edge.dense.rounding import Rounding
from runtimes.session import PICTURE_SHAPE, Prepare, TensorSpec

CHUNK = 256
"""Pictures per call and thread in a batch."""

CHECKED = 2
"""Pictures that travel in the artifact, and as many of noise, that are computed twice when a network is loaded."""

_PIXELS = np.dtype(np.uint8)


class NativeSession:
    """A network in the kernel that suits this CPU best."""

    reentrant = True

    def __init__(
        self,
        network: Network,
        rounding: Rounding,
        threads: int = 1,
        *,
        images: NDArray[np.uint8] | None = None,
        library: Library | None = None,
        kernel: str = "",
    ) -> None:
        """Lay the network out and try it.

        Args:
            network: what to compute.
            rounding: how.
            threads: that share a batch.
            images: ``(N, inputs)``; two with as much ink as most are computed in numpy too, and compared.
            library: another than the one for this machine, for tests.
            kernel: another than the fastest, for tests.

        Raises:
            ValueError: no such kernel here, or the network does not fit.
            OSError: the library is missing or damaged, or computes something else than it should.
        """
        library = library or load_library()
        chosen = next((one for one in library.kernels if kernel in ("", one.name)), None)
        if chosen is None:
            raise ValueError(f"no kernel is called {kernel!r} here; {[one.name for one in library.kernels]} are")
        self.kernel = chosen.name
        self.chunk = CHUNK * threads
        self.input = _spec("image", network, given=True)
        self.output = _spec("logits", network, given=False)
        self._threads = threads
        self._run = library.functions.digitrec_native_run
        self._classify = library.functions.digitrec_native_classify
        block = lay_out(network, rounding, chosen.number, chosen.group, chosen.offset)
        self._block = (ctypes.c_char * block.nbytes).from_buffer(block.data)
        if wrong := library.functions.digitrec_native_check(self._block, block.nbytes):
            raise ValueError(f"the network does not fit (reason {wrong} of digitrec_native_check)")
        first = self._check(network, rounding, images)
        self._last = first, np.empty((1, self.output.shape[0]), np.uint8)
        self._again = self._last, self._repeat(*self._last)

    def _check(self, network: Network, rounding: Rounding, images: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
        """Compute some inputs in numpy too: a broken library, or CPU, never answers. Returns the first one."""
        width = network.layers[0].inputs
        noise = (np.arange(CHECKED * width, dtype=np.uint32) * np.uint32(2654435761) >> 24).astype(np.uint8)
        inputs = noise.reshape(CHECKED, width)
        if images is not None and images[:1].size == width:
            inputs = np.concatenate([_usual(images.reshape(-1, width)), inputs])
        expected = network.run(inputs, rounding)
        if self._numbers(inputs, len(network.layers[-1].bias)).tobytes() != expected.tobytes():
            raise OSError(f"its kernel {self.kernel} computes something else than it should on this CPU")
        return inputs[:1]

    def _numbers(self, inputs: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
        """Compute ``(N, inputs)`` to ``(N, outputs)``, both uint8, in as many threads as there are."""
        outputs = np.empty((len(inputs), width), np.uint8)
        share = -(-len(inputs) // self._threads)
        starts = range(0, len(inputs), share)

        def run(start: int) -> None:
            count = min(share, len(inputs) - start)
            self._run(self._block, inputs[start:].ctypes.data, count, outputs[start:].ctypes.data)

        others = [threading.Thread(target=run, args=(start,)) for start in starts[1:]]
        for thread in others:
            thread.start()
        run(0)
        for thread in others:
            thread.join()
        self._last = inputs, outputs
        return outputs

    def classifier(self, prepare: Prepare) -> Callable[[NDArray[np.uint8]], int]:
        """See Session; ctypes takes bytes as they are, and a copy of a picture costs less than its address."""
        block, classify, pixels, shape = self._block, self._classify, _PIXELS, PICTURE_SHAPE
        table = (prepare.table.view(np.uint8) ^ np.uint8(_offset(self.input.dtype))).tobytes()

        def classify_picture(image: NDArray[np.uint8]) -> int:
            if image.shape != shape or image.dtype != pixels:
                raise ValueError("not a picture")
            return classify(block, image.tobytes())

        def classify_translated(image: NDArray[np.uint8]) -> int:
            if image.shape != shape or image.dtype != pixels:
                raise ValueError("not a picture")
            return classify(block, image.tobytes().translate(table))

        return classify_picture if table == bytes(range(256)) else classify_translated

    def run_one(self, batch: NDArray[Any]) -> NDArray[Any]:
        """See Session."""
        return self.run_batch(batch)

    def run_batch(self, batch: NDArray[Any]) -> NDArray[Any]:
        """See Session."""
        inputs = batch.reshape(len(batch), -1).view(np.uint8)
        if offset := _offset(self.input.dtype):
            inputs = inputs ^ np.uint8(offset)
        numbers = self._numbers(inputs, self.output.shape[0])
        if offset := _offset(self.output.dtype):
            numbers = numbers ^ np.uint8(offset)
        return numbers.view(self.output.dtype)

    def invoke(self) -> None:
        """See Session: the kernel alone, in one thread, on the last batch; before any, on a usual picture."""
        if self._again[0] is not self._last:
            self._again = self._last, self._repeat(*self._last)
        self._again[1]()

    def _repeat(self, inputs: NDArray[np.uint8], outputs: NDArray[np.uint8]) -> Callable[[], object]:
        """Make the call that computes a batch again; of a single picture the shorter one."""
        if len(inputs) == 1:
            return partial(self._classify, self._block, inputs.tobytes())
        return partial(self._run, self._block, inputs.ctypes.data, len(inputs), outputs.ctypes.data)

    def close(self) -> None:
        """See Session; there is nothing to do: memory goes when the last call that uses it has ended."""


def _usual(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return CHECKED of the images, with as much ink as most: how long a picture takes depends on that."""
    by_ink = np.argsort(np.count_nonzero(images, axis=1), kind="stable")
    return images[by_ink[(len(images) - 1) // 2 :][:CHECKED]]


def _offset(dtype: str) -> int:
    return UNSIGNED if dtype == "int8" else 0


def _spec(name: str, network: Network, *, given: bool) -> TensorSpec:
    if given:
        inputs = network.layers[0].inputs
        shape = PICTURE_SHAPE if inputs == PICTURE_SHAPE[0] * PICTURE_SHAPE[1] else (inputs,)
        return TensorSpec(name, shape, network.input_dtype, network.input_scale, network.input_zero_point)
    shape = (network.layers[-1].outputs,)
    return TensorSpec(name, shape, network.output_dtype, network.output_scale, network.output_zero_point)


def open_session(found: Artifact, threads: int) -> NativeSession:
    """Load a network of int8 or int4 Dense layers from a model file, and try it on the images that travel in it.

    Raises:
        ValueError: it is another model; names what it has instead.
        OSError: the library for this machine is missing, damaged, or computes something else than it should.
    """
    network, rounding = network_of(found.payload, found.graph)
    return NativeSession(network, rounding, threads, images=images_of(found.files))
