"""digitrec_edge.report.data: only what belongs together is shown together, and the rest is named."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="report needs the extra 'report'")
pytest.importorskip("jinja2", reason="report needs the extra 'report'")

from digitrec_edge import artifact, mnist, pretrained
from digitrec_edge.artifact import golden
from digitrec_edge.artifact.golden import Golden
from digitrec_edge.errors import BenchmarkError
from digitrec_edge.report import ReportData, collect
from digitrec_edge.report.summary import summarise_model
from runtimes import load
from tests.report.conftest import CHANGED


def test_figures_of_files_that_are_no_longer_there_are_left_out_and_named(data: ReportData) -> None:
    assert any("digitrec-float32.tflite are left out" in note for note in data.notes)
    assert data.runs
    assert all(r.variant == "int8" for run in data.runs for r in run.results)


def test_probabilities_are_those_that_the_device_gives(data: ReportData, digits: Path) -> None:
    with load(pretrained.DEFAULT) as model:
        _, probabilities = model.predict(mnist.load("test", digits).images)
    assert model.temperature != 1
    assert data.reference
    np.testing.assert_allclose(data.predictions[0].probabilities, probabilities, rtol=1e-6)
    np.testing.assert_allclose(data.reference.probabilities[CHANGED:], probabilities[CHANGED:], rtol=1e-6)


def test_a_missing_model_is_noted(data: ReportData) -> None:
    assert (data.history, data.layers) == (None, ())
    assert any(note.startswith(f"no {data.folder / 'model.keras'}") for note in data.notes)


def test_a_folder_of_artifacts_alone_is_enough(tmp_path: Path, digits: Path) -> None:
    payload = artifact.read(pretrained.DEFAULT).payload
    (tmp_path / "foreign.tflite").write_bytes(payload.replace(b"digitrec_edge", b"another_model"))
    (tmp_path / "broken.tflite").write_bytes(b"no model at all")
    data = collect(tmp_path, data=digits)
    assert (data.reference, data.benchmark) == (None, None)
    assert [model.name for model in data.predictions] == ["foreign.tflite"]
    assert data.principal is data.predictions[0]
    assert data.artifacts[0].card is None
    assert any(note.startswith("broken.tflite could not be run") for note in data.notes)


def test_golden_logits_of_another_model_are_not_used(tmp_path: Path, digits: Path) -> None:
    shutil.copy(pretrained.DEFAULT, tmp_path)
    test = mnist.load("test", digits)
    golden.write(tmp_path / "golden.npz", Golden(np.zeros((len(test), 10), np.float32), "0" * 64, test.digest()))
    data = collect(tmp_path, data=digits)
    assert data.reference is None
    assert any("belongs to another Keras model" in note for note in data.notes)


def test_golden_logits_of_another_test_set_are_not_used(folder: Path) -> None:
    data = collect(folder)
    assert data.reference is None
    assert any("belongs to another test set" in note for note in data.notes)


def test_a_folder_without_artifacts_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=str(tmp_path)):
        collect(tmp_path)


def test_a_model_summary_is_read_without_keras(tmp_path: Path) -> None:
    config = {
        "config": {
            "layers": [
                {"class_name": "InputLayer", "config": {"name": "image", "batch_shape": [None, 28, 28]}},
                {"class_name": "Flatten", "config": {"name": "flatten"}},
                {"class_name": "Dense", "config": {"name": "hidden", "units": 256, "activation": "relu"}},
                {"class_name": "Magic", "config": {"name": "new"}},
            ]
        }
    }
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("config.json", json.dumps(config))
    layers = summarise_model(tmp_path / "model.keras")
    assert [layer.parameters for layer in layers] == [0, 0, 200_960, None]
    assert [layer.shape for layer in layers] == [(28, 28), (784,), (256,), None]
    (tmp_path / "other.keras").write_bytes(b"no zip")
    assert summarise_model(tmp_path / "other.keras") == ()
