"""Running artifacts: ``load(path)`` picks a runtime and gives a model that takes pictures as they are.

::

    from runtimes import load

    with load("digitrec-int8.tflite") as model:
        digits, probabilities = model.predict(images)     # (28, 28) or (N, 28, 28) uint8

Nothing here imports TensorFlow, Keras or onnx; reading the table of runtimes does not even import numpy.
"""

from typing import TYPE_CHECKING, Any

from runtimes.table import RUNTIMES, RuntimeRow

if TYPE_CHECKING:
    from runtimes.loading import load
    from runtimes.model import Model, Prediction

__all__ = ["RUNTIMES", "Model", "Prediction", "RuntimeRow", "load"]


def __getattr__(name: str) -> Any:
    if name == "load":
        from runtimes import loading

        return loading.load
    if name in ("Model", "Prediction"):
        from runtimes import model

        return getattr(model, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
