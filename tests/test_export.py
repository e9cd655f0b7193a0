"""Export: an artifact is written only when the real runtime says that nothing was lost."""

import dataclasses
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from converters import Source, open_source
from digitrec_edge import artifact
from digitrec_edge import export as module
from digitrec_edge.artifact import golden
from digitrec_edge.errors import ConversionError, NotInstalledError, OutputError, ParityError, RuntimeUnavailableError
from digitrec_edge.export import Exported, Refused, export
from digitrec_edge.files import locked
from digitrec_edge.variants import INT8, VARIANTS, Variant
from runtimes import RuntimeRow

pytestmark = pytest.mark.desktop
BY_OPTION = {variant.option: variant for variant in VARIANTS}


@pytest.fixture(scope="module")
def source(trained: Path) -> Source:
    return open_source(trained / "model.keras", None, 500, 0)


@pytest.fixture
def folder(artifacts: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(artifacts, tmp_path / "artifacts"))


@pytest.fixture
def recorded(artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[bytes], bytes]], None]:
    """Replaces the converter by one that gives the payload of the exported artifact, changed."""

    def install(change: Callable[[bytes], bytes]) -> None:
        def convert(source: Source, variant: Variant, target: RuntimeRow) -> bytes:
            name = f"{variant.stem}{target.suffix}.{variant.format}"
            return change(artifact.read(artifacts / name).payload)

        monkeypatch.setattr(module, "convert", convert)

    return install


def spoilt(payload: bytes) -> bytes:
    """Weights negated in the middle of the largest matrix, as a wrong converter might."""
    changed = bytearray(payload)
    middle = len(changed) // 2
    start = middle - middle % 4
    part = np.frombuffer(bytes(changed[start : start + 60_000]), np.uint8)
    changed[start : start + 60_000] = part[::-1].tobytes()
    return bytes(changed)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("option", ["float32", "int8", "int8-dynamic", "onnx", "ort-int8"])
def test_lost_parity_refuses_and_leaves_the_old_files_untouched(
    source: Source, folder: Path, recorded: Callable[[Callable[[bytes], bytes]], None], option: str
) -> None:
    recorded(spoilt)
    before = content(folder)
    (result,) = export(dataclasses.replace(source, sha256="f" * 64), [BY_OPTION[option]], folder)
    assert isinstance(result, Refused)
    assert isinstance(result.error, ParityError)
    assert "parity" in str(result.error)
    assert content(folder) == before


def test_a_gate_that_cannot_be_met_refuses_a_good_artifact_too(
    source: Source,
    folder: Path,
    recorded: Callable[[Callable[[bytes], bytes]], None],
) -> None:
    recorded(lambda payload: payload)
    tight = dataclasses.replace(INT8, gate=dataclasses.replace(INT8.gate, max_logit_difference=0.0))
    (result,) = export(source, [dataclasses.replace(BY_OPTION["int8"], precision=tight)], folder)
    assert isinstance(result, Refused)
    assert "logit difference" in str(result.error)


