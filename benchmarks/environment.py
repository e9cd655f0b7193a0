"""The machine that stands beside every figure: what it is, and how it fared while it was measured."""

import os
import platform
import shutil
import struct
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

_DISTRIBUTIONS = (
    "digitrec-edge", "numpy", "tflite-runtime", "ai-edge-litert", "onnxruntime", "tensorflow", "keras", "onnx",
    "tf2onnx",
)  # fmt: skip

_FEATURES = frozenset(
    """
    neon asimd vfpv4 fphp asimdhp asimddp asimdfhm i8mm bf16 sve sve2
    sse4_1 sse4_2 avx avx2 f16c fma avx512f avx512bw avx512vl avx512_vnni avx512_bf16 avx_vnni amx_int8 amx_bf16
    """.split()
)
"""Instruction sets that kernels of neural networks are written for, as Linux spells them."""


@dataclass(frozen=True)
class Environment:
    """The machine and the software on it; None is what it does not tell.

    Attributes:
        board: as the device tree names it, such as ``Raspberry Pi 5 Model B Rev 1.0``.
        cores: that this process may use.
        cores_total: that the machine has.
        bits: of this Python: 32 or 64.
        features: instruction sets that matter here.
        governor: cpufreq's, of all cores, joined by ``+`` when they differ.
        frequency_min_mhz, frequency_max_mhz: hardware limits.
    """

    board: str | None
    cpu: str
    cores: int
    cores_total: int
    machine: str
    bits: int
    features: tuple[str, ...]
    governor: str | None
    frequency_min_mhz: float | None
    frequency_max_mhz: float | None
    memory_bytes: int | None
    os: str
    kernel: str
    python: str
    versions: dict[str, str]

    @property
    def device(self) -> str:
        """What to call the machine: its board, or its CPU."""
        return self.board or self.cpu


@dataclass(frozen=True)
class Condition:
    """How the machine is at one moment; None is what it does not tell.

    Attributes:
        at_s: seconds since the run began.
        frequency_mhz: mean of all cores.
        temperature_c: of the hottest zone.
        load_1m: mean number of running processes in the last minute.
        throttled: bits of ``vcgencmd get_throttled``, on a Raspberry Pi.
    """

    at_s: float
    frequency_mhz: float | None
    temperature_c: float | None
    load_1m: float | None
    throttled: int | None


def describe_environment(root: Path = Path("/")) -> Environment:
    """Read what this machine says of itself; ``root`` is where /proc and /sys lie."""
    cpuinfo = _cpuinfo(root)
    governors = sorted(set(_each_cpu(root, "scaling_governor")))
    lowest, highest = _each_cpu(root, "cpuinfo_min_freq"), _each_cpu(root, "cpuinfo_max_freq")
    return Environment(
        board=_text(root / "proc/device-tree/model"),
        cpu=_cpu(cpuinfo),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        cores_total=os.cpu_count() or 1,
        machine=platform.machine(),
        bits=8 * struct.calcsize("P"),
        features=_features(cpuinfo),
        governor="+".join(governors) or None,
        frequency_min_mhz=min(map(float, lowest)) / 1000 if lowest else None,
        frequency_max_mhz=max(map(float, highest)) / 1000 if highest else None,
        memory_bytes=_memory(root),
        os=_os(),
        kernel=platform.release(),
        python=platform.python_version(),
        versions=_versions(),
    )


def describe_condition(at_s: float, root: Path = Path("/")) -> Condition:
    """Read how the machine is now."""
    now = [float(value) / 1000 for value in _each_cpu(root, "scaling_cur_freq")]
    now = now or [float(value) for key, value in _cpuinfo(root) if key == "cpu mhz"]
    zones = [_number(path) for path in sorted((root / "sys/class/thermal").glob("thermal_zone*/temp"))]
    temperatures = [value / 1000 for value in zones if value is not None]
    load = _text(root / "proc/loadavg")
    return Condition(
        at_s=at_s,
        frequency_mhz=sum(now) / len(now) if now else None,
        temperature_c=max(temperatures, default=None),
        load_1m=float(load.split()[0]) if load else None,
        throttled=read_throttled(),
    )


def read_throttled() -> int | None:
    """Ask a Raspberry Pi's firmware for its throttling bits; None where there is no ``vcgencmd``.

    https://www.raspberrypi.com/documentation/computers/os.html#get_throttled
    """
    command = shutil.which("vcgencmd")
    if command is None:
        return None
    try:
        done = subprocess.run([command, "get_throttled"], capture_output=True, text=True, timeout=5, check=False)
        return int(done.stdout.strip().removeprefix("throttled="), 16)
    except (ValueError, OSError, subprocess.TimeoutExpired):
        return None


_THROTTLING = ("under-voltage", "frequency capped", "throttled", "soft temperature limit")


def throttling(conditions: tuple[Condition, ...]) -> tuple[str, ...]:
    """Say what slowed a Raspberry Pi down during a run; empty when nothing did.

    Bits 0 to 3 say "now", bits 16 to 19 "since boot": a "since boot" that appears during the run counts,
    one that was there before does not.
    """
    bits = [condition.throttled for condition in conditions if condition.throttled is not None]
    found = []
    for k, name in enumerate(_THROTTLING):
        now = any(value >> k & 1 for value in bits)
        since = any(value >> (16 + k) & 1 for value in bits[1:]) and not bits[0] >> (16 + k) & 1
        if now or since:
            found.append(f"{name} during the run (vcgencmd get_throttled: {', '.join(f'{v:#x}' for v in bits)})")
    return tuple(found)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace").strip("\0 \n") or None
    except OSError:
        return None


def _number(path: Path) -> float | None:
    try:
        return float(_text(path) or "")
    except ValueError:
        return None


def _each_cpu(root: Path, name: str) -> list[str]:
    files = sorted((root / "sys/devices/system/cpu").glob(f"cpu[0-9]*/cpufreq/{name}"))
    return [text for text in (_text(path) for path in files) if text]


def _cpuinfo(root: Path) -> list[tuple[str, str]]:
    lines = (_text(root / "proc/cpuinfo") or "").splitlines()
    pairs = (line.partition(":") for line in lines)
    return [(key.strip().lower(), value.strip()) for key, _, value in pairs]


_ARM_PARTS = {
    "0xd03": "Cortex-A53", "0xd04": "Cortex-A35", "0xd05": "Cortex-A55", "0xd07": "Cortex-A57", "0xd08": "Cortex-A72",
    "0xd0b": "Cortex-A76", "0xd0c": "Neoverse N1", "0xc07": "Cortex-A7", "0xb76": "ARM1176",
}  # fmt: skip
"""Main ID register part numbers of Arm's own cores, as in the cores' technical reference manuals."""


def _cpu(cpuinfo: list[tuple[str, str]]) -> str:
    for wanted in ("model name", "hardware", "model"):
        for key, value in cpuinfo:
            if key == wanted and value and not value.isdigit():
                return value
    parts = [_ARM_PARTS[value] for key, value in cpuinfo if key == "cpu part" and value in _ARM_PARTS]
    return parts[0] if parts else platform.processor() or platform.machine()


def _features(cpuinfo: list[tuple[str, str]]) -> tuple[str, ...]:
    for key, value in cpuinfo:
        if key in ("flags", "features"):
            return tuple(word for word in value.split() if word in _FEATURES)
    return ()


def _memory(root: Path) -> int | None:
    for line in (_text(root / "proc/meminfo") or "").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return None


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
