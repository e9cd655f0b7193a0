"""Files that older versions wrote stay readable for ever; tests/data has one of each, and none is ever made anew."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.results import document
from digitrec_edge import artifact, mnist
from digitrec_edge.errors import BenchmarkError
from digitrec_edge.verification.inspection import inspect
from digitrec_edge.verification.selftest import self_test
from runtimes import load

DATA = Path(__file__).parent / "data"
ARTIFACTS = sorted(DATA.glob("card-*.*"))
FIRST_VERSION = {"c": 2, "html": 2, "java": 2}
"""Of the cards in a format, where it came after the first."""


def test_there_is_one_of_each_format_and_version() -> None:
    from digitrec_edge.artifact.card import CARD_VERSION
    from digitrec_edge.formats import FORMATS

    expected = {
        f"card-{version}{row.suffix}"
        for row in FORMATS
        for version in range(FIRST_VERSION.get(row.name, 1), CARD_VERSION + 1)
    }
    assert {path.name for path in ARTIFACTS} == expected
    assert {path.name for path in DATA.glob("benchmark-*.json")} == {
        f"benchmark-{version}.json" for version in range(1, document.RESULTS_VERSION + 1)
    }


@pytest.mark.parametrize("path", ARTIFACTS, ids=lambda path: path.name)
def test_an_artifact_is_read_inspected_verified_and_run(path: Path) -> None:
    found = artifact.read(path)
    assert found.card is not None
    assert found.card.variant == "int8"
    assert inspect(found).card == found.card
    digits = mnist.load("test")
    with load(path) as model:
        assert self_test(found, model).passed
        read = model.predict(digits.images[:500]).digits
    assert (read == digits.labels[:500]).mean() > 0.95


@pytest.mark.parametrize("path", sorted(DATA.glob("benchmark-*.json")), ids=lambda path: path.name)
def test_benchmark_results_are_read_and_compared(path: Path, cli: Callable[..., Any]) -> None:
    found = document.read(path)
    assert found.runs[0].device == "a board"
    assert found.runs[0].results[0].end_to_end is not None
    assert "digitrec-int8.tflite on litert" in cli("compare", path, path).stdout


def test_results_of_a_newer_version_are_refused_by_name(tmp_path: Path) -> None:
    raw = json.loads((DATA / "benchmark-1.json").read_text())
    newer = tmp_path / "newer.json"
    newer.write_text(json.dumps({**raw, "version": 99, "generator": "digitrec-edge 9.1", "more": 1}))
    with pytest.raises(BenchmarkError, match=r"newer\.json was made by a newer digitrec-edge \(9\.1; .*\): update"):
        document.read(newer)


def test_results_of_an_unknown_runtime_are_a_row_and_no_error(tmp_path: Path, cli: Callable[..., Any]) -> None:
    found = document.read(DATA / "benchmark-1.json")
    (run,) = found.runs
    (result,) = run.results
    strange = dataclasses.replace(result, runtime="abacus", variant="int2", format="beads")
    path = tmp_path / "strange.json"
    path.write_bytes(document.document(dataclasses.replace(run, results=(strange,))).to_json())
    assert "digitrec-int8.tflite on abacus" in cli("compare", path, path).stdout
