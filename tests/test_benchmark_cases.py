"""The cases of a benchmark: every artifact in every runtime that may run it, or those asked for."""

import os
from pathlib import Path

import pytest

from benchmarks.measure.cases import find_artifacts, plan
from digitrec_edge.errors import BenchmarkError, InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.tflite", "a.onnx", "golden.npz", "notes.txt", ".hidden.tflite", "c.zip"):
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def test_a_folder_gives_its_artifacts_sorted_and_nothing_else(folder: Path) -> None:
    assert find_artifacts([folder]) == [folder / "a.onnx", folder / "b.tflite"]


def test_files_come_in_the_order_given(folder: Path) -> None:
    assert find_artifacts([folder / "b.tflite", folder]) == [folder / "b.tflite", folder / "a.onnx"]


def test_two_files_of_one_name_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "b.tflite").touch()
    with pytest.raises(BenchmarkError, match=r"b\.tflite and .*other/b\.tflite have one name, .*: rename one"):
        find_artifacts([folder, tmp_path / "other"])


def test_a_folder_without_artifacts_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="no artifacts in .*; make some with: digitrec-edge export"):
        find_artifacts([tmp_path])


def test_a_path_that_is_not_there_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="no such file or folder: .*digitrec-edge export"):
        find_artifacts([tmp_path / "absent"])


def test_a_name_that_results_cannot_hold_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.tflite")
    path.touch()
    with pytest.raises(BenchmarkError, match=r"^caf\\xe9\.tflite cannot be measured: .* not UTF-8; rename it"):
        find_artifacts([path])


def test_each_artifact_meets_each_runtime_for_its_format(folder: Path) -> None:
    cases = plan([folder], [], threads=[3], data=Path("own.npz"))
    assert [(Path(case.artifact).name, case.runtime) for case in cases] == [
        ("a.onnx", "onnxruntime"),
        ("b.tflite", "litert"),
        ("b.tflite", "tflite-runtime"),
        ("b.tflite", "native"),
    ]
    assert {case.threads for case in cases} == {3}
    assert {case.data for case in cases} == {"own.npz"}
    assert {case.golden for case in cases} == {str(folder / "golden.npz")}


def test_a_runtime_that_is_asked_for_gets_the_files_of_its_formats(folder: Path) -> None:
    cases = plan([folder], ["onnxruntime"])
    assert [(Path(case.artifact).name, case.runtime) for case in cases] == [("a.onnx", "onnxruntime")]
    assert {case.data for case in cases} == {None}


def test_when_no_runtime_asked_for_takes_any_file_it_says_what_they_take(folder: Path) -> None:
    with pytest.raises(
        BenchmarkError, match=r"nothing to measure: onnxruntime runs .onnx and .ort files; there is b.t"
    ):
        plan([folder / "b.tflite"], ["onnxruntime"])


def test_without_golden_logits_beside_it_a_case_has_none(folder: Path) -> None:
    (folder / "golden.npz").unlink()
    assert {case.golden for case in plan([folder], [])} == {None}


def test_an_unknown_runtime_is_refused_with_those_there_are(folder: Path) -> None:
    with pytest.raises(InputError, match="no runtime is called 'tpu'; choose from litert, tflite-runtime, onnx"):
        plan([folder], ["tpu"])


def test_a_file_of_no_known_kind_is_a_case_that_will_say_why(folder: Path) -> None:
    assert plan([folder / "notes.txt"], [])