def test_a_child_that_dies_is_no_parity(
    source: Source,
    folder: Path,
    recorded: Callable[[Callable[[bytes], bytes]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorded(lambda payload: payload)
    monkeypatch.setattr("benchmarks.measure.logits.FUNCTION", "os:abort")
    before = content(folder)
    (result,) = export(source, [BY_OPTION["int8"]], folder)
    assert isinstance(result, Refused)
    assert "the process" in str(result.error)
    assert content(folder) == before


def test_what_is_good_is_written_beside_what_is_refused(
    source: Source, tmp_path: Path, recorded: Callable[[Callable[[bytes], bytes]], None]
) -> None:
    recorded(lambda payload: spoilt(payload) if payload[4:8] == b"TFL3" else payload)
    seen: list[Exported | Refused] = []
    results = export(source, [BY_OPTION["float32"], BY_OPTION["onnx"]], tmp_path, on_result=seen.append)
    assert [type(result) for result in results] == [Refused, Exported]
    assert seen == results
    report = "digitrec-float32.onnx.parity.json"
    assert sorted(content(tmp_path)) == ["digitrec-float32.onnx", report, golden.FILE_NAME]


def test_an_export_of_the_same_model_gives_the_same_files(
    source: Source, folder: Path, tmp_path: Path, recorded: Callable[[Callable[[bytes], bytes]], None]
) -> None:
    recorded(lambda payload: payload)
    (result,) = export(source, [BY_OPTION["int8"]], tmp_path / "again")
    assert isinstance(result, Exported)
    assert result.report.runtime.startswith("litert")
    assert result.file_bytes == result.path.stat().st_size
    for name in ("digitrec-int8.tflite", "digitrec-int8.tflite.parity.json", golden.FILE_NAME):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_what_the_target_cannot_run_is_refused_though_it_was_converted(
    source: Source, artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A converter that forgets the target: the operators of what it wrote are checked."""
    payload = artifact.read(artifacts / "digitrec-int8-dynamic.tflite").payload
    monkeypatch.setattr(module, "convert", lambda *arguments: payload)
    (result,) = export(source, [BY_OPTION["int8-dynamic"]], tmp_path, target="tflite-runtime")
    assert isinstance(result, Refused)
    assert str(result.error) == (
        "--int8-dynamic needs FULLY_CONNECTED 12 (tflite-runtime 2.14.0 has 10 at the most); choose another --target"
    )
    assert content(tmp_path) == {}


def test_what_a_converter_wrote_and_nobody_can_read_is_refused(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "convert", lambda *arguments: b"\x1c\0\0\0TFL3 and no more")
    (result,) = export(source, [BY_OPTION["int8"]], tmp_path)
    assert isinstance(result, Refused)
    assert "--int8: the converter wrote what cannot be read" in str(result.error)
    assert "\n" not in str(result.error)


def test_a_target_that_does_not_run_the_format_fails_before_anything_is_converted(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> bytes:
        raise AssertionError("something was converted")

    monkeypatch.setattr(module, "convert", fail)
    with pytest.raises(ConversionError, match=r"^--onnx: litert does not run \.onnx files; onnxruntime does$"):
        export(source, [BY_OPTION["int8"], BY_OPTION["onnx"]], tmp_path / "new", target="litert")
    assert not (tmp_path / "new").exists()


def test_an_artifact_of_a_target_is_tried_in_that_runtime(
    source: Source, old_artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "digitrec-float32-tflite-runtime.tflite"
    payload = artifact.read(old_artifacts / name).payload
    monkeypatch.setattr(module, "convert", lambda *arguments: payload)
    (result,) = export(source, [BY_OPTION["float32"]], tmp_path, target="tflite-runtime")
    assert isinstance(result, Exported)
    assert result.path == tmp_path / name
    assert result.report.runtime == "tflite-runtime 2.14.0"
    assert result.path.read_bytes() == (old_artifacts / name).read_bytes()


@pytest.mark.parametrize("option", ["float32", "onnx"])
def test_a_missing_runtime_fails_before_anything_is_converted(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    def fail(*arguments: object) -> bytes:
        raise AssertionError("something was converted")

    for name in ("ai_edge_litert", "tflite_runtime", "onnxruntime"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(module, "convert", fail)
    with pytest.raises(NotInstalledError, match=r"-m pip install '"):
        export(source, [BY_OPTION[option]], tmp_path / "new")
    assert issubclass(NotInstalledError, RuntimeUnavailableError)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made_is_one_line(source: Source, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        export(source, [BY_OPTION["int8"]], tmp_path / "file")


def test_two_exports_into_one_folder_do_not_mix_and_a_killed_one_leaves_no_scratch(
    source: Source, folder: Path, recorded: Callable[[Callable[[bytes], bytes]], None]
) -> None:
    recorded(lambda payload: payload)
    before = content(folder)
    with locked(folder, "exporting into"), pytest.raises(OutputError, match="another process is exporting into"):
        export(source, [BY_OPTION["int8"]], folder)
    assert content(folder) == before
    (folder / ".export-killed").mkdir()
    (result,) = export(source, [BY_OPTION["int8"]], folder)
    assert isinstance(result, Exported)
    assert not (folder / ".export-killed").exists()


def test_probabilities_that_were_not_seen_to_be_some_are_refused(trained: Path, tmp_path: Path) -> None:
    import keras

    image = keras.Input((28, 28))
    within = keras.Sequential([keras.models.load_model(trained / "model.keras"), keras.layers.Softmax()])
    keras.Model(image, within(image)).save(tmp_path / "wrapped.keras")
    with pytest.raises(ConversionError, match="gives probabilities and not logits: --model-output probabilities"):
        export(open_source(tmp_path / "wrapped.keras", None, 100, 0), [BY_OPTION["int8"]], tmp_path / "artifacts")
