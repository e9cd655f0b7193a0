"""Which wheels the package index has: one literal table, and the questions that installation asks of it.

Read from the index on 22 November 2026; what a wheel's library asks for counts where its name promises
more than it keeps. Only what the extras of this package install is here.
"""

from dataclasses import dataclass

from digitrec_edge.installation.machine import Machine
from runtimes.table import RUNTIMES

MIN_PYTHON, MAX_PYTHON = (3, 10), (3, 13)
"""What this package itself runs on; pyproject.toml says the same."""


@dataclass(frozen=True)
class Wheel:
    """The wheels of one release for one kind of machine.

    Attributes:
        platform: ``glibc``, ``musl``, ``macos`` or ``windows``.
        machines: in the words of ``Machine.machine``.
        pythons: in the words of ``Machine.python_tag``.
        minimum: oldest C library, or oldest macOS, that it runs on.
    """

    distribution: str
    version: str
    platform: str
    machines: tuple[str, ...]
    pythons: tuple[str, ...]
    minimum: tuple[int, int]


_ANY = (0, 0)
_CP310_311 = ("cp310", "cp311")
_CP310_312 = (*_CP310_311, "cp312")
_CP310_313 = (*_CP310_312, "cp313")
_CP310_313T = (*_CP310_313, "cp313t")
_CP310_314 = (*_CP310_313, "cp314")
_CP311_314 = ("cp311", "cp312", "cp313", "cp313t", "cp314", "cp314t")
_CP311_314_GIL = ("cp311", "cp312", "cp313", "cp314")
_64 = ("x86_64", "aarch64")

WHEELS = (
    # the name of tflite-runtime's x86-64 wheels says glibc 2.17, their library asks for 2.29
    Wheel("tflite-runtime", "2.14.0", "glibc", ("x86_64",), _CP310_311, (2, 29)),
    Wheel("tflite-runtime", "2.14.0", "glibc", ("aarch64", "armv7l"), _CP310_311, (2, 34)),
    Wheel("ai-edge-litert", "2.3.0", "glibc", _64, _CP310_314, (2, 27)),
    Wheel("ai-edge-litert", "2.3.0", "macos", ("aarch64",), _CP310_314, (12, 0)),
    Wheel("ai-edge-litert", "2.3.0", "windows", ("x86_64",), _CP310_314, _ANY),
    Wheel("onnxruntime", "1.31.1", "glibc", _64, _CP311_314, (2, 28)),
    Wheel("onnxruntime", "1.31.1", "macos", ("aarch64",), _CP311_314_GIL, (14, 0)),
    Wheel("onnxruntime", "1.31.1", "windows", _64, _CP311_314_GIL, _ANY),
    Wheel("onnxruntime", "1.23.2", "glibc", _64, _CP310_313T, (2, 27)),
    Wheel("onnxruntime", "1.23.2", "macos", _64, _CP310_313, (13, 0)),
    Wheel("onnxruntime", "1.23.2", "windows", ("x86_64",), _CP310_313, _ANY),
    Wheel("onnxruntime", "1.20.1", "windows", ("i686",), _CP310_312, _ANY),
    Wheel("tensorflow", "2.21.0", "glibc", _64, _CP310_313, (2, 27)),
    Wheel("tensorflow", "2.21.0", "macos", ("aarch64",), _CP310_313, (12, 0)),
    Wheel("tensorflow", "2.21.0", "windows", ("x86_64",), _CP310_313, _ANY),
    Wheel("numpy", "2.3.5", "windows", ("aarch64",), ("cp311", "cp312", "cp313", "cp313t"), _ANY),
    Wheel("numpy", "2.2.6", "glibc", _64, _CP310_313T, (2, 17)),
    Wheel("numpy", "2.2.6", "musl", _64, _CP310_313T, (1, 2)),
    Wheel("numpy", "2.2.6", "macos", _64, _CP310_313T, (11, 0)),
    Wheel("numpy", "2.2.6", "windows", ("x86_64", "i686"), _CP310_313T, _ANY),
    Wheel("numpy", "1.26.4", "glibc", _64, _CP310_312, (2, 17)),
)

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
    plain = [python for python in pythons if not python.endswith("t")]
    return f"{plain[0]} to {plain[-1]}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
