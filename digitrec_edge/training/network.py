"""The network: 784-256-128-128-10, 251,658 parameters; or with other hidden layers.

TensorFlow is imported inside the functions, with its start-up messages kept off the terminal: the
rest of the package, and a device, live without it.
"""

import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge import archives
from digitrec_edge.errors import ConversionError, NotInstalledError
from digitrec_edge.files import read_file, replacing, scratch_folder
from digitrec_edge.mnist import CLASSES
from digitrec_edge.pip_lines import install, install_extra
from digitrec_edge.quantization import PIXEL_MAX, SIDE
from digitrec_edge.training import keras_file
from digitrec_edge.training.recipes import HIDDEN_UNITS
from runtimes.support import version_key

OLDEST = {"tensorflow": "2.20.0", "keras": "3.13.2"}
"""The oldest releases that were tried; older Kerases run code from a hostile file, or read other files as weights."""

_CHUNK = 2000
"""Images at a time: their pixels as float32 are 6 MB."""
_HDF5 = b"\x89HDF\r\n\x1a\n"


def import_tensorflow() -> Any:
    """Import TensorFlow with its C++ log below errors.

    Raises:
        NotInstalledError: it or Keras is missing, or older than what is used; names the line that installs it.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    try:
        import keras
        import tensorflow
    except ImportError as cause:
        raise NotInstalledError(
            f"TensorFlow is needed to train and export and cannot be imported ({cause}): " + install_extra("convert")
        ) from cause
    for name, module in (("tensorflow", tensorflow), ("keras", keras)):
        if version_key(module.__version__) < version_key(OLDEST[name]):
            raise NotInstalledError(
                f"{name} {module.__version__} is older than {OLDEST[name]}, the oldest release that is used: "
                + install(f"{name}>={OLDEST[name]}", upgrade=True)
            )
    return tensorflow


def build(units: Sequence[int] = HIDDEN_UNITS) -> Any:
    """Build the untrained Keras model: pixel / 255 as ``(N, 28, 28) float32`` in, logits ``(N, 10)`` out.

    Args:
        units: of the hidden layers.
    """
    import_tensorflow()
    import keras

    hidden = [keras.layers.Dense(count, activation="relu", name=f"hidden_{k}") for k, count in enumerate(units, 1)]
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE), name="image"),
            keras.layers.Flatten(name="flatten"),
            *hidden,
            keras.layers.Dense(CLASSES, name="logits"),
        ],
        name="digitrec",
    )


def load(path: Path, custom_objects: Mapping[str, Any] = MappingProxyType({})) -> Any:
    """Load a trained Keras model.

    Args:
        path: a .keras file.
        custom_objects: layers and functions that are not Keras' own, by name.

    Raises:
        ConversionError: no such file, no Keras model, or one that holds more than Keras' own layers and these.
    """
    if not path.exists():
        raise ConversionError(f"no such file: {path}; make a model with: digitrec-edge train")
    if path.is_dir():
        raise ConversionError(f"{path} is a folder; a SavedModel is written as .keras by: model.save('model.keras')")
    data = read_file(path, limit_bytes=keras_file.FILE_BYTES, error=ConversionError)
    if data[:8] == _HDF5:
        raise ConversionError(
            f"{path} is an HDF5 file, which may run code when it is loaded; if you trust it, make it .keras: python -c "
            f"\"import keras; keras.models.load_model('{path.name}', compile=False).save('{path.stem}.keras')\""
        )
    if path.suffix != ".keras" or not zipfile.is_zipfile(path):
        raise ConversionError(f"{path} is not a .keras file; make one with: digitrec-edge train")
    import_tensorflow()
    try:
        keras_file.check(data, frozenset(custom_objects))
    except ValueError as cause:
        raise ConversionError(f"{path} is not loaded: {cause}") from cause
    import keras

    try:
        return keras.models.load_model(path, custom_objects=dict(custom_objects), compile=False)
    except Exception as cause:  # Keras raises whatever its layers raise
        raise ConversionError(f"{path} cannot be loaded by Keras: {' '.join(str(cause).split())[:200]}") from cause


def save(model: Any, path: Path) -> None:
    """Write a .keras file atomically; equal weights give equal bytes: no date of the day and no address inside."""
    with replacing(path) as temporary, scratch_folder(path) as scratch:
        parts = scratch / "parts"  # Keras lets no folder end in .keras
        model.save(parts, zipped=False)
        with zipfile.ZipFile(temporary, "w") as target:
            for part in sorted(file for file in parts.rglob("*") if file.is_file()):
                name, content = part.relative_to(parts).as_posix(), part.read_bytes()
                if name == "metadata.json":
                    content = _without_date(content)
                elif name == "config.json":
                    content = _without_addresses(content)
                target.writestr(zipfile.ZipInfo(name, archives.DATE), content)


def _without_date(metadata: bytes) -> bytes:
    import json

    fields = json.loads(metadata)
    fields["date_saved"] = "1980-01-01@00:00:00"
    return json.dumps(fields).encode()


def _without_addresses(config: bytes) -> bytes:
    """Number shared objects in the order that they appear in; Keras names them by where they lay in memory."""
    import json

    numbers: dict[int, int] = {}

    def renumbered(fields: dict[str, Any]) -> dict[str, Any]:
        if "shared_object_id" in fields:
            fields["shared_object_id"] = numbers.setdefault(fields["shared_object_id"], len(numbers))
        return fields

    return json.dumps(json.loads(config, object_hook=renumbered)).encode()


def reference_logits(model: Any, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the Keras model's logits ``(N, 10) float32`` for ``(N, 28, 28) uint8`` images."""
    parts = [
        np.asarray(model(images[k : k + _CHUNK].astype(np.float32) / np.float32(PIXEL_MAX), training=False))
        for k in range(0, len(images), _CHUNK)
    ]
    return np.concatenate(parts).astype(np.float32)
