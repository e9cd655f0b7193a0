"""The machine that stands beside every figure: what it is, its temperature, clock and load while it was measured."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated

from digitrec_edge.installation.machine import describe_machine
from digitrec_edge.records import Name, Text, Within
from digitrec_edge.variants import TOOLS
from runtimes.table import RUNTIMES

_DISTRIBUTIONS = dict.fromkeys(
    ("digitrec-edge", "numpy", *(row.distribution for row in RUNTIMES if row.distribution), *TOOLS)
)

Cores = Annotated[int, Within(1, 1 << 16)]
Megahertz = Annotated[float, Within(0, 1e6)]


@dataclass(frozen=True)
class Environment:
    """The machine and the software on it; None is what it does not tell.

    Attributes:
        board: as the device tree names it, such as ``Raspberry Pi 5 Model B Rev 1.0``.
        cores: that this process may use.
        cores_total: that the machine has.
        bits: of this Python: 32 or 64.
        features: instruction sets that kernels of neural networks are written for.
        governor: cpufreq's, of all cores, joined by ``+`` when they differ.
        frequency_min_mhz, frequency_max_mhz: hardware limits.
    """

    board: Name | None
    cpu: Name
    cores: Cores
    cores_total: Cores
    machine: Name
    bits: Annotated[int, Within(32, 64)]
    features: tuple[Name, ...]
    governor: Text | None
    frequency_min_mhz: Megahertz | None
    frequency_max_mhz: Megahertz | None
    memory_bytes: Annotated[int, Within(0, 1 << 50)] | None
    os: Text
    kernel: Text
    libc: Text | None
    python: Name
    versions: dict[str, Text]

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

    at_s: Annotated[float, Within(0, 1e9)]
    frequency_mhz: Megahertz | None
    temperature_c: Annotated[float, Within(-300, 300)] | None
    load_1m: Annotated[float, Within(0, 1e6)] | None
    throttled: Annotated[int, Within(0, 1 << 32)] | None


def describe_environment(root: Path = Path("/")) -> Environment:
    """Read what this machine says of itself; ``root`` is where /proc and /sys lie."""
    machine = describe_machine(root)
    governors = sorted(set(_each_cpu(root, "scaling_governor")))
    lowest, highest = _each_cpu(root, "cpuinfo_min_freq"), _each_cpu(root, "cpuinfo_max_freq")
    return Environment(
        board=machine.board,
        cpu=machine.cpu.name or machine.machine,
        cores=machine.cpu.cores,
        cores_total=os.cpu_count() or 1,
        machine=machine.machine,
        bits=machine.bits,
        features=machine.cpu.features or (),
        governor="+".join(governors) or None,
        frequency_min_mhz=min(map(float, lowest)) / 1000 if lowest else None,
        frequency_max_mhz=max(map(float, highest)) / 1000 if highest else None,
        memory_bytes=machine.memory_bytes,
        os=machine.os,
        kernel=machine.kernel,
        libc=f"{machine.libc} {machine.libc_version}".strip() or None,
        python=machine.python,
        versions=_versions(),
    )


def describe_condition(at_s: float, root: Path = Path("/")) -> Condition:
    """Read how the machine is now."""
    cpuinfo = root / "proc/cpuinfo"
    now = [float(value) / 1000 for value in _each_cpu(root, "scaling_cur_freq")]
    now = now or [float(value) for value in re.findall(r"^cpu MHz\s*: ([\d.]+)", _text(cpuinfo) or "", re.MULTILINE)]
    zones = [_number(path) for path in sorted((root / "sys/class/thermal").glob("thermal_zone*/temp"))]
    temperatures = [value / 1000 for value in zones if value is not None and abs(value) < 300_000]
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


def _versions() -> dict[str, str]:
    found = {}
    for name in _DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
