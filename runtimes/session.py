"""What a runtime offers: tensors in, tensors out; and the shortest path from one picture to its digit."""

import functools
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.frozen import Frozen
from digitrec_edge.quantization import PIXEL_MAX, SIDE

PICTURE_SHAPE = (SIDE, SIDE)
_SCALE = np.full((), PIXEL_MAX, np.float32)


class TensorSpec(Frozen):
    """A model's input or output, as the loaded model itself describes it.

    Attributes:
        shape: without the batch dimension.
        dtype: numpy's name of it.
        scale, zero_point: None for float.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    zero_point: int | None


class Prepare(Frozen):
    """How pixels become a model's input, worked out once when the model is loaded.

    Attributes:
        table: ``(256,)`` in the input's dtype, the input for each pixel value.
    """

    table: NDArray[Any]

    @functools.cached_property
    def as_is(self) -> bool:
        """Whether pixels go in unchanged."""
        return bool(self.table.dtype == np.uint8) and bool((self.table == np.arange(256)).all())

    def batch(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        """Return pictures ``(N, 28, 28) uint8``, prepared, C-contiguous and in the input's dtype.

        Where arithmetic gives what the table holds, it is several times as fast as looking every pixel up.
        """
        images = np.ascontiguousarray(images)
        if self.as_is:
            return images
        if self._is_shifted:
            return np.bitwise_xor(images, np.uint8(0x80)).view(np.int8)
        if self._is_scaled:
            return np.divide(images, _SCALE, dtype=np.float32)
        return self.table[images]

    @functools.cached_property
    def _is_shifted(self) -> bool:
        pixels = np.arange(256, dtype=np.uint8)
        return bool(self.table.dtype == np.int8 and (self.table.view(np.uint8) == pixels ^ 0x80).all())

    @functools.cached_property
    def _is_scaled(self) -> bool:
        pixels = np.arange(256, dtype=np.float32)
        return bool(self.table.dtype == np.float32 and (self.table == pixels / _SCALE).all())

    def writer(self, buffer: NDArray[Any]) -> Callable[[NDArray[np.uint8]], object]:
        """Return a function that writes a picture, prepared, into ``buffer``.

        Args:
            buffer: of 784 elements in the input's dtype, C-contiguous; it may belong to a runtime.
        """
        picture = buffer.reshape(PICTURE_SHAPE)
        if not np.shares_memory(picture, buffer):
            raise ValueError("the buffer is not contiguous")
        if self.as_is:
            return _checking(lambda image: np.copyto(picture, image))
        if self._is_shifted:
            bytes_of_picture, sign = picture.view(np.uint8), np.uint8(0x80)
            return _checking(lambda image: np.bitwise_xor(image, sign, bytes_of_picture))
        if self._is_scaled:

            def scale(image: NDArray[np.uint8]) -> None:
                picture[...] = image
                np.divide(picture, _SCALE, picture)

            return _checking(scale)
        table = self.table
        return _checking(lambda image: table.take(image, out=picture, mode="clip"))


def _checking(write: Callable[[NDArray[np.uint8]], object]) -> Callable[[NDArray[np.uint8]], object]:
    """Let no picture of another shape or dtype be broadcast or cast in silence."""

    def checked(image: NDArray[np.uint8]) -> object:
        if image.dtype != np.uint8 or image.shape != PICTURE_SHAPE:
            raise ValueError("not a picture")
        return write(image)

    return checked


class Session(Protocol):
    """A loaded model in one runtime; not safe for use by two threads at a time, unless it says so."""

    input: TensorSpec
    output: TensorSpec
    chunk: int
    """How many examples ``run_batch`` takes at the most, so that memory stays bounded."""
    reentrant: bool
    """Whether several threads may run it at a time, and a forked process may go on with it."""

    def classifier(self, prepare: Prepare) -> Callable[[NDArray[np.uint8]], int]:
        """Return the shortest path from one picture ``(28, 28) uint8`` to its digit in this runtime.

        Args:
            prepare: how pixels become the input.

        Returns:
            A function that may raise ValueError or TypeError for a picture of another shape or dtype,
            and answers with the lowest digit of the largest score.
        """
        ...

    def run_one(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Run one example.

        Args:
            batch: ``(1, *input.shape)`` in the input's dtype, C-contiguous.

        Returns:
            ``(1, *output.shape)`` in the output's dtype.
        """
        ...

    def run_batch(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Run N examples, at most ``chunk``; ``(N, ...)`` in, ``(N, ...)`` out."""
        ...

    def invoke(self) -> None:
        """Run again on the input that the last run left there: the model's own share of a call."""
        ...

    def close(self) -> None:
        """Free what the runtime holds."""
        ...
