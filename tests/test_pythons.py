"""The supported Pythons: one list in code, and every file of the project that cannot import it says the same."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from digitrec_edge.installation import pythons

ROOT = Path(__file__).parents[1]
OLDEST, NEWEST = pythons.OLDEST, pythons.NEWEST
ALL = [f"{OLDEST[0]}.{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1)]


def project() -> dict[str, "dict[str, object]"]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_versions_are_compared_by_their_first_two_parts() -> None:
    assert pythons.name_version((3, 11, 7)) == "3.11"
    assert pythons.supported((*OLDEST, 0))
    assert pythons.supported((*NEWEST, 99))
    assert not pythons.supported((OLDEST[0], OLDEST[1] - 1, 99))
    assert not pythons.supported((NEWEST[0], NEWEST[1] + 1, 0))


def test_this_python_is_supported_and_the_script_says_so() -> None:
    assert subprocess.run([sys.executable, pythons.__file__], check=False).returncode == 0


def test_a_python_that_is_not_supported_is_told_the_range() -> None:
    code = "import sys, runpy; sys.version_info = (3, 6, 0); runpy.run_path(sys.argv[1], run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code, pythons.__file__], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"Python {pythons.RANGE} is needed" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.checkout
def test_pyproject_says_the_same_in_each_place() -> None:
    facts, tools = project()["project"], project()["tool"]
    assert facts["requires-python"] == f">={ALL[0]},<{NEWEST[0]}.{NEWEST[1] + 1}"
    classifiers = [str(line).rpartition(" ")[2] for line in facts["classifiers"] if re.search(r":: 3\.\d", str(line))]  # type: ignore[attr-defined]
    assert classifiers == ALL
    assert tools["ruff"]["target-version"] == f"py{OLDEST[0]}{OLDEST[1]}"  # type: ignore[index]
    assert tools["mypy"]["python_version"] == ALL[0]  # type: ignore[index]


@pytest.mark.checkout
@pytest.mark.parametrize("name", ["README.md", "docs/devices.md", "constraints.txt"])
def test_documents_name_the_same_range(name: str) -> None:
    ranges = re.findall(r"Python (3\.\d+ to 3\.\d+)", (ROOT / name).read_text())
    assert ranges
    assert set(ranges) == {pythons.RANGE}


@pytest.mark.checkout
def test_make_tests_on_supported_pythons_and_the_newest_comes_last() -> None:
    for target in ("test-newest", "test-pythons"):
        plan = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True)
        (line,) = (line for line in plan.stdout.splitlines() if "other_python.py" in line)
        versions = re.findall(r"3\.\d+", line)
        assert versions == [version for version in ALL if version in versions]
        assert versions[-1] == ALL[-1]


@pytest.mark.checkout
def test_make_asks_the_same_list() -> None:
    assert "$(PYTHON) digitrec_edge/installation/pythons.py" in (ROOT / "Makefile").read_text()
