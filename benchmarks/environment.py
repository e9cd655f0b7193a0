"""The environment that stands beside every figure."""

import os
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

_DISTRIBUTIONS = (
    "digitrec-edge", "numpy", "tflite-runtime", "ai-edge-litert", "onnxruntime", "tensorflow", "keras", "onnx",
    "tf2onnx",
)  # fmt: skip


@dataclass(frozen=True)
class Environment:
    """The machine and the software on it."""

    cpu: str
    cores: int
    machine: str
    os: str
    kernel: str
    python: str
    versions: dict[str, str]


def describe_environment() -> Environment:
    """Read what this machine says of itself."""
    return Environment(
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        machine=platform.machine(),
        os=_os(),
        kernel=platform.release(),
        python=platform.python_version(),
        versions=_versions(),
    )


def _cpu() -> str:
    board = Path("/proc/device-tree/model")
    if board.exists():
        return board.read_text(errors="replace").strip("\0 \n")
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip().lower() in ("model name", "model", "hardware") and not value.strip().isdigit():
                return value.strip()
    return platform.processor() or platform.machine()


def _os() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.platform()


def _versions() -> dict[str, str]:
    found = {}
    for name in _DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
