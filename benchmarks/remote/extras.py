"""Which extras of digitrec-edge a device gets."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.remote.environment import Device
from digitrec_edge.errors import UnfitDeviceError


def extras_for(device: Device, files: Sequence[Path]) -> tuple[str, ...]:
    """Return the extras for a device and the artifacts that are to run on it.

    Raises:
        UnfitDeviceError: there is no runtime for this Python on this machine.
    """
    minor = tuple(int(part) for part in device.python.split(".")[:2])
    if device.bits == 32:
        if minor > (3, 11):
            raise UnfitDeviceError(
                f"its Python {device.python} is of 32 bits, where the only runtime, tflite-runtime, ends at Python 3.11; "
                "put a 64-bit system on it"
            )
        return ("tflite",)
    return ("litert", "onnx") if any(path.suffix == ".onnx" for path in files) else ("litert",)
