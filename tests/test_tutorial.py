"""docs/tutorial.ipynb runs from top to bottom, and shows what it says."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[1] / "docs" / "tutorial.ipynb"

EXECUTE = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""

STARTUP = """
import dataclasses
from benchmarks import EFFORTS
EFFORTS["quick"] = dataclasses.replace(
    EFFORTS["quick"], rounds=1, warmup_calls=10, warmup_ms=0, calls=300, measure_ms=0, cold_starts=1
)
"""
"""One round of measuring, for the figures do not matter here; IPython runs it before the first cell."""

pytestmark = [pytest.mark.desktop, pytest.mark.checkout, pytest.mark.long]


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> "list[dict[str, Any]]":
    """The cells after a run with a short training."""
    folder = tmp_path_factory.mktemp("tutorial")
    output = folder / "executed.ipynb"
    startup = folder / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "brief.py").write_text(STARTUP)
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, str(NOTEBOOK), str(output)],
        env={**os.environ, "DIGITREC_TUTORIAL_EPOCHS": "1", "IPYTHONDIR": str(folder)},
        cwd=folder, capture_output=True, text=True, timeout=1200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return list(json.loads(output.read_text())["cells"])


def shown(cells: "list[dict[str, Any]]", kind: str) -> list[str]:
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    if kind == "text":
        return ["".join(output["text"]) for output in outputs if output["output_type"] == "stream"]
    return ["".join(output["data"][kind]) for output in outputs if kind in output.get("data", {})]


def test_every_code_cell_ran_without_error(executed: "list[dict[str, Any]]") -> None:
    code = [cell for cell in executed if cell["cell_type"] == "code"]
    assert len(code) >= 15
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert not [output for cell in code for output in cell["outputs"] if output["output_type"] == "error"]


def test_it_trains_exports_and_measures(executed: "list[dict[str, Any]]") -> None:
    text = "\n".join(shown(executed, "text"))
    assert "epoch 1: loss" in text
    for name in ("digitrec-float32.tflite", "digitrec-int8.tflite", "digitrec-float32.onnx", "digitrec-int8.onnx"):
        assert f"{name} " in text
    assert text.splitlines()[-1].startswith(("deploy", "uncertain", "no verdict"))


def test_it_draws_curves_samples_mistakes_sizes_and_speed(executed: "list[dict[str, Any]]") -> None:
    pictures = shown(executed, "image/svg+xml")
    assert len(pictures) >= 9
    every = " ".join(pictures)
    for words in ("Accuracy, % by epoch", "Loss by epoch", "Confusion matrix", "mistakes", "Size by layer", "Latency"):
        assert words in every


def test_the_lesson_explains_its_words() -> None:
    text = " ".join("".join(cell["source"]) for cell in json.loads(NOTEBOOK.read_text())["cells"])
    for word in ("neuron", "*loss*", "*epoch*", "*Quantisation*", "*calibration*", "*Agreement*", "*overfitting*"):
        assert word in text


def test_the_outputs_that_it_ships_with_are_of_a_whole_run() -> None:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in code)
    assert "/tmp/" not in "\n".join(shown(cells, "text"))
