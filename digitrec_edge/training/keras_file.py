"""What a .keras file may hold, checked before Keras reads it.

Keras finds classes and functions by the names in the file and builds layers as large as the file says; its own safe
mode had gaps (CVE-2025-1550, CVE-2025-8747, CVE-2025-9906). A recogniser of digits is made of Keras' own layers, so
nothing else is looked up, and what the file makes Keras allocate is bounded by what such a network needs.
The format: https://keras.io/guides/serialization_and_saving/
"""

import io
import math
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

from digitrec_edge.records import load_json

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
FILE_BYTES = 256 << 20
"""Of a file and of what it unpacks to; ResNet-18 in float32 is 43 MiB, three times that with its optimiser."""

_TEXT_BYTES = 4 << 20
_WIDTH = 4_096
"""Units or filters of a layer: as many as VGG's."""

_WEIGHTS = 64 << 20
_MODULES = (
    "keras",
    "keras.layers",
    "keras.initializers",
    "keras.regularizers",
    "keras.constraints",
    "keras.activations",
    "keras.optimizers",
    "keras.optimizers.schedules",
    "keras.losses",
    "keras.metrics",
)
_INTERNAL_MODULES = ("keras.dtype_policies", "keras.src.models.", "keras.src.layers.", "keras.src.dtype_policies.")
_VALUES = frozenset({"__keras_tensor__", "__tuple__", "__slice__", "__numpy__"})
"""Classes without a module: values of a graph."""

_FOREIGN = frozenset(
    {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "StringLookup", "IntegerLookup",
     "TextVectorization", "IndexLookup"}
)  # fmt: skip
"""Keras' own layers that run code from a file or read another file."""

_WRONG = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError, KeyError)


def check(data: bytes, allowed: frozenset[str] = frozenset()) -> None:
    """Check a .keras file.

    Args:
        data: the file.
        allowed: names of classes and functions that the caller has for it and that Keras need not look up.

    Raises:
        ValueError: it is none, or holds what a digit recogniser is not made of.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_members(archive.infolist())
            config, weights = archive.read(CONFIG), archive.read(WEIGHTS)
    except _WRONG as cause:
        raise ValueError(f"its archive cannot be read: {cause}") from cause
    _check_config(load_json(config), allowed)
    _check_weights(weights)


def _check_members(entries: list[zipfile.ZipInfo]) -> None:
    names = [entry.filename for entry in entries]
    if sorted(names) != sorted((CONFIG, METADATA, WEIGHTS)):
        shown = ", ".join(map(repr, names[:5]))[:200]
        raise ValueError(f"it holds {shown}; {CONFIG}, {METADATA} and {WEIGHTS}, each once, are read")
    for entry in entries:
        limit = FILE_BYTES if entry.filename == WEIGHTS else _TEXT_BYTES
        if entry.file_size > limit:
            raise ValueError(f"{entry.filename} unpacks to {entry.file_size:,} bytes; at most {limit:,} are read")


def _check_config(config: Any, allowed: frozenset[str]) -> None:
    if not isinstance(config, dict):
        raise ValueError(f"{CONFIG} is no model")
    read = {key: value for key, value in config.items() if key != "compile_config"}  # a model is loaded uncompiled
    width, weights = 1, 0
    for found in _objects(read):
        _check_name(found, allowed)
        inner = found.get("config")
        fields = inner if isinstance(inner, dict) else {}
        units = fields.get("units", fields.get("filters"))
        if units is None:
            continue
        if not isinstance(units, int) or not 1 <= units <= _WIDTH:
            raise ValueError(
                f"layer {fields.get('name')!r} has {units!r:.20} units or filters; 1 to {_WIDTH:,} are read"
            )
        weights += width * units * _positions(fields.get("kernel_size"))
        width = units
    if weights > _WEIGHTS:
        raise ValueError(f"its layers have over {weights:,} weights; at most {_WEIGHTS:,} are read")


def _positions(kernel_size: Any) -> int:
    sizes = kernel_size if isinstance(kernel_size, list) else [kernel_size]
    return math.prod(size for size in sizes if isinstance(size, int) and size > 0)


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object that Keras would make: what has a class name, at any depth."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if "class_name" in item:
                yield item
            waiting += reversed(item.values())
        elif isinstance(item, list):
            waiting += reversed(item)


def _check_name(found: dict[str, Any], allowed: frozenset[str]) -> None:
    module, name = found.get("module"), found.get("class_name")
    if module is None and name in _VALUES:
        return
    if isinstance(name, str) and name in allowed and found.get("registered_name") in (None, name):
        return
    if not isinstance(module, str) or not (module in _MODULES or module.startswith(_INTERNAL_MODULES)):
        raise ValueError(f"it asks for {name!r:.60} of {module!r:.60}; only what is Keras' own is read")
    if name == "function" or name in _FOREIGN:
        raise ValueError(f"it asks for {name!r} of {module!r:.60}, which runs or reads what is not in the file")


def _check_weights(data: bytes) -> None:
    """Every dataset must lie in the file, and all of them within the budget."""
    import h5py

    total = 0
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            waiting = [file["/"]]
            while waiting:
                group = waiting.pop()
                for name in group:
                    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                        raise ValueError(f"{WEIGHTS}: {name!r:.60} is a link to something else")
                    item = group[name]
                    if isinstance(item, h5py.Group):
                        waiting.append(item)
                    elif item.external or item.is_virtual:
                        raise ValueError(f"{WEIGHTS}: {name!r:.60} is stored in another file")
                    else:
                        total += item.nbytes
                    if total > FILE_BYTES or len(waiting) > _WIDTH:
                        raise ValueError(f"{WEIGHTS}: arrays of over {FILE_BYTES:,} bytes")
    except (OSError, RuntimeError, KeyError, AttributeError, TypeError) as cause:
        raise ValueError(f"{WEIGHTS} cannot be read: {' '.join(str(cause).split())[:120]}") from cause
