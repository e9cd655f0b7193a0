"""Wheels for a device, fetched on this machine, so that the device needs no network.

pip chooses files for another platform but evaluates environment markers (``python_version < '3.12'``) for the
Python that it runs on. So dependencies are followed here, one level after the other, with the markers of
the device; pip is only asked to download. Whether all of it fits together is the device's pip to say.
"""

import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.parser import BytesParser
from pathlib import Path
from types import MappingProxyType
from typing import Any

from digitrec_edge.errors import NotInstalledError, RemoteError

_NEWEST_GLIBC = 41


@dataclass(frozen=True)
class Platform:
    """What decides which wheels a device can take.

    Attributes:
        machine: as ``uname -m`` has it for the device's Python: ``aarch64``, ``armv7l``, ``x86_64``.
        python: version, such as ``3.11.2``.
        glibc: version, such as ``2.36``.
    """

    machine: str
    python: str
    glibc: str

    @property
    def python_minor(self) -> str:
        """The version's first two parts."""
        return ".".join(self.python.split(".")[:2])

    def markers(self) -> dict[str, str]:
        """Return the environment that markers are evaluated in (PEP 508)."""
        return {
            "implementation_name": "cpython", "implementation_version": self.python, "os_name": "posix",
            "platform_machine": self.machine, "platform_python_implementation": "CPython", "platform_release": "",
            "platform_system": "Linux", "platform_version": "", "python_full_version": self.python,
            "python_version": self.python_minor, "sys_platform": "linux",
        }  # fmt: skip

    def tags(self) -> list[str]:
        """Return the platform tags, the oldest glibc first (PEP 600)."""
        newest = min(int(self.glibc.split(".")[1]), _NEWEST_GLIBC)
        return [
            *(f"{old}_{self.machine}" for old in ("manylinux2014", "linux")),
            *(f"manylinux_2_{minor}_{self.machine}" for minor in range(17, newest + 1)),
        ]


def fetch(
    requirements: Sequence[str],
    platform: Platform,
    folder: Path,
    *,
    constraints: Sequence[str] = (),
    installed: Mapping[str, str] = MappingProxyType({}),
) -> list[Path]:
    """Download wheels for ``requirements`` and all that they require into ``folder``.

    Args:
        requirements: as in ``Requires-Dist``; those whose marker is false on the device are left out.
        platform: the device's.
        folder: wheels that are there already are used.
        constraints: further limits, in the same words. pip's own ``PIP_CONSTRAINT`` file counts, too, with
            the device's markers.
        installed: names and versions of what the device has and the environment will see; left out where
            it is good enough.

    Returns:
        The wheels, one per distribution.

    Raises:
        NotInstalledError: the packaging library is missing.
        RemoteError: the index has no wheel that fits the device.
    """
    wanted = _Wanted(platform, [*constraints, *constraints_for(platform)], installed)
    fresh = wanted.add(requirements)
    while fresh:
        names = [wanted.line(name) for name in sorted(fresh)]
        found = {name: wanted.wheel(name, folder) for name in fresh}
        absent = [wanted.line(name) for name, wheel in found.items() if wheel is None]
        if absent:
            _download(absent, platform, folder)
            found = {name: wanted.wheel(name, folder) for name in fresh}
        if None in found.values():
            raise RemoteError(f"pip fetched no wheel for {', '.join(names)}")
        fresh = set()
        for name, wheel in found.items():
            if wheel:
                fresh |= wanted.add(requires(wheel), wanted.extras[name])
    return [wheel for wheel in (wanted.wheel(name, folder) for name in wanted.extras) if wheel]


