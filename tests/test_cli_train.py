"""``digitrec-edge train``: what it prints and writes, and what Ctrl-C leaves."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from digitrec_edge import mnist
from digitrec_edge.files import sha256

pytestmark = pytest.mark.desktop
Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def own_digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "own.npz"
    train, test = mnist.load("train"), mnist.load("test")
    np.savez(
        path,
        x_train=train.images[:1000],
        y_train=train.labels[:1000],
        x_test=test.images[:200],
        y_test=test.labels[:200],
    )
    return path


def test_it_prints_summary_and_epochs_and_writes_model_and_history(cli: Cli, own_digits: Path, tmp_path: Path) -> None:
    path = tmp_path / "new" / "model.keras"
    options = ["--recipe", "reference", "--epochs", 2, "--validation-split", 0.2, "--seed", 5]
    done = cli("train", *options, "--data", own_digits, "--output", path)
    assert "251,658" in done.stdout
    epochs = [line for line in done.stdout.splitlines() if line.startswith("epoch ")]
    assert len(epochs) == 2
    assert all("validation accuracy" in line and "loss" in line for line in epochs)
    assert done.stderr == ""
    history = json.loads((tmp_path / "new" / "model.history.json").read_text())
    assert history["model_sha256"] == sha256(path.read_bytes())
    assert (history["seed"], history["eval_set"], history["eval_images"]) == (5, "validation", 200)
    assert (history["train_images"], history["parameters"], history["interrupted"]) == (800, 251_658, False)
    assert history["recipe"]["validation_split"] == 0.2
    assert [epoch["epoch"] for epoch in history["epochs"]] == [1, 2]
    assert {"loss", "accuracy", "eval_loss", "eval_accuracy", "seconds"} <= set(history["epochs"][0])
    assert sorted(os.listdir(path.parent)) == ["model.history.json", "model.keras"]


def test_a_narrower_network_goes_all_the_way(cli: Cli, own_digits: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    options = ["--recipe", "reference", "--epochs", 5, "--hidden", "32,16"]
    done = cli("train", *options, "--data", own_digits, "--output", path)
    assert "25,818 parameters" in done.stdout
    wide = ["--max-changed", "10%", "--max-accuracy-drop", "10pp"]
    done = cli("export", path, "--int8", "--onnx", *wide, "--data", own_digits, "--output", tmp_path)
    assert done.stdout.count("agreement") == 2
    inspected = json.loads(cli("inspect", tmp_path / "digitrec-int8.tflite", "--json").stdout)
    assert [layer["shape"] for layer in inspected["layers"]] == [[784, 32], [32, 16], [16, 10]]
    assert inspected["card"]["training"]["hidden"] == "32-16"


@pytest.mark.parametrize(
    "units", [",", "0", "64,", "1025", "8,8,8,8,8,8,8,8", "a", pytest.param("9" * 5000, id="long")]
)
def test_hidden_layers_that_cannot_be_are_refused(cli: Cli, tmp_path: Path, units: str) -> None:
    done = cli("train", "--hidden", units, ok=False, cwd=tmp_path)
    assert done.returncode == 2
    assert "is not 1 to 7 numbers from 1 to 1024, such as 128,64" in done.stderr


def test_ctrl_c_leaves_the_last_finished_epoch_and_says_how_to_go_on(own_digits: Path, tmp_path: Path) -> None:
    path = tmp_path / "my model.keras"
    command = [
        sys.executable, "-m", "digitrec_edge", "train", "--recipe", "reference", "--epochs", "100000",
        "--data", str(own_digits), "--output", str(path),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("epoch   3"):
            process.send_signal(signal.SIGINT)
            break
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    (line,) = errors.splitlines()
    history = json.loads((tmp_path / "my model.history.json").read_text())
    finished = len(history["epochs"])
    assert finished >= 3
    assert history["interrupted"] is True
    assert f"interrupted: {path} holds epoch {finished} of 100000, the last finished one" in line
    assert line.endswith(f"go on with: digitrec-edge train --resume --data {own_digits} -o '{path}'")
    assert history["model_sha256"] == sha256(path.read_bytes())
    from digitrec_edge.training.network import load, reference_logits

    test = mnist.load("test")
    logits = reference_logits(load(path), test.images[:200])
    accuracy = (logits.argmax(axis=1) == test.labels[:200]).mean()
    assert accuracy == pytest.approx(history["epochs"][-1]["eval_accuracy"], abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--data", "absent"], "no such data set"),
        (["--recipe", "reference", "--learning-rate", "1e30"], "lower the learning rate"),
        (["--batch-size", "1001"], "batch size is 1001, allowed is 1 to 917"),
        (["--output", "folder.keras"], "cannot write"),
    ],
)
def test_what_cannot_be_trained_is_one_line_and_status_1(
    cli: Cli, own_digits: Path, tmp_path: Path, arguments: list[str], reason: str
) -> None:
    (tmp_path / "folder.keras").mkdir()
    data = [] if "--data" in arguments else ["--data", own_digits]
    done = cli("train", *data, *arguments, ok=False, cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert reason in line
    assert not list(tmp_path.rglob("model*"))
