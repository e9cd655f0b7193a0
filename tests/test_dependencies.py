"""What our code imports is declared in pyproject.toml: in the base, or in the extra of the part that imports it."""

import ast
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from runtimes import RUNTIMES

pytestmark = pytest.mark.checkout

ROOT = Path(__file__).parents[1]
PACKAGES = ("digitrec_edge", "converters", "runtimes", "benchmarks")

DISTRIBUTIONS = {"PIL": "pillow", "cv2": "opencv-python-headless", "paho": "paho-mqtt"}
"""Of modules that are not called as their distribution is."""

BROUGHT_BY = {"rich": "typer"}
"""Imported where a declared distribution brings it always: typer draws its own help with rich."""

EXTRAS: dict[str, tuple[str, ...]] = {
    "converters": ("convert",),
    "digitrec_edge.artifact.signature": ("sign",),
    "digitrec_edge.training": ("convert",),
    "digitrec_edge.report": ("report",),
    "digitrec_edge.preprocess.bmff": ("heif",),
    "digitrec_edge.remote": ("remote",),
    "digitrec_edge.farm": ("dask",),
    "digitrec_edge.watching": ("watch",),
    "digitrec_edge.service": ("serve",),
    "digitrec_edge.cli.serve": ("serve",),
    "benchmarks.scripts": ("all",),
    **{row.module: (row.extra,) for row in RUNTIMES if row.extra},
}
"""Extras that a part of the code may use beside the base; nothing else may use any."""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> dict[str, set[str]]:
    """Distributions by extra, those of the base under an empty name; extras that name extras are resolved."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = {"": project["dependencies"], **project["optional-dependencies"]}

    def names(extra: str) -> set[str]:
        found = set()
        for requirement in lists[extra]:
            name, several = re.match(r"([\w.-]+)(?:\[([^]]*)\])?", requirement).groups()  # type: ignore[union-attr]
            if normal(name) == project["name"]:
                found |= {name for inner in several.split(",") for name in names(inner.strip())}
            else:
                found.add(normal(name))
        return found

    return {extra: names(extra) for extra in lists}


def imported(source: str) -> set[str]:
    """Top-level modules that a source imports anywhere, but for Python's own and ours."""
    modules = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.add(node.module)
    tops = {module.split(".")[0] for module in modules}
    return tops - sys.stdlib_module_names - {*PACKAGES}


def undeclared(module: str, source: str, lists: dict[str, set[str]]) -> set[str]:
    """Modules that this module of ours imports without being allowed to."""
    parts = module.split(".")
    own = (".".join(parts[:k]) for k in range(len(parts), 0, -1))
    extras = next((EXTRAS[name] for name in own if name in EXTRAS), ())
    allowed = lists[""].union(*(lists[extra] for extra in extras))
    return {top for top in imported(source) if normal(DISTRIBUTIONS.get(top, BROUGHT_BY.get(top, top))) not in allowed}


def modules() -> dict[str, Path]:
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_import_is_declared_for_the_part_that_imports_it(package: str) -> None:
    lists = declared()
    found = {
        name: undeclared(name, path.read_text(encoding="utf-8"), lists)
        for name, path in modules().items()
        if name.split(".")[0] == package
    }
    assert found
    assert {name: missing for name, missing in found.items() if missing} == {}


def test_an_undeclared_import_is_found() -> None:
    lists = declared()
    inside = "def draw():\n    import matplotlib.axes\n    from scipy import stats\n    from os import path\n"
    assert undeclared("digitrec_edge.report.new", inside, lists) == {"scipy"}
    assert undeclared("digitrec_edge.cli.new", inside, lists) == {"matplotlib", "scipy"}
    assert undeclared("converters.new", "import flatbuffers, jinja2", lists) == {"jinja2"}
    assert undeclared("runtimes.litert", "import ai_edge_litert, onnxruntime", lists) == {"onnxruntime"}
    assert undeclared("digitrec_edge.new", "import numpy, PIL.Image, typer, rich", lists) == set()


def test_every_part_that_has_an_extra_is_there_and_uses_it() -> None:
    lists, names = declared(), modules()
    for part in EXTRAS:
        own = [path for name, path in names.items() if f"{name}.".startswith(f"{part}.")]
        tops = set().union(*(imported(path.read_text(encoding="utf-8")) for path in own))
        assert {normal(DISTRIBUTIONS.get(top, top)) for top in tops} - lists[""], part


@pytest.mark.parametrize(("module", "carrier"), BROUGHT_BY.items())
def test_what_a_declared_distribution_brings_it_brings_always(module: str, carrier: str) -> None:
    requirements = [line for line in metadata.requires(carrier) or [] if "extra ==" not in line]
    assert module in {normal(re.split(r"[ <>=!~;(\[]", line)[0]) for line in requirements}


def test_modules_belong_to_the_distributions_that_are_named_here() -> None:
    owners = metadata.packages_distributions()
    tops = {top for path in modules().values() for top in imported(path.read_text(encoding="utf-8"))}
    for top in tops & owners.keys():
        assert normal(DISTRIBUTIONS.get(top, top)) in map(normal, owners[top])


DESK = (
    "benchmarks", "benchmarks.scripts", "digitrec_edge.cli", "digitrec_edge.cli.export",
    "digitrec_edge.cli.export_options", "digitrec_edge.cli.learning", "digitrec_edge.cli.report",
    "digitrec_edge.cli.train", "digitrec_edge.export", "digitrec_edge.reissue", "digitrec_edge.report",
    "digitrec_edge.training",
)  # fmt: skip
"""Rooms and commands that no device runs, and packages whose parts are named one by one."""


def contracts() -> dict[str, tuple[str, ...]]:
    """Return which modules each rule of import-linter is about, by the first words of its name."""
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    return {" ".join(rule["name"].split()[:2]): tuple(rule.get("source_modules", ())) for rule in rules}


def test_the_rule_of_the_device_is_about_all_but_what_the_desk_alone_runs() -> None:
    rooms = {".".join(name.split(".")[: 3 if name.startswith("digitrec_edge.cli.") else 2]) for name in modules()}
    rooms = {name for name in rooms if name.split(".")[0] in ("digitrec_edge", "benchmarks")}
    rooms -= {"digitrec_edge", "digitrec_edge.__main__"}
    assert rooms - set(contracts()["the device"]) == set(DESK)


def test_the_page_of_the_architecture_names_the_base_as_its_rule_does() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.search(r"The base \((.*?)\)", page)
    assert named
    assert sorted(re.findall(r"`(\w+)`", named[1])) == sorted(
        name.removeprefix("digitrec_edge.") for name in contracts()["the base"]
    )
