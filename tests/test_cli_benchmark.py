"""``digitrec-edge benchmark``, as a user runs it."""

import csv
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.harness import why_unsupported
from benchmarks.measure.cases import Case
from benchmarks.measure.latency import EFFORTS
from benchmarks.request import BenchmarkRequest, measure_request
from benchmarks.results import document
from benchmarks.results.document import Result, Run
from benchmarks.results.tables import missing_lines
from digitrec_edge import mnist, pretrained
from digitrec_edge.cli.benchmark import check_run
from digitrec_edge.errors import BenchmarkError, NotInstalledError
from runtimes.table import find
from tests.interruptions import session_of
from tests.test_child import wait_for

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(pretrained.DEFAULT, tmp_path / "digitrec-int8.tflite")
    return tmp_path


def test_json_csv_and_markdown_are_written_and_the_verdict_is_the_last_line(cli: Cli, folder: Path) -> None:
    import jsonschema  # three seconds, which not every run of tests needs

    files = {kind: folder / f"out.{kind}" for kind in ("json", "csv", "markdown")}
    options = [word for kind, path in files.items() for word in (f"--{kind}", path)]
    done = cli("benchmark", folder, "--quick", "--runtime", "litert", "--device", "my board", *options, brief=True)
    raw = json.loads(files["json"].read_text())
    jsonschema.Draft202012Validator(json.loads(cli("benchmark", "--schema").stdout)).validate(raw)
    assert raw["runs"][0]["device"] == "my board"
    assert raw["runs"][0]["effort"]["name"] == "quick"
    with files["csv"].open() as stream:
        (row,) = csv.DictReader(stream)
    assert float(row["end_to_end_p50_us"]) > float(row["invoke_p50_us"]) > 0
    assert "my board" in files["markdown"].read_text()
    last = done.stdout.splitlines()[-1]
    assert last.startswith(("deploy digitrec-int8.tflite", "no verdict", "uncertain"))
    assert "digitrec-int8.tflite" in done.stdout


@pytest.mark.parametrize("option", [["--extra", "litert"], ["--keep"], ["--clean"]])
def test_what_is_for_devices_wants_one(cli: Cli, folder: Path, option: list[str]) -> None:
    done = cli("benchmark", folder, *option, ok=False)
    assert done.returncode == 2
    assert "name it: --host" in done.stderr


def test_threads_and_batches_make_a_grid(cli: Cli, folder: Path) -> None:
    out = folder / "out.json"
    grid = ("--threads", "1,2", "--batch", "1,3")
    cli("benchmark", folder, "--quick", "--runtime", "litert", *grid, "--json", out, brief=True)
    results = json.loads(out.read_text())["runs"][0]["results"]
    assert [(r["threads"], r["batch"]) for r in results] == [(1, 1), (1, 3), (2, 1), (2, 3)]


def test_a_runtime_of_other_files_has_nothing_to_measure(cli: Cli, folder: Path) -> None:
    done = cli("benchmark", folder, "--quick", "--runtime", "onnxruntime", ok=False)
    assert done.returncode == 1
    assert "nothing to measure: onnxruntime runs .onnx and .ort files" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_case_that_fails_is_a_row_with_its_reason_and_fails_a_strict_benchmark(cli: Cli, folder: Path) -> None:
    (folder / "damaged.tflite").write_bytes((folder / "digitrec-int8.tflite").read_bytes()[:-100])
    arguments = ("benchmark", folder, "--quick", "--runtime", "litert", "--json", folder / "out.json")
    done = cli(*arguments, brief=True)
    assert "FAILED: damaged.tflite on litert: " in done.stdout
    (run,) = document.read(folder / "out.json").runs
    failed = next(one for one in run.results if one.status == "failed")
    good = dataclasses.replace(next(one for one in run.results if one.end_to_end), status="ok", unreliable=())
    unsupported = dataclasses.replace(failed, status="unsupported")
    strict = dataclasses.replace(run, effort=EFFORTS["strict"], results=(good, unsupported))
    check_run(strict)
    invalid = dataclasses.replace(good, status="invalid", unreliable=("end_to_end",))
    noisy = dataclasses.replace(good, unreliable=("invoke",))
    for bad, word in ((failed, "FAILED"), (invalid, "INVALID"), (noisy, "INVALID invoke")):
        with pytest.raises(BenchmarkError, match=rf"1 of 2 cases cannot be relied on: .* on litert \({word}\)"):
            check_run(dataclasses.replace(strict, results=(good, bad)))
        check_run(dataclasses.replace(run, results=(good, bad)))


def test_what_a_runtime_lacks_is_told_below_the_table_and_is_no_row(cli: Cli, artifacts: Path, tmp_path: Path) -> None:
    shutil.copy(artifacts / "digitrec-int4.tflite", tmp_path)
    done = cli("benchmark", tmp_path, "--quick", "--json", tmp_path / "out.json", brief=True)
    results = document.read(tmp_path / "out.json").runs[0].results
    statuses = {(one.artifact, one.runtime): one.status for one in results}
    assert statuses["digitrec-int4.tflite", "tflite-runtime"] == "unsupported"
    assert "FAILED" not in done.stdout
    assert "\nleft out: " in done.stdout


