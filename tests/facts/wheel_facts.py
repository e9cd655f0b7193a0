"""Writes wheels.json: which wheels the package index has of what the extras install, for the Pythons that count.

``python tests/facts/wheel_facts.py`` reads the index that pip is configured for. Of each distribution it keeps the
newest release, and an older one where it fits machines that no newer one fits: another processor, another Python,
an older C library.
"""

import datetime
import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from digitrec_edge.files import write_file
from digitrec_edge.installation import pythons
from digitrec_edge.installation.wheels import EXTRAS, TABLE, Correction, Wheel, WheelTable
from digitrec_edge.remote.index import PipIndex, pip_index

PROJECT = Path(__file__).parents[2] / "pyproject.toml"

CORRECTIONS = (
    Correction(
        "tflite-runtime", "2.14.0", "glibc", ("x86_64",), (2, 29),
        "the name of the wheels says glibc 2.17, their library asks for symbols of 2.29",
    ),
)  # fmt: skip
"""Where a wheel needs more than its name says."""

_MACHINES = {"arm64": "aarch64", "amd64": "x86_64", "universal2": "x86_64 aarch64"}
_MANYLINUX = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}


@dataclass(frozen=True)
class File:
    """A wheel of the index, for one kind of machine and one Python."""

    version: Version
    platform: str
    machine: str
    python: str
    minimum: tuple[int, int]


def read_name(name: str) -> list[File]:
    """Return what a wheel's name says of the machines that it is for; nothing for one that is for no such machine."""
    try:
        _, version, _, tags = parse_wheel_filename(name)
    except InvalidWheelFilename:
        return []
    if version.is_prerelease:
        return []
    places = [(tag.abi, place) for tag in tags if tag.abi in _python_tags() for place in _places(tag.platform)]
    return [File(version, platform, machine, abi, minimum) for abi, (platform, machine, minimum) in places]


def _python_tags() -> list[str]:
    """Return the Pythons that count, as wheels name them; ``t`` is free-threaded, from 3.13 on."""
    minors = range(pythons.OLDEST[1], pythons.NEWEST[1] + 1)
    return [f"cp3{minor}{kind}" for minor in minors for kind in ("", *("t" * (minor >= 13)))]


def _places(tag: str) -> list[tuple[str, str, tuple[int, int]]]:
    """Return (platform, machine, minimum) in the words of ``Wheel`` for a platform tag."""
    if tag.startswith("win"):
        machine = tag.removeprefix("win_") if tag != "win32" else "i686"
        return [("windows", _MACHINES.get(machine, machine), (0, 0))]
    for old, (major, minor) in _MANYLINUX.items():
        tag = re.sub(rf"^{old}_", f"manylinux_{major}_{minor}_", tag)
    found = re.fullmatch(r"(manylinux|musllinux|macosx)_(\d+)_(\d+)_(\w+)", tag)
    if found is None:
        return []
    platform = {"manylinux": "glibc", "musllinux": "musl", "macosx": "macos"}[found[1]]
    machines = _MACHINES.get(found[4], found[4]).split()
    return [(platform, machine, (int(found[2]), int(found[3]))) for machine in machines]


def correct(distribution: str, file: File) -> File:
    """Return the file with what it really needs."""
    for each in CORRECTIONS:
        named = (each.distribution, Version(each.version), each.platform)
        if named == (distribution, file.version, file.platform) and file.machine in each.machines:
            return replace(file, minimum=each.minimum)
    return file


def useful(files: Iterable[File]) -> list[File]:
    """Leave out files for machines that a newer release fits as well."""
    least: dict[tuple[str, str, str], tuple[int, int]] = {}
    kept = []
    for file in sorted(files, key=lambda file: (file.version, tuple(-part for part in file.minimum)), reverse=True):
        place = file.platform, file.machine, file.python
        if place not in least or file.minimum < least[place]:
            least[place] = file.minimum
            kept.append(file)
    return kept


def rows(distribution: str, files: Sequence[File]) -> list[Wheel]:
    """Put files together that differ in the processor or the Python alone."""
    by_python: dict[tuple[Version, str, str, tuple[int, int]], set[str]] = defaultdict(set)
    for file in files:
        by_python[file.version, file.platform, file.machine, file.minimum].add(file.python)
    grouped: dict[tuple[Version, str, tuple[str, ...], tuple[int, int]], list[str]] = defaultdict(list)
    for (version, platform, machine, minimum), found in by_python.items():
        ordered = tuple(tag for tag in _python_tags() if tag in found)
        grouped[version, platform, ordered, minimum].append(machine)
    order = ("glibc", "musl", "macos", "windows")
    keys = sorted(grouped, key=lambda key: (order.index(key[1]), *key[2:]))
    return [
        Wheel(distribution, str(version), platform, tuple(sorted(grouped[key], reverse=True)), tags, minimum)
        for key in sorted(keys, key=lambda key: key[0], reverse=True)
        for version, platform, tags, minimum in [key]
    ]


def names_of(distribution: str, index: PipIndex) -> list[str]:
    """Return the names of all files of a distribution that the index does not advise against."""
    from unearth import PackageFinder

    own = index.url or str(PackageFinder().sources[0]["url"])
    urls = () if index.no_index else (own, *index.extra_urls)
    finder = PackageFinder(
        index_urls=urls, find_links=index.find_links, trusted_hosts=index.trusted_hosts, ignore_compatibility=True
    )
    found = finder.find_all_packages(distribution, allow_yanked=False)
    return [package.link.filename for package in found if package.link.is_wheel]


def wanted_versions() -> list[tuple[str, SpecifierSet]]:
    """Return distributions and what pyproject.toml asks of them; tflite-runtime needs a numpy of its own."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    asked = [Requirement(line) for line in (*project["dependencies"], *(line for extra in extras for line in extra))]
    (numpy,) = (each.specifier for each in asked if each.name == "numpy" and each.marker is None)
    wanted = [(name, _asked(asked, name)) for _, name in EXTRAS]
    tensorflow = "tensorflow", _asked(asked, "tensorflow")
    return [*wanted, tensorflow, ("numpy", numpy & SpecifierSet(">=2")), ("numpy", numpy & SpecifierSet("<2"))]


def _asked(requirements: Sequence[Requirement], name: str) -> SpecifierSet:
    return next(each.specifier for each in requirements if each.name == name)


def read_index(index: PipIndex) -> WheelTable:
    """Read the table from the index."""
    wheels: list[Wheel] = []
    for distribution, versions in wanted_versions():
        files = [file for name in names_of(distribution, index) for file in read_name(name)]
        wanted = [correct(distribution, file) for file in files if file.version in versions]
        if not wanted:
            raise SystemExit(f"the package index has no wheel of {distribution}{versions}")
        wheels += rows(distribution, useful(wanted))
    return WheelTable(datetime.date.today().isoformat(), tuple(wheels), CORRECTIONS)


def to_json(table: WheelTable) -> str:
    """Lay the table out with a line for each row."""
    lists = {name: [json.dumps(row) for row in asdict(table)[name]] for name in ("wheels", "corrections")}
    body = ",\n".join(f' "{name}": [\n  ' + ",\n  ".join(lines) + "\n ]" for name, lines in lists.items())
    return f'{{\n "read": {json.dumps(table.read)},\n{body}\n}}\n'


def main() -> None:
    """Read the index and write the file."""
    table = read_index(pip_index())
    write_file(TABLE, to_json(table).encode())
    print(f"{TABLE.name}: {len(table.wheels)} rows")


if __name__ == "__main__":
    main()
