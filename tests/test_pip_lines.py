"""digitrec_edge.pip_lines: what a message tells to type installs, here and from the index."""

import ast
import re
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from digitrec_edge import pip_lines
from digitrec_edge.pip_lines import install, install_extra, requirements_of

ROOT = Path(__file__).parents[1]
LINES = [
    'ai-edge-litert>=2.0.2; python_version >= "3.12" and extra == "tflite"',
    'numpy<2; python_version < "3.12" and extra == "tflite"',
    'ai-edge-litert>=2.0.2; extra == "litert"',
    "numpy>=1.24",
]


@pytest.mark.parametrize(
    ("extra", "minor", "expected"),
    [
        ("tflite", 11, ["numpy<2"]),
        ("tflite", 12, ["ai-edge-litert>=2.0.2"]),
        ("litert", 11, ["ai-edge-litert>=2.0.2"]),
        ("litert", 14, ["ai-edge-litert>=2.0.2"]),
        ("onnx", 11, []),
    ],
)
def test_an_extra_stands_for_its_requirements_on_a_python(extra: str, minor: int, expected: list[str]) -> None:
    assert requirements_of(extra, LINES, minor) == expected


def test_every_requirement_of_an_extra_in_the_metadata_is_understood() -> None:
    lines = [line for line in metadata.requires("digitrec-edge") or [] if "extra ==" in line]
    found = [match for match in (re.fullmatch(pip_lines._REQUIREMENT, line) for line in lines) if match]
    assert len(found) == len(lines) > 20


def test_the_line_is_of_the_python_that_runs_and_can_be_typed() -> None:
    assert shlex.split(install("numpy<2", upgrade=True)) == [sys.executable, "-m", "pip", "install", "-U", "numpy<2"]


def test_an_installation_without_the_extra_names_the_checkout_or_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pip_lines, "_CHECKOUT", tmp_path)
    assert install_extra("new") == "install digitrec-edge again, with its extra new"
    (tmp_path / "pyproject.toml").touch()
    assert install_extra("new") == install("-e", f"{tmp_path}[new]")


@pytest.mark.checkout
def test_what_the_lines_name_is_on_the_index() -> None:
    """Dry: pip looks everything up, whatever is installed, and installs nothing."""
    extras = ("tflite", "litert", "onnx", "remote", "report", "sign")
    words = [word for extra in extras for word in shlex.split(install_extra(extra))[4:]]
    command = [*shlex.split(install(*words)), "--dry-run", "--no-deps", "--ignore-installed", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


def test_no_message_names_an_extra_in_words_of_its_own() -> None:
    """The package is on no index, so ``pip install digitrec-edge[...]`` cannot work anywhere."""
    for package in ("digitrec_edge", "runtimes", "converters", "benchmarks"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    assert not re.search(r"pip install ['\"-]", node.value), f"{path}: {node.value}"