def test_a_runtime_that_is_not_installed_is_one_line_or_an_error_when_it_was_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch, make_run: Callable[..., Run], make_result: Callable[..., Result]
) -> None:
    absent = find("tflite-runtime").presence
    monkeypatch.setattr(type(absent), "version", lambda self: None if self == absent else "9.0")
    assert why_unsupported(Case(str(folder / "digitrec-int8.tflite"), "tflite-runtime")) == (
        "tflite-runtime is not installed"
    )
    with pytest.raises(NotInstalledError, match="tflite-runtime is not installed"):
        measure_request(BenchmarkRequest((str(folder),), ("tflite-runtime",)))
    missing = [
        make_result(name, "tflite-runtime", status="unsupported", reasons=("tflite-runtime is not installed",))
        for name in ("int8", "float32")
    ]
    assert missing_lines(make_run(make_result(), *missing)) == [
        "left out: tflite-runtime is not installed; digitrec-edge doctor says how to install it"
    ]


def test_without_artifacts_of_ones_own_the_pretrained_ones_are_measured(cli: Cli, tmp_path: Path) -> None:
    done = cli("benchmark", "--quick", "--runtime", "litert", cwd=tmp_path, brief=True)
    assert "digitrec-int8.tflite" in done.stdout
    assert "no build/artifacts: measuring the pretrained digitrec-int8.tflite" in done.stderr


@pytest.mark.parametrize(
    "options",
    [("--threads", "0"), ("--threads", "1,x"), ("--threads", ""), ("--batch", "-1"), ("--batch", "1.5"),
     ("--quick", "--strict"), ("--threads", "257"), ("--threads", "9" * 5000), ("--runtime", "tensorrt")],
)  # fmt: skip
def test_wrong_usage(options: tuple[str, ...], cli: Cli, folder: Path) -> None:
    done = cli("benchmark", folder, *options, ok=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--variant", "int4"), "no artifact of variant 'int4'; there are int8"),
    ],
)
def test_what_does_not_exist_is_one_line(options: tuple[str, ...], words: str, cli: Cli, folder: Path) -> None:
    done = cli("benchmark", folder, *options, ok=False)
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_keeps_what_is_finished(folder: Path) -> None:
    out = folder / "out.json"
    command = [sys.executable, "-m", "digitrec_edge", "benchmark", str(folder), "--strict", "--runtime", "litert"]
    environment = {**os.environ, "DIGITREC_PROGRESS": "lines"}
    with subprocess.Popen(
        [*command, "--json", str(out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stderr
        assert any("round 2/" in line for line in process.stderr)
        os.killpg(process.pid, signal.SIGINT)
        stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    assert "the rounds that were finished are kept" in stderr
    assert "Traceback" not in stderr
    run = json.loads(out.read_text())["runs"][0]
    assert run["interrupted"] is True
    assert "interrupted" in stdout


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and PR_SET_PDEATHSIG")
@pytest.mark.parametrize("later_s", [0.0, 2.0])
def test_a_killed_benchmark_leaves_no_process(folder: Path, later_s: float) -> None:
    command = [sys.executable, "-m", "digitrec_edge", "benchmark", str(folder), "--strict", "--runtime", "litert"]
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(command, start_new_session=True, stdout=nowhere, stderr=nowhere) as process:
        assert wait_for(lambda: len(session_of(process.pid)) > 1), "no child was started"
        time.sleep(later_s)
        process.kill()
    assert wait_for(lambda: not session_of(process.pid), 30), "a child outlives the benchmark"


def test_a_file_that_cannot_be_written_is_told_before_the_work(cli: Cli, folder: Path) -> None:
    done = cli("benchmark", folder, "--csv", folder, ok=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "cannot write" in done.stderr


@pytest.mark.parametrize("place", [["absent"], ["absent.tflite"]])
def test_without_artifacts_it_says_what_to_type(cli: Cli, tmp_path: Path, place: list[str]) -> None:
    done = cli("benchmark", *place, ok=False, cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "digitrec-edge export" in line


def test_own_digits_are_measured_and_golden_logits_of_mnist_are_not_compared_with_them(
    cli: Cli, artifacts: Path, tmp_path: Path
) -> None:
    test = mnist.load("test")
    wrong = ((test.labels[:50] + 1) % 10).astype(np.uint8)
    np.savez(tmp_path / "own.npz", x_test=test.images[:50], y_test=wrong, x_train=test.images[:1], y_train=wrong[:1])
    arguments = ["benchmark", artifacts / "digitrec-int8.tflite", "--runtime", "litert", "--quick"]
    cli(*arguments, "--data", tmp_path / "own.npz", "--json", tmp_path / "b.json", brief=True)
    (result,) = json.loads((tmp_path / "b.json").read_text())["runs"][0]["results"]
    assert result["quality"]["accuracy"] < 0.1
    assert result["quality"]["agreement"] is None
    assert result["quality"]["note"] == "golden.npz belongs to another test set"
