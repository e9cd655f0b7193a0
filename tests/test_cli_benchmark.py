"""``digitrec-edge benchmark``: a table and a JSON; a pair that cannot run is a row that says why."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from digitrec_edge import mnist

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def measured(cli: Cli, artifacts: Path, tmp_path_factory: pytest.TempPathFactory) -> "tuple[list[str], dict]":  # type: ignore[type-arg]
    """A benchmark of two artifacts, one that was cut, and one that the runtime cannot run."""
    folder = tmp_path_factory.mktemp("benchmark")
    for name in ("digitrec-int8.tflite", "digitrec-float32.onnx", "golden.npz"):
        shutil.copy(artifacts / name, folder)
    (folder / "cut.tflite").write_bytes((artifacts / "digitrec-float32.tflite").read_bytes()[:-100])
    done = cli("benchmark", folder, "--runtime", "litert", "--runtime", "onnxruntime", "--json", folder / "b.json")
    assert "Traceback" not in done.stderr
    return done.stdout.splitlines(), json.loads((folder / "b.json").read_text())


def row_of(results: "dict", name: str, runtime: str) -> "dict":  # type: ignore[type-arg]
    (found,) = [
        row for row in results["rows"] if row["case"]["artifact"].endswith(name) and row["case"]["runtime"] == runtime
    ]
    return dict(found)


def test_the_table_has_a_row_for_every_pair(measured: "tuple[list[str], dict]") -> None:  # type: ignore[type-arg]
    table, results = measured
    rows = [line.split() for line in table if line.strip().startswith(("digitrec", "cut"))]
    assert [row[0] for row in rows] == [
        name for name in ("cut.tflite", "digitrec-float32.onnx", "digitrec-int8.tflite") for _ in range(2)
    ]
    assert len(results["rows"]) == 6
    heading = next(line for line in table if line.strip().startswith("artifact"))
    for column in ("runtime", "KB", "accuracy", "agreement", "logit diff", "p50 us", "p90 us", "p99 us", "load ms"):
        assert column in heading


def test_every_figure_asked_for_is_in_the_json(measured: "tuple[list[str], dict]") -> None:  # type: ignore[type-arg]
    results = measured[1]
    for name, runtime in (("digitrec-int8.tflite", "litert"), ("digitrec-float32.onnx", "onnxruntime")):
        found = row_of(results, name, runtime)["measured"]
        assert 0.95 < found["accuracy"] <= 1
        assert found["parity"]["images"] == 10_000
        assert found["parity"]["agreement"] >= 0.995
        assert found["parity"]["max_logit_difference"] > 0
        latency = found["latency"]
        assert latency["calls"] >= 1000
        assert 0 < latency["p50_us"] <= latency["p90_us"] <= latency["p99_us"]
        assert found["file_bytes"] > 100_000
        assert found["load_ms"] > 0
    environment = results["environment"]
    assert environment["cpu"]
    assert environment["os"]
    assert environment["python"]
    assert "numpy" in environment["versions"]


def test_a_pair_that_cannot_run_is_a_row_that_says_why(measured: "tuple[list[str], dict]") -> None:  # type: ignore[type-arg]
    table, results = measured
    for name, runtime, reason in (
        ("digitrec-int8.tflite", "onnxruntime", "onnxruntime does not run .tflite files"),
        ("digitrec-float32.onnx", "litert", "litert does not run .onnx files"),
        ("cut.tflite", "litert", "is damaged"),
    ):
        found = row_of(results, name, runtime)
        assert found["measured"] is None
        assert reason in found["reason"]
    text = " ".join(" ".join(table).split())
    assert "does not run .tflite files" in text


def test_the_title_names_the_environment(measured: "tuple[list[str], dict]") -> None:  # type: ignore[type-arg]
    table, results = measured
    assert results["environment"]["cpu"] in table[0]
    assert "1 thread(s)" in table[0]


def test_when_nothing_could_be_measured_the_work_failed(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.tflite").write_bytes(b"no model")
    done = cli("benchmark", tmp_path / "a.tflite", "--runtime", "litert", ok=False)
    assert done.returncode == 1
    assert "is not a model file" in " ".join(done.stdout.split())
    assert done.stderr == "digitrec-edge: no case could be measured; the table says why\n"


@pytest.mark.parametrize("place", [[], ["absent"], ["absent.tflite"]])
def test_without_artifacts_it_says_what_to_type(cli: Cli, tmp_path: Path, place: list[str]) -> None:
    done = cli("benchmark", *place, ok=False, cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "digitrec-edge export" in line


def test_a_json_that_cannot_be_written_is_one_line(cli: Cli, artifacts: Path, tmp_path: Path) -> None:
    done = cli("benchmark", artifacts / "digitrec-int8.tflite", "--runtime", "litert", "--json", tmp_path, ok=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "cannot write" in done.stderr


def test_own_digits_are_measured_and_golden_logits_of_mnist_are_not_compared_with_them(
    cli: Cli, artifacts: Path, tmp_path: Path
) -> None:
    test = mnist.load("test")
    wrong = ((test.labels[:50] + 1) % 10).astype(np.uint8)
    np.savez(tmp_path / "own.npz", x_test=test.images[:50], y_test=wrong, x_train=test.images[:1], y_train=wrong[:1])
    arguments = ["benchmark", artifacts / "digitrec-int8.tflite", "--runtime", "litert"]
    cli(*arguments, "--data", tmp_path / "own.npz", "--json", tmp_path / "b.json")
    (row,) = json.loads((tmp_path / "b.json").read_text())["rows"]
    assert row["measured"]["accuracy"] < 0.1
    assert row["measured"]["parity"] is None
    assert row["measured"]["parity_note"] == "golden.npz belongs to another test set"
