"""The model summary, read from a .keras file without Keras: it is a ZIP archive with a config.json.

https://keras.io/guides/serialization_and_saving/
"""

import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitrec_edge.records import load_json


@dataclass(frozen=True)
class KerasLayer:
    """A layer of a Keras model.

    Attributes:
        shape: of its output without the batch, None when the file does not tell.
        parameters: None when they cannot be counted without Keras.
    """

    name: str
    kind: str
    shape: tuple[int, ...] | None
    parameters: int | None
    activation: str | None


def summarise_model(path: Path) -> tuple[KerasLayer, ...]:
    """Return the layers of a Sequential model; empty when the file is another kind of model."""
    try:
        with zipfile.ZipFile(path) as archive:
            config = load_json(archive.read("config.json"))
        return _layers([(entry["class_name"], entry["config"]) for entry in config["config"]["layers"]])
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError):
        return ()


def _layers(entries: list[tuple[str, dict[str, Any]]]) -> tuple[KerasLayer, ...]:
    found = []
    shape: tuple[int, ...] | None = None
    for kind, config in entries:
        parameters: int | None = 0 if kind in _WITHOUT_PARAMETERS else None
        if kind == "InputLayer":
            shape = tuple(config["batch_shape"][1:])
        elif kind == "Flatten" and shape:
            shape = (math.prod(shape),)
        elif kind == "Dense" and shape:
            units = config["units"]
            parameters = shape[-1] * units + (units if config.get("use_bias", True) else 0)
            shape = (*shape[:-1], units)
        elif kind not in _WITHOUT_PARAMETERS:
            shape = None
        activation = config.get("activation")
        found.append(
            KerasLayer(config["name"], kind, shape, parameters, activation if isinstance(activation, str) else None)
        )
    return tuple(found)


_WITHOUT_PARAMETERS = frozenset(
    {"InputLayer", "Flatten", "Dropout", "Activation", "ReLU", "Softmax", "RandomRotation", "RandomTranslation",
     "RandomZoom", "GaussianNoise"}
)  # fmt: skip
