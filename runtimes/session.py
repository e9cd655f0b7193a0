"""What a runtime offers: tensors in, tensors out, nothing about pixels or digits."""

from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray


@dataclass(frozen=True)
class Port:
    """A model's input or output, as the loaded model itself describes it.

    Attributes:
        shape: without the batch dimension.
        dtype: in numpy's words.
        scale, zero_point: None for float.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    zero_point: int | None


class Session(Protocol):
    """A loaded model in one runtime; not safe for use by two threads at a time."""

    input: Port
    output: Port

    def run_one(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Run one example.

        Args:
            batch: ``(1, *input.shape)`` in the input's dtype, C-contiguous.

        Returns:
            ``(1, *output.shape)`` in the output's dtype.
        """
        ...

    def run_batch(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Run N examples in chunks of bounded memory; ``(N, ...)`` in, ``(N, ...)`` out."""
        ...

    def invoke(self) -> None:
        """Run again on the input that the last run (its last chunk) left there: the model's own share of a call."""
        ...

    def close(self) -> None:
        """Free what the runtime holds."""
        ...
