"""Targets: which runtime an artifact can be made for, and what stands in the way."""

import pytest

from digitrec_edge.errors import ConversionError
from digitrec_edge.formats import FORMATS
from runtimes import RUNTIMES, support
from runtimes.targets import TARGETS, target_for


@pytest.mark.parametrize(
    ("format_name", "target"), [("tflite", "litert"), ("onnx", "onnxruntime"), ("ort", "onnxruntime")]
)
def test_without_a_name_it_is_the_newest_runtime_of_the_format(format_name: str, target: str) -> None:
    assert target_for(format_name).name == target
    assert target_for(format_name) == target_for(format_name, target)


def test_every_format_has_a_target_and_every_runtime_is_one() -> None:
    assert {name for row in TARGETS for name in row.formats} == {row.name for row in FORMATS}
    assert {(row.name, row.formats) for row in TARGETS} == {(row.name, row.formats) for row in RUNTIMES}


def test_names_and_files_of_two_targets_do_not_meet() -> None:
    assert len({row.name for row in TARGETS}) == len(TARGETS)
    for format_name in (row.name for row in FORMATS):
        suffixes = [row.suffix for row in TARGETS if format_name in row.formats]
        assert len(set(suffixes)) == len(suffixes)
        assert target_for(format_name).suffix == ""


def test_an_unknown_target_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConversionError) as raised:
        target_for("tflite", "tensorrt")
    assert str(raised.value) == ("no target is called 'tensorrt'; choose from litert, tflite-runtime, onnxruntime")


@pytest.mark.parametrize(
    ("format_name", "target", "able"),
    [
        ("onnx", "litert", "onnxruntime does"),
        ("ort", "tflite-runtime", "onnxruntime does"),
        ("tflite", "onnxruntime", "litert or tflite-runtime does"),
    ],
)
def test_a_target_that_does_not_run_the_format_names_one_that_does(format_name: str, target: str, able: str) -> None:
    with pytest.raises(ConversionError) as raised:
        target_for(format_name, target)
    assert str(raised.value) == f"{target} does not run .{format_name} files; {able}"


def test_per_channel_dense_is_only_for_targets_whose_release_has_its_version() -> None:
    for row in TARGETS:
        if "tflite" in row.formats:
            assert row.per_channel_dense == (not support.lacks(row.name, row.release, "FULLY_CONNECTED", 12))
