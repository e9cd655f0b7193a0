"""The public Python API: docs/api.md states its names, tests/public_api.txt holds their signatures."""

import difflib
import importlib.util
from pathlib import Path

import public_api as api
import pytest

pytestmark = pytest.mark.checkout


def test_the_page_states_the_four_packages() -> None:
    assert api.public_names().keys() >= {"digitrec_edge", "runtimes", "benchmarks", "converters"}


def test_names_and_signatures_are_those_on_record() -> None:
    difference = list(
        difflib.unified_diff(api.RECORD.read_text().splitlines(), api.signatures(), "record", "code", n=0)
    )
    advice = "if this is meant: python docs/site/public_api.py, and a line in CHANGELOG.md"
    assert not difference, "\n".join([*difference, advice])


def test_no_public_name_is_hidden_by_a_module_of_that_name() -> None:
    for name, members in api.public_names().items():
        module = importlib.import_module(name)
        for member in members if hasattr(module, "__path__") else ():
            assert importlib.util.find_spec(f"{name}.{member}") is None, f"{name}.{member}"


@pytest.mark.parametrize(
    "changed",
    [
        "def load(path: str, threads: int = 2) -> int: ...",
        "def load(path: str, threads: float = 1) -> int: ...",
        "def load(path: str, *, threads: int = 1) -> int: ...",
        "def load(path: str, threads: int = 1) -> str: ...",
    ],
)
def test_a_changed_signature_is_another_line(changed: str, tmp_path: Path) -> None:
    described = []
    for number, source in enumerate(("def load(path: str, threads: int = 1) -> int: ...", changed)):
        path = tmp_path / f"made_up_{number}.py"
        path.write_text(source)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert api.offered(module) == ["load"]
        described.append(list(api.describe("made_up.load", module.load)))
    assert described[0] == ["made_up.load(path: str, threads: int=1) -> int"]
    assert described[0] != described[1]
