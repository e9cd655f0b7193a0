"""Which wheels the package index has, and the questions that installation asks of that table.

wheels.json is written by ``make facts``; it has only what the extras of this package install.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from digitrec_edge.installation.machine import Machine
from digitrec_edge.records import parse
from runtimes.table import RUNTIMES

TABLE = Path(__file__).with_name("wheels.json")


@dataclass(frozen=True)
class Wheel:
    """The wheels of one release for one kind of machine.

    Attributes:
        platform: ``glibc``, ``musl``, ``macos`` or ``windows``.
        machines: in the words of ``Machine.machine``.
        pythons: in the words of ``Machine.python_tag``.
        minimum: oldest C library, or oldest macOS, that it runs on; zeros where there is none.
    """

    distribution: str
    version: str
    platform: str
    machines: tuple[str, ...]
    pythons: tuple[str, ...]
    minimum: tuple[int, int]


@dataclass(frozen=True)
class Correction:
    """What wheels need beyond what their name says; it has been applied to the rows.

    Attributes:
        minimum: oldest C library that they run on.
    """

    distribution: str
    version: str
    platform: str
    machines: tuple[str, ...]
    minimum: tuple[int, int]
    reason: str


@dataclass(frozen=True)
class WheelTable:
    """The contents of wheels.json.

    Attributes:
        read: day on which the package index was read.
        wheels: of each distribution the newest release first.
    """

    read: str
    wheels: tuple[Wheel, ...]
    corrections: tuple[Correction, ...]


_ANY = (0, 0)
WHEELS = parse(WheelTable, json.loads(TABLE.read_text(encoding="utf-8")), TABLE.name).wheels

EXTRAS = tuple(
    (row.extra, row.distribution)
    for row in sorted(RUNTIMES, key=lambda row: (row.formats[0] != RUNTIMES[0].formats[0], row.installed_mb))
    if row.extra
)
"""(extra, the runtime that it is asked for): those of the usual format first, of these the smallest installation. The
``tflite`` extra brings LiteRT where Python is too new for tflite-runtime; ``litert`` then says it more plainly."""

_PLATFORM_NAMES = {"glibc": "glibc Linux", "musl": "musl Linux", "macos": "macOS", "windows": "Windows"}


def platform_of(machine: Machine) -> str:
    """Return the word that the table has for the machine's system: the C library on Linux."""
    return machine.libc if machine.system == "linux" else machine.system


def wheels_for(distribution: str, machine: Machine) -> list[Wheel]:
    """Return the wheels of a distribution that install and run on a machine, the newest first."""
    return [wheel for wheel in _of(distribution) if _obstacle(wheel, machine) == ""]


def why_none(distribution: str, machine: Machine) -> str:
    """Say why no wheel of a distribution fits a machine; empty when one does."""
    wheels = _of(distribution)
    here = [w for w in wheels if w.platform == platform_of(machine) and machine.machine in w.machines]
    if not here:
        system = _PLATFORM_NAMES.get(platform_of(machine), platform_of(machine) or machine.system or "this system")
        return f"no wheels for {system} on {machine.machine}"
    obstacles = [_obstacle(wheel, machine) for wheel in here]
    return "" if "" in obstacles else obstacles[0]


def _of(distribution: str) -> list[Wheel]:
    return [wheel for wheel in WHEELS if wheel.distribution == distribution]


def _obstacle(wheel: Wheel, machine: Machine) -> str:
    if wheel.platform != platform_of(machine) or machine.machine not in wheel.machines:
        return "another kind of machine"
    if machine.python_tag not in wheel.pythons:
        return f"{wheel.version} has wheels for {_span(wheel.pythons)}, not {machine.python_tag}"
    version = machine.os_version if machine.system == "macos" else machine.libc_version
    if wheel.minimum != _ANY and _numbers(version) < wheel.minimum:
        needs = f"{'macOS' if wheel.platform == 'macos' else wheel.platform} {wheel.minimum[0]}.{wheel.minimum[1]}"
        return f"{wheel.version} needs {needs}, this is {version or 'unknown'}"
    return ""


def _span(pythons: tuple[str, ...]) -> str:
    plain = [python for python in pythons if not python.endswith("t")] or [*pythons]
    return plain[0] if len(plain) == 1 else f"{plain[0]} to {plain[-1]}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
