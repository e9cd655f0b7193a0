"""``digitrec-edge verify``: good artifacts pass with exit 0, bad ones fail with 1 and say which images differ."""

import dataclasses
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitrec_edge import artifact, files, pretrained
from digitrec_edge.artifact import container, sample
from digitrec_edge.cli import terminal
from digitrec_edge.cli.verify import verify
from digitrec_edge.formats import SAMPLE_FILE
from runtimes import RUNTIMES

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


def spoilt(path: Path, target: Path) -> Path:
    """Write an artifact anew with a run of weights in the middle reversed: card and hash fit."""
    found = artifact.read(path)
    assert found.card is not None
    changed = bytearray(found.payload)
    middle = len(changed) // 8 * 4
    part = np.frombuffer(bytes(changed[middle : middle + 40_000]), np.uint8)
    changed[middle : middle + 40_000] = part[::-1].tobytes()
    artifact.write(target, bytes(changed), found.card, found.files[SAMPLE_FILE])
    return target


@pytest.mark.parametrize(
    ("name", "runtime"),
    [("digitrec-int8.tflite", "auto"), ("digitrec-float32.onnx", "onnxruntime"), ("digitrec-int8.ort", "auto")],
)
def test_a_good_artifact_passes(cli: Cli, artifacts: Path, name: str, runtime: str) -> None:
    done = cli("verify", artifacts / name, "--runtime", runtime)
    first, second = done.stdout.splitlines()
    assert first == f"{artifacts / name}: whole; not signed"
    assert re.fullmatch(
        r"self-test on (litert|onnxruntime) [\d.]+: 32 of 32 images as at export; largest logit difference [\de.+-]+ "
        r"\(at most [\de.+-]+\); agreement with Keras \d+\.\d%",
        second,
    )
    assert done.stderr == ""


def test_the_pretrained_artifact_passes(cli: Cli) -> None:
    assert "32 of 32 images" in cli("verify", pretrained.DEFAULT).stdout


@pytest.mark.skipif(
    not any(row.name == "tflite-runtime" and row.installed for row in RUNTIMES), reason="needs tflite-runtime"
)
def test_it_runs_in_the_runtime_that_is_asked_for(cli: Cli, artifacts: Path) -> None:
    assert (
        "self-test on tflite-runtime 2."
        in cli("verify", artifacts / "digitrec-int8.tflite", "--runtime", "tflite-runtime").stdout
    )


@pytest.mark.parametrize("name", ["digitrec-int8.tflite", "digitrec-float32.onnx"])
def test_a_changed_model_under_hashes_that_fit_fails_with_1_and_names_the_images(
    cli: Cli, artifacts: Path, tmp_path: Path, name: str
) -> None:
    path = spoilt(artifacts / name, tmp_path / name)
    done = cli("verify", path, ok=False)
    assert done.returncode == 1
    first, second, *images = done.stdout.splitlines()
    assert first == f"{path}: whole; not signed"
    (good,) = re.findall(r": (\d+) of 32 images as at export", second)
    assert len(images) == 32 - int(good) > 0
    known = sample.unpack(artifact.read(path).files[SAMPLE_FILE], 10).indices.tolist()
    for line in images:
        found = re.fullmatch(r"  test image (\d+), a \d: \d here, \d at export, logit difference ([\de.+-]+|nan)", line)
        assert found, line
        assert int(found[1]) in known
    assert done.stderr == ""


def test_the_file_is_read_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What was tested is what was loaded, even if the file changes meanwhile."""
    reads: list[Path] = []

    def read_file(path: Path, **options: Any) -> bytes:
        reads.append(path)
        return files.read_file(path, **options)

    monkeypatch.setenv(terminal.DEBUG_VARIABLE, "1")
    monkeypatch.setattr(container, "read_file", read_file)
    verify(pretrained.DEFAULT, "auto", as_json=True)
    assert json.loads(capsys.readouterr().out)["passed"] is True
    assert reads == [pretrained.DEFAULT]


def test_json_is_one_object(cli: Cli, artifacts: Path, tmp_path: Path) -> None:
    good = json.loads(cli("verify", artifacts / "digitrec-int8.tflite", "--json").stdout)
    assert good["passed"] is True
    assert (good["images"], good["differing"]) == (32, [])
    assert good["largest_difference"] <= good["tolerance"]
    done = cli("verify", spoilt(artifacts / "digitrec-int8.tflite", tmp_path / "a.tflite"), "--json", ok=False)
    assert done.returncode == 1
    bad = json.loads(done.stdout)
    assert bad["passed"] is False
    assert set(bad["differing"][0]) == {"index", "label", "expected_digit", "digit", "largest_difference"}


def test_a_flipped_bit_is_one_line_and_status_1(cli: Cli, artifacts: Path, tmp_path: Path) -> None:
    data = bytearray((artifacts / "digitrec-int8.tflite").read_bytes())
    data[100_000] ^= 1
    (tmp_path / "a.tflite").write_bytes(data)
    done = cli("verify", tmp_path / "a.tflite", ok=False)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"digitrec-edge: {tmp_path / 'a.tflite'} is damaged, or was changed by another tool")


def test_a_foreign_file_and_one_without_a_sample_cannot_be_verified(cli: Cli, artifacts: Path, tmp_path: Path) -> None:
    found = artifact.read(artifacts / "digitrec-int8.tflite")
    assert found.card is not None
    (tmp_path / "foreign.tflite").write_bytes(found.payload.replace(b"digitrec_edge", b"somebody_else"))
    artifact.write(tmp_path / "bare.tflite", found.payload, dataclasses.replace(found.card, name="bare"))
    for name in ("foreign.tflite", "bare.tflite"):
        done = cli("verify", tmp_path / name, ok=False)
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert line == (
            f"digitrec-edge: {tmp_path / name} carries no sample to test with; files that digitrec-edge exported do"
        )


def test_an_unknown_runtime_is_wrong_usage(cli: Cli, artifacts: Path) -> None:
    done = cli("verify", artifacts / "digitrec-int8.tflite", "--runtime", "tensorrt", ok=False)
    assert done.returncode == 2
    assert "tensorrt" in done.stderr