def requires(wheel: Path) -> list[str]:
    """Return the ``Requires-Dist`` lines of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return BytesParser().parsebytes(archive.read(metadata), headersonly=True).get_all("Requires-Dist", [])


def applicable(lines: Sequence[str], platform: Platform, extras: Sequence[str]) -> list[str]:
    """Return the requirements that hold on the device with these extras, without their markers."""
    found = _Wanted(platform, (), {}).applicable(lines, set(extras))
    for requirement in found:
        requirement.marker = None
    return [str(requirement) for requirement in found]


class _Wanted:
    """The requirements met so far, by canonical name."""

    def __init__(self, platform: Platform, constraints: Sequence[str], installed: Mapping[str, str]) -> None:
        self._packaging = _packaging()
        self._installed = {self._packaging.canonicalize_name(name): version for name, version in installed.items()}
        self._markers = platform.markers()
        version = tuple(int(part) for part in platform.python_minor.split("."))
        tags = self._packaging.tags
        self._tags = {
            *tags.cpython_tags(version, platforms=platform.tags()),
            *tags.compatible_tags(version, f"cp{version[0]}{version[1]}", platform.tags()),
        }
        self._specifiers: dict[str, Any] = {}
        self.extras: dict[str, set[str]] = {}
        self._constraints: dict[str, Any] = {}
        for requirement in self.applicable(constraints, set()):
            name = self._packaging.canonicalize_name(requirement.name)
            self._constraints[name] = self._constraints.get(name, requirement.specifier) & requirement.specifier

    def applicable(self, lines: Sequence[str], extras: set[str]) -> list[Any]:
        """Parse requirements and leave out those whose marker is false on the device with these extras."""
        parsed = [self._packaging.Requirement(line) for line in lines]
        return [
            each
            for each in parsed
            if each.marker is None
            or any(each.marker.evaluate({**self._markers, "extra": extra}) for extra in {"", *extras})
        ]

    def add(self, lines: Sequence[str], extras: set[str] | None = None) -> set[str]:
        """Take requirements; returns the names that are new or now narrower or with more extras."""
        changed = set()
        for requirement in self.applicable(lines, extras or set()):
            name = self._packaging.canonicalize_name(requirement.name)
            if name in self._installed and requirement.specifier.contains(self._installed[name], prereleases=True):
                continue
            limit = self._constraints.get(name, requirement.specifier) & requirement.specifier
            before, extras_before = self._specifiers.get(name), self.extras.get(name, set())
            self._specifiers[name] = limit if before is None else before & limit
            self.extras[name] = extras_before | requirement.extras
            if self._specifiers[name] != before or self.extras[name] != extras_before:
                changed.add(name)
        return changed

    def line(self, name: str) -> str:
        """Return the requirement as pip takes it."""
        return f"{name}{self._specifiers[name]}"

    def wheel(self, name: str, folder: Path) -> Path | None:
        """Return the newest wheel in ``folder`` that meets the requirement and fits the device."""
        fitting = []
        for path in folder.glob("*.whl"):
            distribution, version, _, tags = self._packaging.parse_wheel_filename(path.name)
            if (
                distribution == name
                and tags & self._tags
                and self._specifiers[name].contains(version, prereleases=True)
            ):
                fitting.append((version, path))
        return max(fitting)[1] if fitting else None


def _download(lines: Sequence[str], platform: Platform, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--implementation", "cp", "--python-version", platform.python_minor, "--dest", str(folder)]
    for tag in platform.tags():
        command += ["--platform", tag]
    environment = {key: value for key, value in os.environ.items() if key != "PIP_CONSTRAINT"}
    with tempfile.TemporaryDirectory() as elsewhere:  # where no file has a package's name
        done = subprocess.run(
            [*command, *lines], env=environment, cwd=elsewhere, capture_output=True, text=True, check=False
        )
    if done.returncode:
        reasons = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip said nothing"]
        raise RemoteError(f"no wheels for Python {platform.python_minor} on {platform.machine}: {reasons[-1][:300]}")


def constraints_for(platform: Platform, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return what pip's ``PIP_CONSTRAINT`` files ask for on a device, without markers.

    Raises:
        RemoteError: a file cannot be read.
    """
    lines = []
    for name in environment.get("PIP_CONSTRAINT", "").split():
        try:
            text = Path(name).read_text(encoding="utf-8")
        except OSError as cause:
            raise RemoteError(f"PIP_CONSTRAINT names {name}, which cannot be read: {cause.strerror}") from cause
        lines += [line.strip() for line in text.splitlines()]
    return applicable([line for line in lines if line and not line.startswith("#")], platform, ())


def _packaging() -> Any:
    """Return what is used of the packaging library, as one namespace."""
    try:
        import packaging.tags
        from packaging import requirements, utils
    except ImportError as cause:
        raise NotInstalledError("fetching wheels needs packaging: pip install 'digitrec-edge[remote]'") from cause

    class Namespace:
        tags = packaging.tags
        Requirement = requirements.Requirement
        canonicalize_name = staticmethod(utils.canonicalize_name)
        parse_wheel_filename = staticmethod(utils.parse_wheel_filename)

    return Namespace
