"""The model summary, read from a .keras file without Keras: it is a ZIP archive with a config.json.

https://keras.io/guides/serialization_and_saving/
"""

import math
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitrec_edge.records import load_json

_LIMIT_BYTES = 4 << 20
_LARGEST = 1 << 32
_ARCHIVE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError)
_CONFIGURATION = (LookupError, AttributeError, TypeError, ValueError)
"""What an archive or a configuration that is none leads to; RuntimeError is also one that asks for a password."""


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
        with zipfile.ZipFile(path) as archive, archive.open("config.json") as stream:
            config = load_json(stream.read(_LIMIT_BYTES))
        return _layers([(entry["class_name"], entry["config"]) for entry in config["config"]["layers"]])
    except (*_ARCHIVE, *_CONFIGURATION):
        return ()


def _size(value: Any) -> int:
    if type(value) is not int or not 0 < value <= _LARGEST:
        raise ValueError(f"{value!r} is no size")
    return value


def _layers(entries: list[tuple[str, dict[str, Any]]]) -> tuple[KerasLayer, ...]:
    found = []
    shape: tuple[int, ...] | None = None
    for kind, config in entries:
        parameters: int | None = 0 if kind in _WITHOUT_PARAMETERS else None
        if kind == "InputLayer":
            shape = tuple(_size(size) for size in config["batch_shape"][1:5])
        elif kind == "Flatten" and shape:
            shape = (math.prod(shape),)
        elif kind == "Dense" and shape:
            units = _size(config["units"])
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
