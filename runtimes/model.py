"""A loaded recogniser: uint8 pictures in; logits, probabilities and digits out."""

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.artifact import Artifact
from digitrec_edge.errors import ArtifactError, InferenceError, InputError
from digitrec_edge.formats.graph import ends_in_softmax
from digitrec_edge.frozen import Frozen
from digitrec_edge.labels import DIGITS
from digitrec_edge.no_digit import score
from digitrec_edge.quantization import SIDE, dequantize, pixel_table, softmax
from runtimes.session import Prepare, Session
from runtimes.table import RuntimeRow

if TYPE_CHECKING:
    from runtimes.origin import Origin

_FLOATS = ("float32", "float16", "float64")
_LEAST = np.float32(np.finfo(np.float32).tiny)
"""What a probability of 0 is taken for, which has no logarithm."""


class Prediction(Frozen):
    """Digits and how sure the model is of each; taken apart it gives ``digits, probabilities``.

    Attributes:
        digits: ``(N,) int64``, or an int for a single picture; of a model with other labels, places in ``labels``.
            Where two have the same score, the lower one is named.
        probabilities: ``(N, 10) float32``, or ``(10,)``; one for each of the model's labels.
        scores: ``(N,) float32``, or a float: how much each picture is like any digit, see
            :mod:`digitrec_edge.no_digit`.
        accepted: ``(N,) bool``, or a bool: whether its score reaches the card's threshold, so that it is a digit and
            no other mark; True for all where the card has none.
    """

    digits: Any
    probabilities: NDArray[np.float32]
    scores: Any
    accepted: Any

    def __iter__(self) -> Iterator[Any]:
        return iter((self.digits, self.probabilities))


