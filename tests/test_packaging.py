"""Packaging: what the wheel holds, whose packages are imported, and what lies at the top of the repository."""

import importlib
import re
import subprocess
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import digitrec_edge
from digitrec_edge.files import sha256

ROOT = Path(__file__).parents[1]
PACKAGES = ("digitrec_edge", "converters", "runtimes", "benchmarks")
ALLOWED_TOP_LEVEL = {
    "digitrec_edge", "converters", "runtimes", "benchmarks", "tests", "pyproject.toml", "README.md", "Makefile",
    "constraints.txt", "LICENSE", "CHANGELOG.md", ".ci", ".gitignore", "docs", "mkdocs.yml", "CONTRIBUTING.md",
    "SECURITY.md", ".pre-commit-config.yaml",
}  # fmt: skip


def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def wheel(wheel_file: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(wheel_file)


@pytest.mark.checkout
def test_the_wheel_holds_the_four_packages_and_no_tests(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    info = f"digitrec_edge-{digitrec_edge.__version__}.dist-info"
    assert tops == {*PACKAGES, info}
    modules = [name for name in wheel.namelist() if name.endswith(".py")]
    assert not [name for name in modules if "test" in Path(name).stem.split("_")]


@pytest.mark.checkout
def test_the_wheel_holds_every_module(wheel: zipfile.ZipFile) -> None:
    modules = {name for name in tracked() if name.split("/")[0] in PACKAGES and name.endswith(".py")}
    modules = {name for name in modules if not name.startswith("benchmarks/scripts/")}  # run from a checkout
    assert modules == {name for name in wheel.namelist() if name.endswith(".py")}


@pytest.mark.checkout
def test_the_wheel_says_that_its_packages_have_types(wheel: zipfile.ZipFile) -> None:
    assert {f"{name}/py.typed" for name in PACKAGES} <= {*wheel.namelist()}


@pytest.mark.checkout
def test_the_wheel_holds_mnist_and_the_pretrained_artifacts_unchanged(wheel: zipfile.ZipFile) -> None:
    data = [name for name in tracked() if name.startswith("digitrec_edge/data/")]
    assert len([name for name in data if name.endswith("-ubyte.gz")]) == 4
    assert "digitrec_edge/data/pretrained/digitrec-int8.tflite" in data
    for name in data:
        assert sha256(wheel.read(name)) == sha256((ROOT / name).read_bytes())


@pytest.mark.checkout
def test_the_wheel_holds_all_that_exported_code_is_made_of(wheel: zipfile.ZipFile) -> None:
    assert {name for name in tracked() if name.startswith("digitrec_edge/dense/")} <= {*wheel.namelist()}


@pytest.mark.checkout
def test_the_wheel_runs_anywhere_and_has_the_command(wheel: zipfile.ZipFile) -> None:
    assert Path(wheel.filename or "").name.endswith("-py3-none-any.whl")
    (entry,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert "digitrec-edge = digitrec_edge.__main__:main" in wheel.read(entry).decode()


@pytest.mark.checkout
def test_the_wheel_names_no_place_that_does_not_exist(wheel: zipfile.ZipFile) -> None:
    (entry,) = [name for name in wheel.namelist() if name.endswith("METADATA")]
    header = wheel.read(entry).decode().partition("\n\n")[0]
    assert not re.search(r"^(Home-page|Project-URL|Download-URL):", header, re.MULTILINE)
    assert "Classifier: Typing :: Typed" in header


@pytest.mark.checkout
def test_the_version_is_written_once() -> None:
    """The wheel, ``--version`` and this site follow the code; the README's wheel is compared here."""
    assert not re.search(r"^version *= *[\"']", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    wheels = re.findall(r"digitrec_edge-([\w.]+)-py3", (ROOT / "README.md").read_text())
    assert {*wheels} == {digitrec_edge.__version__}


@pytest.mark.checkout
def test_the_base_needs_numpy_pillow_and_typer_only(wheel: zipfile.ZipFile) -> None:
    (entry,) = [name for name in wheel.namelist() if name.endswith("METADATA")]
    text = wheel.read(entry).decode()
    requires = re.findall(r"^Requires-Dist: (.*)$", text, re.MULTILINE)
    base = {re.split(r"[ <>=;\[]", line)[0].lower() for line in requires if "extra ==" not in line}
    assert base == {"numpy", "pillow", "typer"}
    extras = set(re.findall(r"^Provides-Extra: (.*)$", text, re.MULTILINE))
    assert extras >= {"tflite", "litert", "onnx", "convert", "all", "docs", "dev"}
    tflite = [line.replace('"', "'") for line in requires if re.search(r"extra == .tflite", line)]
    assert any(line.startswith("numpy<2") and "python_version < '3.12'" in line for line in tflite)
    assert any(line.startswith("tflite-runtime") and "python_version < '3.12'" in line for line in tflite)
    assert any(line.startswith("ai-edge-litert") and "python_version >= '3.12'" in line for line in tflite)


@pytest.mark.parametrize("name", PACKAGES)
def test_each_package_that_is_imported_is_ours(name: str) -> None:
    """``benchmarks`` and ``runtimes`` are common names: another distribution could put its own in our place."""
    found = Path(importlib.import_module(name).__file__ or "").resolve()
    ours = Path(digitrec_edge.__file__).resolve().parents[1]
    assert found == ours / name / "__init__.py"
    assert ours == ROOT or ours.name == "site-packages"


def test_the_installed_version_is_that_of_the_code() -> None:
    assert metadata.version("digitrec-edge") == digitrec_edge.__version__


@pytest.mark.checkout
def test_constraints_are_plain_pins_and_name_no_host() -> None:
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            assert re.fullmatch(r"[A-Za-z0-9._-]+==[^\s;/@]+(; python_version [<>=]+ '3\.\d+')?", line), line
    assert "://" not in (ROOT / "constraints.txt").read_text()


@pytest.mark.checkout
def test_everything_that_is_installed_is_pinned() -> None:
    pinned = {
        re.sub(r"[-_.]+", "-", line.split("==")[0]).lower()
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    installed = {re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower() for found in metadata.distributions()}
    assert installed - pinned - {"digitrec-edge", "pip"} == set()


@pytest.mark.checkout
def test_the_top_level_is_exactly_what_it_should_be() -> None:
    tops = {name.split("/")[0] for name in tracked()}
    assert tops <= ALLOWED_TOP_LEVEL
    assert {*PACKAGES, "tests", "pyproject.toml", "README.md"} <= tops


@pytest.mark.checkout
def test_no_file_names_a_registry_host_or_a_place_of_ours() -> None:
    pattern = re.compile(r"pypi\.org|-index-url[ =]|/(?:home|root)/")
    for name in tracked():
        if Path(name).suffix in (".py", ".md", ".toml", ".txt", "") and not name.startswith("tests/"):
            assert not pattern.search((ROOT / name).read_text(errors="replace")), name
