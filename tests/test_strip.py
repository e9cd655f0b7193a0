"""A model that another tool has changed is told from a damaged one, and can be had without its card."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from digitrec_edge import artifact, mnist
from digitrec_edge.artifact.container import STRIPPED
from digitrec_edge.errors import ArtifactError, ChangedError, DamagedError
from digitrec_edge.formats import MARK
from runtimes import load

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
NAMES = ["digitrec-int8.tflite", "digitrec-int8.onnx", "digitrec-int8.ort"]
IMAGE = mnist.load("test").images[0]


def test_the_new_mark_moves_nothing() -> None:
    assert len(STRIPPED) == len(MARK)


@pytest.mark.parametrize("name", NAMES)
def test_a_stripped_artifact_is_a_foreign_model_with_the_same_answers(
    name: str, artifacts: Path, tmp_path: Path, cli: Cli
) -> None:
    done = cli("strip", artifacts / name, "--output", tmp_path / name)
    found = artifact.read(tmp_path / name)
    assert found.card is None
    assert MARK not in found.data
    assert done.stdout.startswith(f"{tmp_path / name}  {len(found.data):,} bytes")
    with load(tmp_path / name) as stripped, load(artifacts / name) as whole:
        assert np.array_equal(stripped.logits(IMAGE), whole.logits(IMAGE))


@pytest.mark.parametrize("name", NAMES[:2])  # nothing in an ORT file but what is attached says that it is ours
def test_what_another_tool_wrote_is_refused_with_the_way_out_and_runs_unsealed(
    name: str, artifacts: Path, tmp_path: Path, cli: Cli
) -> None:
    path = tmp_path / name
    path.write_bytes(artifact.read(artifacts / name).payload)  # its seal and card are gone
    with pytest.raises(ChangedError, match=f"no longer vouched for: its seal is gone; .*digitrec-edge strip {path}"):
        load(path)
    with load(path, sealed=False) as model, load(artifacts / name) as whole:
        assert model.card is None
        assert np.array_equal(model.logits(IMAGE), whole.logits(IMAGE))
    cli("strip", path, cwd=tmp_path)
    stripped = path.with_name(f"{path.stem}-stripped{path.suffix}")
    assert artifact.read(stripped).card is None


def test_a_flipped_weight_may_be_either_and_a_broken_structure_is_damage(artifacts: Path, tmp_path: Path) -> None:
    whole = (artifacts / NAMES[0]).read_bytes()
    flipped, broken = bytearray(whole), bytearray(whole)
    flipped[100_000] ^= 1
    broken[:4] = b"\xff\xff\xff\x7f"
    path = tmp_path / "a.tflite"
    path.write_bytes(flipped)
    with pytest.raises(ChangedError, match="is damaged, or was changed by another tool, .*sha256 does not fit"):
        artifact.read(path)
    path.write_bytes(broken)
    with pytest.raises(DamagedError, match="is damaged: its sha256 does not fit") as raised:
        artifact.read(path)
    assert not isinstance(raised.value, ChangedError)
    with pytest.raises(ArtifactError, match="is not a valid tflite model"):
        artifact.read(path, sealed=False)


@pytest.mark.parametrize("place", [-3000, -92])
def test_a_card_that_cannot_be_cut_off_is_told(artifacts: Path, tmp_path: Path, cli: Cli, place: int) -> None:
    data = bytearray((artifacts / NAMES[0]).read_bytes())
    data[place] ^= 1  # in a file of the archive, or in its end
    (tmp_path / "a.tflite").write_bytes(data)
    done = cli("strip", "a.tflite", cwd=tmp_path, ok=False)
    assert done.returncode == 1
    assert "a.tflite is damaged: its card and sample cannot be cut off" in done.stderr
    assert os.listdir(tmp_path) == ["a.tflite"]


def test_a_model_that_takes_an_artifact_s_place_takes_its_signature_away(
    artifacts: Path, tmp_path: Path, cli: Cli
) -> None:
    for name in ("a.tflite", "b.tflite"):
        shutil.copy(artifacts / NAMES[0], tmp_path / name)
    (tmp_path / "b.tflite.sig").touch()
    cli("strip", "a.tflite", "--output", "b.tflite", cwd=tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["a.tflite", "b.tflite"]


def test_nothing_is_written_of_what_is_no_model(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "a.onnx").write_bytes(os.urandom(1000))
    done = cli("strip", "a.onnx", cwd=tmp_path, ok=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == ["a.onnx"]


@pytest.mark.desktop
def test_onnx_save_and_dynamic_quantisation_are_changes(artifacts: Path, tmp_path: Path) -> None:
    import onnx
    from onnxruntime.quantization import quantize_dynamic

    model = onnx.load(artifacts / "digitrec-float32.onnx")
    model.producer_name = "another tool"
    onnx.save(model, tmp_path / "saved.onnx")
    quantize_dynamic(artifacts / "digitrec-float32.onnx", tmp_path / "dynamic.onnx")
    for name in ("saved.onnx", "dynamic.onnx"):
        with pytest.raises(ChangedError, match="changed by another tool.* no longer vouched for"):
            artifact.read(tmp_path / name)
        with load(tmp_path / name, sealed=False) as changed:
            assert changed.classify(IMAGE) == 7
