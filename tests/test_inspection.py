"""Inspection: what a model file says of itself, and which runtime can run it, without running anything."""

import sys
from pathlib import Path

import pytest

from digitrec_edge import artifact
from digitrec_edge.files import sha256
from digitrec_edge.formats import MARK
from digitrec_edge.formats.graph import Graph
from digitrec_edge.verification.inspection import answer as ask
from digitrec_edge.verification.inspection import inspect
from digitrec_edge.verification.layers import layer_sizes
from runtimes import RUNTIMES, RuntimeRow
from runtimes.elsewhere import TARGETS
from runtimes.table import IndexPackage

SUFFIXES = (".tflite", ".onnx", ".ort")
LITERT, TFLITE_RUNTIME, ONNX, NATIVE = RUNTIMES


def needing(*needs: tuple[str, int]) -> Graph:
    return Graph((), (), (), (), needs)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Versions that runtimes seem to have; one that is not in it is not installed."""
    versions: dict[str, str] = {}
    monkeypatch.setattr(IndexPackage, "version", lambda row: versions.get(row.distribution))
    return versions


def test_every_artifact_is_described_whole(artifacts: Path, old_artifacts: Path) -> None:
    for folder in (artifacts, old_artifacts):
        for path in sorted(p for p in folder.iterdir() if p.suffix in SUFFIXES):
            found = artifact.read(path)
            result = inspect(found)
            assert (result.path, result.format) == (str(path), path.suffix[1:])
            assert (result.file_bytes, result.payload_bytes) == (path.stat().st_size, len(found.payload))
            assert result.file_sha256 == sha256(path.read_bytes())
            assert result.payload_sha256 == sha256(found.payload)
            assert result.card == found.card
            assert (result.tensors, result.operators) == (found.graph.tensors, found.graph.operators)
            assert (result.inputs, result.outputs, result.needs) == (
                found.graph.inputs, found.graph.outputs, found.graph.needs,
            )  # fmt: skip
            assert [row.runtime for row in result.runtimes] == [row.name for row in TARGETS]


def test_layers_and_the_rest_add_up_to_the_file(artifacts: Path) -> None:
    for path in sorted(p for p in artifacts.iterdir() if p.suffix in SUFFIXES):
        result = inspect(artifact.read(path))
        assert sum(layer.stored_bytes for layer in result.layers) + result.rest_bytes == path.stat().st_size
        assert result.layers == layer_sizes(artifact.read(path).graph)


def test_a_foreign_file_is_described_without_a_card(artifacts: Path, tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        ours = artifact.read(artifacts / f"digitrec-int8{suffix}")
        path = tmp_path / f"foreign{suffix}"
        path.write_bytes(ours.payload.replace(MARK, b"somebody_else"))
        result = inspect(artifact.read(path))
        assert result.card is None
        assert len(result.tensors) == len(ours.graph.tensors)
        assert result.needs == ours.graph.needs
        assert result.file_sha256 == result.payload_sha256


def test_an_installed_runtime_that_has_all_says_yes_with_both_versions(installed: dict[str, str]) -> None:
    installed["ai-edge-litert"] = "2.3.0"
    found = ask(LITERT, "tflite", needing(("FULLY_CONNECTED", 14)))
    assert (found.runtime, found.runs, found.installed, found.oldest) == ("litert", True, "2.3.0", "2.1.6")
    assert found.why == "2.3.0 is installed; 2.1.6 and later run it"


def test_an_installed_runtime_that_is_too_old_says_no_and_what_it_lacks(installed: dict[str, str]) -> None:
    installed["ai-edge-litert"] = "2.0.2"
    found = ask(LITERT, "tflite", needing(("FULLY_CONNECTED", 14)))
    assert (found.runs, found.installed, found.oldest) == (False, "2.0.2", "2.1.6")
    assert found.why == "needs FULLY_CONNECTED 14 (litert 2.0.2 has 13 at the most)"


def test_a_runtime_that_is_not_installed_is_asked_as_its_newest_release(installed: dict[str, str]) -> None:
    found = ask(TFLITE_RUNTIME, "tflite", needing(("FULLY_CONNECTED", 10)))
    assert (found.runs, found.installed, found.oldest) == (True, None, "2.14.0")
    assert found.why == "not installed; 2.14.0 and later run it"
    never = ask(TFLITE_RUNTIME, "tflite", needing(("FULLY_CONNECTED", 12)))
    assert (never.runs, never.installed, never.oldest) == (False, None, None)
    assert never.why == "needs FULLY_CONNECTED 12 (tflite-runtime 2.14.0 has 10 at the most)"


@pytest.mark.parametrize(
    ("row", "format_name", "why"),
    [(ONNX, "tflite", "runs .onnx and .ort files"), (LITERT, "onnx", "runs .tflite and .html files")],
    ids=["onnxruntime", "litert"],
)
def test_a_runtime_of_another_format_says_what_it_runs(
    installed: dict[str, str], row: RuntimeRow, format_name: str, why: str
) -> None:
    found = ask(row, format_name, needing())
    assert (found.runs, found.oldest, found.why) == (False, None, why)


def test_it_imports_no_runtime(artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: RuntimeRow) -> object:
        raise AssertionError("a runtime was imported")

    monkeypatch.setattr(RuntimeRow, "load", fail)
    for row in RUNTIMES:
        name = row.presence.package if isinstance(row.presence, IndexPackage) else row.module
        monkeypatch.setitem(sys.modules, name, None)
    result = inspect(artifact.read(artifacts / "digitrec-int8.tflite"))
    assert result.operators
