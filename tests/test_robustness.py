"""The changed test sets are what their rules say, the floor bites, and the pretrained artifact holds the goals."""

import dataclasses
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.quality.corruptions import CORRUPTIONS
from benchmarks.quality.robustness import (
    TEST_SETS,
    Robustness,
    SetResult,
    add_noise,
    check_floor,
    measure_robustness,
    rotate,
    shift,
    thicken,
)
from digitrec_edge import mnist, pretrained
from digitrec_edge.cli import robustness as command
from digitrec_edge.errors import BenchmarkError
from runtimes import load
from runtimes.table import find

GOALS = {
    "clean": 0.994, "shifted": 0.989, "rotated": 0.987, "noisy": 0.99, "faded": 0.99, "grey-backed": 0.99,
    "thickened": 0.989,
}  # fmt: skip


@pytest.fixture(scope="module")
def images() -> NDArray[np.uint8]:
    return mnist.load("test").images[:200]


def test_a_shift_moves_and_fills_with_paper(images: NDArray[np.uint8]) -> None:
    moved = shift(images, 2, -1)
    assert np.array_equal(moved[:, 2:, :-1], images[:, :-2, 1:])
    assert not moved[:, :2].any()
    assert not moved[:, :, -1].any()
    assert np.array_equal(shift(images, 0, 0), images)


def test_a_turn_by_90_degrees_is_exact_and_clockwise(images: NDArray[np.uint8]) -> None:
    assert np.array_equal(rotate(images, 0), images)
    assert np.array_equal(rotate(images, 90), np.rot90(images, -1, axes=(1, 2)))


def test_noise_is_the_same_for_the_same_seed() -> None:
    grey = np.full((100, 28, 28), 128, np.uint8)
    noisy = add_noise(grey, 0.2, 0)
    assert np.array_equal(noisy, add_noise(grey, 0.2, 0))
    assert not np.array_equal(noisy, add_noise(grey, 0.2, 1))
    assert noisy.std() / 255 == pytest.approx(0.2, abs=0.01)


def test_thickening_is_a_cross() -> None:
    dot = np.zeros((1, 28, 28), np.uint8)
    dot[0, 10, 12] = 200
    (thick,) = thicken(dot)
    assert {(int(r), int(c)) for r, c in np.argwhere(thick)} == {(10, 12), (9, 12), (11, 12), (10, 11), (10, 13)}
    corner = np.zeros((1, 28, 28), np.uint8)
    corner[0, 0, 0] = 9
    assert thicken(corner).sum() == 27


def test_every_set_keeps_shape_and_type_and_all_but_the_clean_one_differ(images: NDArray[np.uint8]) -> None:
    for test_set in TEST_SETS:
        for changed in test_set.make(images):
            assert changed.shape == images.shape
            assert changed.dtype == np.uint8
            assert np.array_equal(changed, images) == (test_set.name == "clean")
    assert len(list(next(s for s in TEST_SETS if s.name == "shifted").make(images))) == 8


def measured(**accuracies: float) -> Robustness:
    return Robustness("a", "r", tuple(SetResult(name, 10, a) for name, a in accuracies.items()), 0.0, 1.0)


def test_the_floor_names_what_is_below_it() -> None:
    check_floor(measured(clean=0.99, noisy=0.95), 0.95)
    with pytest.raises(BenchmarkError, match=r"a is below 96\.00%: noisy 95\.00%$"):
        check_floor(measured(clean=0.99, noisy=0.95), 0.96)
    with pytest.raises(BenchmarkError, match="noisy"):
        check_floor(measured(clean=0.99, noisy=float("nan")), 0.5)
    with pytest.raises(BenchmarkError, match="nothing was measured"):
        check_floor(measured(), 0.5)


@pytest.mark.parametrize("name", ["digitrec-int8.tflite", "digitrec-float32.tflite", "digitrec-int8.onnx"])
def test_the_pretrained_artifacts_hold_the_goals(name: str) -> None:
    with load(pretrained.FOLDER / name) as model:
        found = measure_robustness(model, mnist.load("test"))
    assert {r.name for r in found.results} == set(GOALS)
    low = {r.name: r.accuracy for r in found.results if r.accuracy < GOALS[r.name]}
    assert not low
    assert found.calibration_error < 0.01
    assert found.temperature != 1


