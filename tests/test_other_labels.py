"""A recogniser of other labels than the ten digits, on its way through every command."""

import gzip
import json
import re
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge import artifact, mnist
from digitrec_edge.labels import DIGITS
from digitrec_edge.mnist import Digits

pytestmark = pytest.mark.desktop
Cli = Callable[..., "subprocess.CompletedProcess[str]"]

TURNED = (1, 2, 3, 4, 5, 6, 7, 9)
"""Digits that are told from their like when they lie on their side."""

LABELS = (*DIGITS, *(f"turned {digit}" for digit in TURNED))
INT8, FLOAT32 = "digitrec-int8.tflite", "digitrec-float32.onnx"


def signs(part: mnist.Part, count: int) -> Digits:
    """Return digits, every other one turned by a quarter where that can be seen: eighteen signs."""
    digits = mnist.load(part)
    images, labels = digits.images[:count].copy(), digits.labels[:count].copy()
    turned = np.isin(labels, TURNED) & (np.arange(count) % 2 == 1)
    images[turned] = np.rot90(images[turned], axes=(1, 2))
    labels[turned] = len(DIGITS) + np.searchsorted(TURNED, labels[turned])
    return Digits(images, labels.astype(np.uint8))


def write_emnist(folder: Path, part: str, data: Digits, name: str = "letters") -> None:
    """Write a part under EMNIST's file names, packed; its letters count from 1."""
    for kind, array in (("images-idx3", data.images), ("labels-idx1", data.labels + 1)):
        header = struct.pack(f">{1 + array.ndim}I", 0x0800 | array.ndim, *array.shape)
        (folder / f"emnist-{name}-{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(header + array.tobytes(), 1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a trained model.keras, its labels.txt, and data/ under EMNIST's names."""
    from digitrec_edge.training.network import import_tensorflow

    import_tensorflow()
    import keras

    made = tmp_path_factory.mktemp("signs")
    (made / "labels.txt").write_text("\n".join(LABELS))
    (made / "data").mkdir()
    train = signs("train", 12_000)
    write_emnist(made / "data", "train", train)
    write_emnist(made / "data", "test", signs("test", 1000))
    keras.utils.set_random_seed(0)
    layers: list[Any] = [keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(64, "relu")]
    model = keras.Sequential([*layers, keras.layers.Dense(len(LABELS))])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    model.fit(train.images / np.float32(255), train.labels.astype(int), batch_size=64, epochs=6, verbose=0)
    model.save(made / "model.keras")
    return made


@pytest.fixture(scope="module")
def exported(cli: Cli, folder: Path) -> "subprocess.CompletedProcess[str]":
    """What ``export`` said to the labels, once."""
    options = ["--labels", "labels.txt", "--data", "data", "--output", "artifacts", "--max-changed", "2%"]
    options += ["--max-accuracy-drop", "1pp"]
    return cli("export", "model.keras", "--int8", "--onnx", *options, cwd=folder)


@pytest.fixture(scope="module")
def upright(folder: Path) -> tuple[NDArray[np.uint8], str]:
    """A test image that is large and dark on light, and its label."""
    test = mnist.load("test", folder / "data", len(LABELS))
    picture = Image.fromarray(255 - np.pad(test.images[0], 8)).resize((220, 220))
    picture.save(folder / "sign.png")
    return test.images[0], LABELS[test.labels[0]]


def test_labels_are_on_the_card_and_in_what_is_said(exported: "subprocess.CompletedProcess[str]", folder: Path) -> None:
    assert "labels changed" in exported.stdout
    for name in (INT8, FLOAT32):
        card = artifact.read(folder / "artifacts" / name).card
        assert card
        assert (card.labels, card.outputs[0].shape[-1]) == (LABELS, len(LABELS))
        assert card.parity
        assert card.parity.accuracy > 0.85
    report = json.loads((folder / "artifacts" / f"{INT8}.parity.json").read_text())
    assert len(report["class_accuracy"]) == len(LABELS)


def test_other_limits_than_those_of_digits_are_set_by_options(
    cli: Cli, exported: object, folder: Path, tmp_path: Path
) -> None:
    options = ["--labels", "labels.txt", "--data", "data", "--output", tmp_path / "strict", "--max-changed", "0"]
    done = cli("export", "model.keras", "--int8", *options, cwd=folder, ok=False)
    assert done.returncode == 1
    assert "(at least 100.00%)" in done.stderr
    assert "limits of your own: --max-changed, --max-accuracy-drop" in done.stderr
    assert not list((tmp_path / "strict").glob("*.tflite"))


def test_predict_says_the_label(
    cli: Cli, exported: object, folder: Path, upright: tuple[NDArray[np.uint8], str]
) -> None:
    _, label = upright
    for name in (INT8, FLOAT32):
        done = cli("predict", "sign.png", "--model", f"artifacts/{name}", "--explain", "strip.png", cwd=folder)
        assert done.stdout.startswith(f"sign.png: {label}  probability ")
        (found,) = json.loads(cli("predict", "sign.png", "--model", f"artifacts/{name}", "--json", cwd=folder).stdout)
        assert (found["label"], LABELS[found["digit"]]) == (label, label)
        assert len(found["probabilities"]) == len(LABELS)
    several = cli("predict", "sign.png", "--multi", "--model", f"artifacts/{INT8}", cwd=folder)
    assert several.stdout.startswith(f"sign.png: {label}  latency")


def test_every_other_command_takes_it(cli: Cli, exported: object, folder: Path) -> None:
    paths = [f"artifacts/{name}" for name in (INT8, FLOAT32)]
    for path in paths:
        assert "32 of 32 images as at export" in cli("verify", path, cwd=folder).stdout
        assert "turned 9" in cli("inspect", path, cwd=folder).stdout
    shown = cli("robustness", paths[0], "--data", "data", cwd=folder)
    assert "thickened" in shown.stdout
    cli(
        "benchmark", "artifacts", "--runtime", "litert,onnxruntime", "--quick", "--data", "data", "--json",
        "benchmark.json", cwd=folder, brief=True,
    )  # fmt: skip
    (run,) = json.loads((folder / "benchmark.json").read_text())["runs"]
    qualities = [result["quality"] for result in run["results"]]
    assert [len(one["class_accuracy"]) for one in qualities] == [len(LABELS)] * 2
    assert all(one["accuracy"] > 0.85 and one["agreement"] > 0.98 for one in qualities)
    assert "same" in cli("compare", "benchmark.json", "benchmark.json", cwd=folder).stdout
    cli("report", ".", "--data", "data", "--output", "report.html", cwd=folder)
    page = (folder / "report.html").read_text()
    assert "turned 3" in page
    assert "Accuracy by label" in page


def test_what_names_no_digits_is_not_measured_on_mnist(cli: Cli, folder: Path) -> None:
    (folder / "letters.txt").write_text("\n".join("ABCDEFGHIJKLMNOPQR"))
    options = ["--labels", "letters.txt", "--max-changed", "5%", "--max-accuracy-drop", "2pp", "--output", "letters"]
    cli("export", "model.keras", "--int8", *options, "--data", "data", cwd=folder)
    for command in (
        ["export", "model.keras", "--int8", *options],
        ["robustness", f"letters/{INT8}"],
        ["benchmark", "letters", "--runtime", "litert", "--quick"],
        ["report", "letters"],
    ):
        done = cli(*command, cwd=folder, ok=False)
        assert done.returncode == 1, command
        told = "MNIST shows the digits 0 to 9, the recogniser names A, B, C, ...: give images of these with --data"
        assert told in done.stdout + done.stderr, command


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ([], r"no digit recogniser: .*from \(28, 28\) to \(18,\); its labels: --labels FILE, one a line"),
        (["--labels", "few.txt"], "there are 1 labels, 2 to 1,000 are allowed"),
        (["--labels", "none.txt"], "no such file: none.txt"),
        (["--labels", "three.txt"], "no recogniser of 3 labels"),
        (["--labels", "labels.txt", "--data", "short"], "short.*label 18 at index [0-9]+ is outside 0-17"),
    ],
)
def test_labels_that_do_not_fit_are_refused_in_one_line(
    cli: Cli, folder: Path, options: list[str], reason: str
) -> None:
    (folder / "few.txt").write_text("a")
    (folder / "three.txt").write_text("a\nb\nc")
    (folder / "short").mkdir(exist_ok=True)
    test = signs("test", 600)
    labels = test.labels.astype(int) + (np.arange(600) > 300)
    np.savez(folder / "short" / "one.npz", x_train=test.images, y_train=labels, x_test=test.images, y_test=labels)
    options = [option.replace("short", "short/one.npz") for option in options]
    done = cli("export", "model.keras", "--int8", *options, "--output", "refused", cwd=folder, ok=False)
    assert done.returncode == 1
    assert re.search(reason, done.stderr)
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (folder / "refused").exists() or not list((folder / "refused").glob("*.tflite"))