class Model:
    """An artifact in a runtime. Several threads may share it: calls wait for each other, but in a reentrant runtime.

    It travels to other processes by its file: a copy, or what was pickled, is a model of its own, loaded again where it
    arrives, in the same runtime, and refused where the file has changed. One that was loaded from bytes carries these.

    ``labels`` are what its answers are called, in their order; of a file without a card they are the ten digits.
    ``threshold`` is the least score of a digit, minus infinity where the card has none.

    A forked process cannot use a model that was loaded before, unless the runtime is reentrant: the runtime's threads
    and locks are not copied in a state that could go on. It says so, and the process loads the file again.
    """

    def __init__(
        self, session: Session, artifact: Artifact, row: RuntimeRow, threads: int, key: Path | None = None
    ) -> None:
        self._session: Session | None = session
        self._lock = threading.Lock()
        self._reentrant = session.reentrant
        self.artifact = artifact
        self.card = artifact.card
        no_digit = artifact.card.no_digit if artifact.card else None
        self.threshold = np.float32(no_digit.threshold if no_digit else -np.inf)
        self.labels = artifact.card.labels if artifact.card else DIGITS
        self.temperature = np.float32(artifact.card.temperature if artifact.card else 1.0)
        self.runtime = row.name
        self.runtime_version = row.version
        self.threads = threads
        self.key = key
        self.input = session.input
        self.output = session.output
        self._check_tensors()
        self._probabilities = artifact.card is None and ends_in_softmax(artifact.graph)
        self._prepare = Prepare(pixel_table(self.input.dtype, self.input.scale, self.input.zero_point))
        self._classify: Callable[[NDArray[np.uint8]], int] = session.classifier(self._prepare)
        self._end = "is closed"
        _LOADED.add(self)

    def _check_tensors(self) -> None:
        """A foreign model may be anything: it must take 28 x 28 pixels and give a number for each label."""
        for spec, kind, size in ((self.input, "input", SIDE * SIDE), (self.output, "output", len(self.labels))):
            if int(np.prod(spec.shape)) != size:
                shape = tuple(number or "free" for number in spec.shape)
                raise ArtifactError(
                    f"{self.artifact.path} is no digit recogniser: its {kind} has shape {shape}, {size} numbers are "
                    "needed"
                )
            pixels_themselves = kind == "input" and spec.dtype == "uint8"
            if spec.dtype not in _FLOATS and spec.scale is None and not pixels_themselves:
                raise ArtifactError(f"{self.artifact.path}: its {kind} is {spec.dtype} without scale and zero point")

    def classify(self, image: NDArray[np.uint8]) -> int:
        """Return the digit on one picture, by the shortest path through the runtime.

        It names a digit whatever is on the picture; :meth:`predict` says whether there is one.

        Args:
            image: ``(28, 28) uint8``, 0 is background, 255 is foreground.

        Raises:
            InputError: another shape or dtype.
        """
        try:
            if self._reentrant:
                return self._classify(image)
            with self._lock:
                return self._classify(image)
        except InputError:
            raise
        except Exception as cause:  # whatever a runtime raises
            self._checked(image, single=True)  # says what is wrong with the picture, if that is it
            raise self._failure(cause) from cause

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Compute logits.

        Args:
            images: ``(28, 28)`` or ``(N, 28, 28)`` uint8, 0 is background, 255 is foreground; flat pictures, ``(784,)``
                or ``(N, 784)``, are taken too. Dark on light is not told from light on dark here and would be read
                wrong: ``digitrec_edge.preprocess.to_digit`` does.

        Returns:
            ``(10,)`` or ``(N, 10)`` float32; one for each of ``labels``. Of a file without a card that ends in a
            softmax they are the logarithms of its probabilities, which :meth:`predict` then gives as they are.

        Raises:
            InputError: another dtype or shape, or no image at all.
            InferenceError: the runtime could not run the model.
        """
        images = self._checked(images)
        try:
            return self._logits(images)
        except InputError:
            raise
        except Exception as cause:  # whatever a runtime raises
            raise self._failure(cause) from cause

    def _logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        with self._turn():
            session = self._open()
            if images.ndim == 2:
                return self._real(session.run_one(self._prepared(images[None])))[0]
            results = np.empty((len(images), len(self.labels)), np.float32)
            for start in range(0, len(images), session.chunk):
                part = images[start : start + session.chunk]
                results[start : start + len(part)] = self._real(session.run_batch(self._prepared(part)))
            return results

    def _turn(self) -> AbstractContextManager[object]:
        """Wait for other threads' calls to end, where the runtime needs it."""
        return nullcontext() if self._reentrant else self._lock

    def predict(self, images: NDArray[np.uint8]) -> Prediction:
        """Read digits; takes what :meth:`logits` takes and raises what it raises."""
        logits = self.logits(images)
        digits, probabilities, scores = logits.argmax(axis=-1), softmax(logits / self.temperature), score(logits)
        accepted = scores >= self.threshold
        if logits.ndim == 1:
            return Prediction(int(digits), probabilities, float(scores), bool(accepted))
        return Prediction(digits, probabilities, scores, accepted)

    def invoke(self) -> None:
        """Run the model again on its last input, nothing copied in or out: for benchmarks."""
        with self._turn():
            self._open().invoke()

    def _prepared(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        return self._prepare.batch(images).reshape(-1, *self.input.shape)

    def _failure(self, cause: Exception) -> InferenceError:
        text = " ".join(str(cause).split())[:200] or type(cause).__name__
        return InferenceError(f"{self.runtime} {self.runtime_version} cannot run {self.artifact.path}: {text}")

    def _real(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        raw = raw.reshape(-1, len(self.labels))
        if self.output.scale is None or self.output.zero_point is None:
            real = raw.astype(np.float32)
        else:
            real = dequantize(raw, self.output.scale, self.output.zero_point)
        return np.log(np.maximum(real, _LEAST)) if self._probabilities else real

    def _checked(self, images: Any, *, single: bool = False) -> NDArray[np.uint8]:
        if not isinstance(images, np.ndarray):
            raise InputError(f"images are {type(images).__name__}, a numpy array of uint8 is needed")
        if images.dtype != np.uint8:
            hint = ""
            if np.issubdtype(images.dtype, np.floating):
                finite = bool(np.isfinite(images).all())
                hint = "; they hold NaN or infinity" if not finite else "; pixels go in unscaled, 0 to 255"
            raise InputError(f"images are {images.dtype}, uint8 is needed{hint}")
        if images.shape[-1:] == (SIDE * SIDE,) and images.ndim <= 2 and not single:
            images = images.reshape(*images.shape[:-1], SIDE, SIDE)
        if images.shape[-2:] != (SIDE, SIDE) or images.ndim not in ((2,) if single else (2, 3)):
            allowed = "(28, 28)" if single else "(28, 28) or (N, 28, 28)"
            raise InputError(f"images have shape {images.shape}, {allowed} is needed")
        if images.size == 0:
            raise InputError("no images: the array is empty")
        return images

    @property
    def origin(self) -> "Origin":
        """What loads the model again, here or elsewhere."""
        from runtimes.origin import Origin

        return Origin.of(self)

    def __reduce__(self) -> "tuple[Callable[[Origin], Model], tuple[Origin]]":
        self._open()
        origin = self.origin
        return type(origin).load, (origin,)

    def _open(self) -> Session:
        return self._session or self._closed(None)

    def close(self) -> None:
        """Free the runtime's memory; further calls raise InputError."""
        with self._lock:
            session, self._session, self._classify = self._session, None, self._closed
            if session is not None:
                session.close()

    def _closed(self, image: object) -> NoReturn:
        raise InputError(f"the model {self._end}; load it again")

    def _lose(self) -> None:
        """Give the session up without touching it: in a forked process even freeing it may wait for ever."""
        import ctypes  # not before it is needed: it costs a device milliseconds

        ctypes.pythonapi.Py_IncRef(ctypes.py_object((self._session, self._classify)))
        self._lock = threading.Lock()  # another thread may have held it
        self._session, self._classify = None, self._closed
        self._end = "was loaded before this process was forked"

    def __enter__(self) -> "Model":
        return self

    def __exit__(self, kind: type[BaseException] | None, cause: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


_LOADED: "weakref.WeakSet[Model]" = weakref.WeakSet()


def _after_fork() -> None:
    for model in list(_LOADED):
        if model._reentrant:
            model._lock = threading.Lock()  # another thread may have been about to close it
        else:
            model._lose()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_after_fork)
