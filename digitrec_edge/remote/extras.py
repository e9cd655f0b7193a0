"""Which extras of digitrec-edge a device gets: what ``doctor`` names there, worked out from the device's facts."""

from collections.abc import Sequence
from pathlib import Path

from digitrec_edge import formats
from digitrec_edge.artifact import signature_path
from digitrec_edge.artifact.signature import KEY_FILE
from digitrec_edge.errors import UnfitDeviceError
from digitrec_edge.installation.advice import advise
from digitrec_edge.installation.wheels import wheels_for
from digitrec_edge.remote.device import Device
from runtimes.table import find

_ONNX = find("onnxruntime")
_ONNX_SUFFIXES = tuple(formats.by_name(name).suffix for name in _ONNX.formats)


def extras_for(host: str, device: Device, files: Sequence[Path], asked: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the extras for a device and the artifacts that are to run on it.

    Args:
        host: for the message.
        device: where to install.
        files: the artifacts; ONNX Runtime comes with those that need it, where it has wheels, and
            model-signing where the device holds a key.
        asked: extras to install instead.

    Raises:
        UnfitDeviceError: it does not run Linux, or no runtime can be installed there.
    """
    machine = device.machine
    if machine.system != "linux":
        raise UnfitDeviceError(f"{host}: it runs {machine.os[:80]}; Linux is needed")
    advice = advise(machine)
    if advice.extra is None:
        reasons = [note for note in advice.notes if note.startswith("No runtime")] or list(advice.notes)
        raise UnfitDeviceError(f"{host}: it is a {machine.machine} with Python {machine.python}. {' '.join(reasons)}")
    signed = ["sign"] if KEY_FILE in device.there else []
    if asked:
        return tuple(dict.fromkeys([*asked, *signed]))
    extras = [] if all(path.suffix in _ONNX_SUFFIXES for path in files) else [advice.extra]
    if any(path.suffix in _ONNX_SUFFIXES for path in files) and wheels_for(_ONNX.distribution, machine):
        extras.append(_ONNX.extra)
    return tuple(name for name in dict.fromkeys([*(extras or [advice.extra]), *signed]) if name)


def with_signatures(files: Sequence[Path]) -> tuple[Path, ...]:
    """Return files, each with the signature that lies beside it."""
    return tuple(one for path in files for one in (path, signature_path(path)) if one is path or one.exists())
