"""A case runs in a process of its own; whatever happens there is a row that says why."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.measure import isolation
from benchmarks.measure.cases import Case
from benchmarks.measure.isolation import ask, measure, measure_cold_start
from digitrec_edge import mnist
from digitrec_edge.errors import BenchmarkError
from digitrec_edge.pip_lines import install_extra

CASE = Case(artifact="a.tflite", runtime="litert")


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts other code in the place of what answers in the child."""

    def install(code: str) -> None:
        (tmp_path / "stub_of_isolation.py").write_text(code)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(isolation, "FUNCTION", "stub_of_isolation:answer")

    return install


def test_a_case_is_measured(artifacts: Path) -> None:
    path = artifacts / "digitrec-int8.tflite"
    row = measure(Case(str(path), "litert", golden=str(artifacts / "golden.npz")))
    assert row.reason == ""
    assert row.measured is not None
    assert row.measured.artifact == path.name
    assert row.measured.variant == "int8"
    assert row.measured.file_bytes == path.stat().st_size
    assert row.measured.accuracy > 0.95
    assert len(row.measured.class_accuracy) == 10
    assert row.measured.parity is not None
    assert row.measured.parity.images == 10_000
    assert row.measured.parity.agreement >= 0.995
    assert row.measured.parity_note == ""


def test_without_golden_logits_there_is_no_parity(artifacts: Path) -> None:
    row = measure(Case(str(artifacts / "digitrec-float32.onnx"), "onnxruntime"))
    assert row.measured is not None
    assert row.measured.parity is None
    assert row.measured.parity_note == "no golden.npz beside the artifact"


def test_golden_logits_of_another_model_are_not_compared_with(artifacts: Path, tmp_path: Path) -> None:
    from digitrec_edge.artifact import golden

    found = golden.read(artifacts / "golden.npz")
    notes = []
    for k, other in enumerate(
        (
            golden.Golden(found.logits, "0" * 64, found.test_sha256),
            golden.Golden(found.logits, found.source_sha256, "0" * 64),
        )
    ):
        golden.write(tmp_path / f"{k}.npz", other)
        row = measure(Case(str(artifacts / "digitrec-float32.onnx"), "onnxruntime", golden=str(tmp_path / f"{k}.npz")))
        assert row.measured is not None
        assert row.measured.parity is None
        notes.append(row.measured.parity_note)
    assert notes == ["golden.npz belongs to another Keras model", "golden.npz belongs to another test set"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"artifact": "absent.tflite"}, "no such file: absent.tflite"),
        ({"runtime": "onnxruntime"}, "onnxruntime does not run .tflite files"),
        ({"golden": "absent.npz"}, "no such file: absent.npz"),
        ({"data": "absent"}, "no such data set: absent"),
    ],
)
def test_a_case_that_cannot_run_says_why(artifacts: Path, change: dict[str, str], reason: str) -> None:
    row = measure(Case(**{"artifact": str(artifacts / "digitrec-int8.tflite"), "runtime": "litert", **change}))  # type: ignore[arg-type]
    assert row.measured is None
    assert reason in row.reason


def test_a_child_that_dies_is_a_row_that_says_of_what(stub: Callable[[str], None]) -> None:
    stub("import os\ndef answer(request): os.abort()")
    row = measure(CASE)
    assert row.measured is None
    assert row.reason == "the process died of SIGABRT"


def test_a_child_that_hangs_is_a_row(stub: Callable[[str], None]) -> None:
    stub("import time\ndef answer(request): time.sleep(600)")
    assert measure(CASE, timeout_s=1).reason == "no answer within 1 s"


@pytest.mark.parametrize("value", ["None", "{}", "5", "{'accuracy': 1}", "float('nan')"])
def test_an_answer_that_is_no_measurement_is_a_row(stub: Callable[[str], None], value: str) -> None:
    stub(f"def answer(request): return {value}")
    row = measure(CASE)
    assert row.measured is None
    assert row.reason.startswith("the process gave no readable answer")


def test_a_runtime_that_is_not_installed_is_a_row_that_names_the_extra(
    artifacts: Path, stub: Callable[[str], None]
) -> None:
    stub("import sys\nsys.modules['tflite_runtime'] = None\nfrom benchmarks.measure.tasks import answer")
    row = measure(Case(str(artifacts / "digitrec-int8.tflite"), "tflite-runtime"))
    assert row.reason == f"tflite-runtime is not installed: {install_extra('tflite')}"


def test_a_cold_start_is_timed_from_any_folder(
    artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(255 - mnist.load("test").images[0]).save(tmp_path / "digit.png")
    monkeypatch.chdir(artifacts)
    assert measure_cold_start(Case("digitrec-int8.tflite", "litert"), tmp_path / "digit.png") > 0


def test_a_cold_start_that_names_no_digit_is_none(artifacts: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="the process ended with 1"):
        measure_cold_start(Case(str(artifacts / "digitrec-int8.tflite"), "litert"), tmp_path / "absent.png")


def test_an_unknown_task_is_an_error() -> None:
    with pytest.raises(BenchmarkError, match="no task is called 'dance'"):
        ask({"task": "dance", "case": dataclasses.asdict(CASE)})
