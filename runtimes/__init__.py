"""Running artifacts: ``load(path)`` picks a runtime and gives a model that takes pictures as they are.

::

    from runtimes import load

    with load("digitrec-int8.tflite") as model:
        digits, probabilities = model.predict(images)     # (28, 28) or (N, 28, 28) uint8

Nothing here imports TensorFlow, Keras or onnx.
"""

from runtimes.loading import load
from runtimes.model import Model, Prediction
from runtimes.table import RUNTIMES, RuntimeRow

__all__ = ["RUNTIMES", "Model", "Prediction", "RuntimeRow", "load"]
