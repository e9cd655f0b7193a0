"""A case runs in a process of its own; whatever happens there is a row that says why."""

import dataclasses
import os
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.measure import isolation
from benchmarks.measure.cases import Case
from benchmarks.measure.isolation import ask, measure, measure_cold_start
from digitrec_edge import mnist
from digitrec_edge.errors import BenchmarkError

CASE = Case(artifact="a.tflite", runtime="litert")


def in_child(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(isolation, "CHILD", code)


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


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGABRT"])
def test_a_child_that_dies_of_a_signal_is_a_row_that_names_it(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    in_child(monkeypatch, f"import os, signal; os.kill(os.getpid(), signal.{name})")
    row = measure(CASE)
    assert row.measured is None
    assert row.reason == f"the process died of {name}"


def test_a_signal_without_a_name_is_a_row_too(monkeypatch: pytest.MonkeyPatch) -> None:
    in_child(monkeypatch, "import os, signal; os.kill(os.getpid(), signal.SIGRTMIN + 3)")
    assert measure(CASE).reason.startswith("the process died of signal ")


def test_a_child_that_hangs_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    in_child(monkeypatch, "import time; time.sleep(60)")
    assert measure(CASE, timeout_s=1).reason == "no answer within 1 s"


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "hello",
        "5",
        "null",
        "[]",
        "{}",
        '{"answer": null}',
        '{"answer": {}}',
        '{"answer": {"accuracy": 1}}',
        '{"error": "half an ans',
    ],
)
def test_a_child_that_prints_rubbish_is_a_row(monkeypatch: pytest.MonkeyPatch, printed: str) -> None:
    in_child(monkeypatch, f"print({printed!r})")
    row = measure(CASE)
    assert row.measured is None
    assert row.reason.startswith("the process gave no readable answer")


def test_a_child_that_prints_bytes_that_are_no_text_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    in_child(monkeypatch, "import sys; sys.stdout.buffer.write(bytes(range(256)))")
    assert measure(CASE).reason.startswith("the process gave no readable answer")


def test_a_child_that_fails_is_a_row_with_its_last_line(monkeypatch: pytest.MonkeyPatch) -> None:
    in_child(monkeypatch, "raise RuntimeError('out of luck')")
    assert measure(CASE).reason == "the process ended with 1: RuntimeError: out of luck"
    in_child(monkeypatch, "import os; os._exit(3)")
    assert measure(CASE).reason == "the process ended with 3: no message"


def test_an_answer_of_nothing_at_all_is_not_taken_for_a_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    in_child(monkeypatch, """print('{"answer": null}')""")
    row = measure(CASE)
    assert row.measured is None
    assert row.reason


def test_what_a_runtime_prints_does_not_spoil_the_answer(artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_child(
        monkeypatch,
        "import sys, os; sys.path[:] = filter(None, sys.path)\n"
        "import benchmarks.measure.child as child\n"
        "old = child.measure_quality\n"
        "def run(case):\n    os.write(1, b'INFO: native words'); print('words'); return old(case)\n"
        "child.measure_quality = run\nchild.main()",
    )
    row = measure(Case(str(artifacts / "digitrec-int8.tflite"), "litert"))
    assert row.reason == ""
    assert row.measured is not None


def test_packages_of_the_same_names_in_the_working_directory_are_not_ours(
    artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("benchmarks", "runtimes", "json"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('not ours')")
    monkeypatch.chdir(tmp_path)
    row = measure(Case(str(artifacts / "digitrec-int8.tflite"), "litert"))
    assert row.reason == ""
    assert os.listdir(tmp_path / "benchmarks") == ["__init__.py"]


def test_a_runtime_that_is_not_installed_is_a_row_that_names_the_extra(
    artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_child(monkeypatch, isolation.CHILD.replace("; from", "; sys.modules['tflite_runtime'] = None; from"))
    row = measure(Case(str(artifacts / "digitrec-int8.tflite"), "tflite-runtime"))
    assert row.reason == "tflite-runtime is not installed: pip install 'digitrec-edge[tflite]'"


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