def test_the_command_prints_a_table_and_writes_json(
    cli: "Callable[..., subprocess.CompletedProcess[str]]", tmp_path: Path
) -> None:
    digits = mnist.load("test")
    data = tmp_path / "few.npz"
    arrays = {"x": digits.images[:300], "y": digits.labels[:300]}
    np.savez(data, **{f"{key}_{part}": value for key, value in arrays.items() for part in ("train", "test")})
    done = cli("robustness", "--data", data, "--json", tmp_path / "r.json", "--min-accuracy", 0.9)
    for test_set in TEST_SETS:
        assert test_set.name in done.stdout
    written = json.loads((tmp_path / "r.json").read_text())
    found, floats = written["robustness"]
    assert (found["artifact"], floats["artifact"]) == ("digitrec-int8", "digitrec-float32")
    assert [r["name"] for r in found["results"]] == [s.name for s in TEST_SETS]
    assert found.keys() == {f.name for f in dataclasses.fields(Robustness)}
    for corruption in CORRUPTIONS:
        assert corruption.rule in done.stdout
    assert done.stdout.count("as float32") == 1  # of the int8 artifact
    corrupted, _ = written["corruptions"]
    assert (corrupted["reference"], corrupted["images"]) == ("digitrec-float32", 300)
    assert [r["name"] for r in corrupted["results"]] == [c.name for c in CORRUPTIONS]
    assert corrupted["worst"]["accuracy"] == min(r["accuracy"] for r in corrupted["results"])


def test_the_command_takes_a_test_set_of_one_image(
    cli: "Callable[..., subprocess.CompletedProcess[str]]", tmp_path: Path
) -> None:
    digits = mnist.load("test")
    arrays = {"x": digits.images[:1], "y": digits.labels[:1]}
    np.savez(
        tmp_path / "one.npz", **{f"{key}_{part}": value for key, value in arrays.items() for part in ("train", "test")}
    )
    done = cli("robustness", "pretrained", "--data", tmp_path / "one.npz")
    assert "halves of test digits" in done.stdout
    assert "two test digits at once" not in done.stdout


def test_a_file_that_cannot_be_written_is_told_before_the_work(
    cli: "Callable[..., subprocess.CompletedProcess[str]]", tmp_path: Path
) -> None:
    done = cli("robustness", pretrained.DEFAULT, "--json", tmp_path, ok=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot write" in done.stderr


@pytest.mark.parametrize(
    ("option", "reason"),
    [("--min-accuracy", "is below 100.00%"), ("--min-corrupted", "of corrupted images, below 100.00%")],
)
def test_the_command_fails_below_either_floor(
    cli: "Callable[..., subprocess.CompletedProcess[str]]", tmp_path: Path, option: str, reason: str
) -> None:
    digits = mnist.load("test")
    parts = {"x": digits.images[:300], "y": digits.labels[:300]}
    np.savez(tmp_path / "few.npz", **{f"{key}_{part}": parts[key] for key in parts for part in ("train", "test")})
    refused = cli("robustness", pretrained.DEFAULT, "--data", tmp_path / "few.npz", option, 1, ok=False)
    assert refused.returncode == 1
    assert "canny edges" in refused.stdout
    assert "as float32" not in refused.stdout  # it was not measured
    assert reason in refused.stderr


@pytest.mark.parametrize(
    ("runtime", "name"), [("native", "digitrec-int8.tflite"), ("onnxruntime", "digitrec-int8.onnx")]
)
def test_a_runtime_that_does_not_run_float32_is_given_int8_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], runtime: str, name: str
) -> None:
    assert [path.name for path in command._at_hand(runtime)] == [name]
    assert f"no runtime here runs digitrec-float32.tflite: measuring {name} alone" in capsys.readouterr().err
    monkeypatch.setattr("runtimes.loading.RUNTIMES", [find("native")])  # as on a Pi without any extra
    assert command._at_hand("auto") == [pretrained.DEFAULT]
