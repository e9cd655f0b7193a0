"""Which extras of digitrec-edge a device gets: what ``doctor`` names there, worked out from the device's facts."""

from collections.abc import Sequence
from pathlib import Path

from digitrec_edge.errors import UnfitDeviceError
from digitrec_edge.installation.advice import advise
from digitrec_edge.installation.machine import Cpu, Machine
from digitrec_edge.installation.wheels import wheels_for
from digitrec_edge.remote.venv import Device

_ONNX_SUFFIXES = (".onnx", ".ort")


def extras_for(host: str, device: Device, files: Sequence[Path], asked: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the extras for a device and the artifacts that are to run on it.

    Args:
        host: for the message.
        device: where to install.
        files: the artifacts; ONNX Runtime comes with those that need it, where it has wheels.
        asked: extras to install instead.

    Raises:
        UnfitDeviceError: no runtime can be installed there.
    """
    machine = machine_of(device)
    advice = advise(machine)
    if advice.extra is None:
        reasons = [note for note in advice.notes if note.startswith("No runtime")] or list(advice.notes)
        raise UnfitDeviceError(f"{host}: it is a {device.machine} with Python {device.python}. {' '.join(reasons)}")
    if asked:
        return tuple(dict.fromkeys(asked))
    extras = [] if all(path.suffix in _ONNX_SUFFIXES for path in files) else [advice.extra]
    if any(path.suffix in _ONNX_SUFFIXES for path in files) and wheels_for("onnxruntime", machine):
        extras.append("onnx")
    return tuple(dict.fromkeys(extras or [advice.extra]))


def machine_of(device: Device) -> Machine:
    """Return what ``doctor`` would say of the device, as far as installing depends on it."""
    return Machine(
        system=device.system.lower(), os="", os_version="", os_family=(), kernel="", machine=device.machine,
        kernel_machine=device.machine, bits=device.bits, libc="glibc" if device.glibc else "",
        libc_version=device.glibc, board=device.board or None, cpu=Cpu("", 1, None), memory_bytes=None,
        python=device.python, python_tag=device.tag, python_command="python3", pip_command="pip", in_venv=True,
        externally_managed=False, has_venv=True, numpy=device.installed.get("numpy"),
    )  # fmt: skip
