"""``digitrec-edge export``: which artifacts it writes, a line for each, and what it refuses."""

import importlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from digitrec_edge import artifact, mnist
from digitrec_edge.files import sha256
from digitrec_edge.variants import VARIANTS

pytestmark = pytest.mark.desktop
Cli = Callable[..., "subprocess.CompletedProcess[str]"]


LINE = re.compile(
    r"(.+)  ([\d,]+) KB  accuracy (\d\d\.\d\d)% \(Keras (\d\d\.\d\d)%\)  agreement (\d+\.\d\d)%  "
    r"(\d+) digits changed  logit difference ([\de.-]+) mean, ([\de.-]+) largest"
    r"(?:  digit (\d) lost most, (\d+\.\d\d) pp)?  \((litert|tflite-runtime|onnxruntime) [\d.]+\)"
)


def test_each_artifact_is_a_line_of_figures_and_has_its_report(cli: Cli, trained: Path, tmp_path: Path) -> None:
    arguments = ["--float32", "--int8", "--calibration-images", "50", "--seed", "7"]
    done = cli("export", trained / "model.keras", *arguments, "--output", tmp_path / "out")
    names = ("digitrec-float32.tflite", "digitrec-int8.tflite")
    reports = {f"{name}.parity.json" for name in names}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*names, *reports, "golden.npz"}
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    for line, name in zip(lines, names, strict=True):
        figures = LINE.fullmatch(line)
        assert figures, line
        path = tmp_path / "out" / name
        assert figures[1] == str(path)
        assert int(figures[2].replace(",", "")) == round(path.stat().st_size / 1024)
        report = json.loads(path.with_name(f"{name}.parity.json").read_text())
        assert float(figures[3]) == pytest.approx(100 * report["parity"]["accuracy"], abs=0.005)
        assert float(figures[4]) == pytest.approx(100 * report["parity"]["reference_accuracy"], abs=0.005)
        assert float(figures[5]) == pytest.approx(100 * report["parity"]["agreement"], abs=0.005)
        assert int(figures[6]) == len(report["changed"])
        assert float(figures[7]) == pytest.approx(report["mean_logit_difference"], rel=0.05)
        assert float(figures[8]) == pytest.approx(report["parity"]["max_logit_difference"], rel=0.05)
        assert figures[11] == "litert"
        assert artifact.read(path).card is not None
    float32, int8 = (LINE.fullmatch(line) for line in lines)
    assert float32
    assert int8
    assert (float32[3], float32[5], float32[6], float32[9]) == (float32[4], "100.00", "0", None)
    card = artifact.read(tmp_path / "out" / names[1]).card
    assert card is not None
    assert card.calibration is not None
    assert (card.calibration.images, card.calibration.seed) == (50, 7)
    indices = mnist.sample_indices(50, 60_000, 7)
    assert card.calibration.indices_sha256 == sha256(indices.astype("<i8").tobytes())


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--target", "tensorrt"], "no runtime is called 'tensorrt'; choose from litert, tflite-runtime, onnxruntime"),
        (["--target", "tflite-runtime", "--onnx"], "tflite-runtime does not run --onnx"),
        (["--target", "tflite-runtime", "--int4"], "tflite-runtime does not run --int4"),
        (["--target", "onnxruntime", "--int8"], "onnxruntime does not run --int8"),
        (["--calibration-images", "0"], "Invalid value for '--calibration-images'"),
    ],
)
def test_a_target_that_does_not_fit_is_wrong_usage(cli: Cli, tmp_path: Path, arguments: list[str], reason: str) -> None:
    done = cli("export", "absent.keras", *arguments, ok=False, cwd=tmp_path)
    assert done.returncode == 2
    assert reason in " ".join(re.sub("[│╭╰╮╯─]", " ", done.stderr).split())
    assert list(tmp_path.iterdir()) == []


def test_lost_parity_ends_with_1_and_leaves_the_old_artifact(cli: Cli, trained: Path, tmp_path: Path) -> None:
    """Calibrated on one picture of nothing but noise, int8 loses; the artifact before it stays."""
    test = mnist.load("test")
    blank = np.zeros((4, 28, 28), np.uint8)
    labels = np.zeros(4, np.uint8)
    np.savez(
        tmp_path / "blank.npz", x_train=blank, y_train=labels, x_test=test.images[:2000], y_test=test.labels[:2000]
    )
    folder = Path(shutil.copytree(trained / "artifacts", tmp_path / "out"))
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    done = cli(
        "export", trained / "model.keras", "--int8", "--output", folder, "--data", tmp_path / "blank.npz",
        "--calibration-images", 4, ok=False,
    )  # fmt: skip
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"digitrec-edge: refused {folder / 'digitrec-int8.tflite'}: int8 parity is lost: agreement")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["absent.keras"], "no such file: absent.keras"),
        (["text.keras"], "is not a .keras file; make one with: digitrec-edge train"),
        ([], "no such file: build/model.keras; make a model with: digitrec-edge train"),
    ],
)
def test_what_cannot_be_exported_is_one_line_and_status_1(
    cli: Cli, tmp_path: Path, arguments: list[str], reason: str
) -> None:
    (tmp_path / "text.keras").write_text("words")
    done = cli("export", *arguments, ok=False, cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert reason in line
    assert [path.name for path in tmp_path.iterdir()] == ["text.keras"]


def raw_model(path: Path, *layers: object) -> Path:
    """Write a small network trained on pixels 0 to 255, by least squares."""
    import keras

    digits = mnist.load("train")
    images = digits.images[:5000].reshape(-1, 784).astype(np.float64)
    sides = np.hstack([images / 255, np.ones((5000, 1))])
    weights = np.linalg.lstsq(sides.T @ sides + np.eye(785), sides.T @ np.eye(10)[digits.labels[:5000]], rcond=None)[0]
    model = keras.Sequential([keras.Input((28, 28)), *layers, keras.layers.Flatten(), keras.layers.Dense(10)])
    model.layers[-1].set_weights([20 * weights[:-1] / (1 if layers else 255), 20 * weights[-1]])
    model.save(path)
    return path


def test_a_model_that_is_given_pixels_in_another_range_is_refused_before_anything_is_converted(
    cli: Cli, tmp_path: Path
) -> None:
    path = raw_model(tmp_path / "raw.keras")
    done = cli("export", path, "--float32", "--output", tmp_path / "out", ok=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert re.search(
        r"reads \d+\.\d\d% of the test set right, 50% are needed: .*--input-scale 1.*--allow-inaccurate", line
    )
    assert not list((tmp_path / "out").glob("digitrec-*"))
    done = cli("export", path, "--float32", "--input-scale", "1", "--output", tmp_path / "out")
    accuracy = LINE.fullmatch(done.stdout.strip())
    assert accuracy
    assert float(accuracy[3]) > 75
    done = cli("export", path, "--float32", "--allow-inaccurate", "--output", tmp_path / "out")
    assert "accuracy" in done.stdout


def test_a_rescaling_in_the_model_is_told_and_the_artifact_reads_pixels(cli: Cli, tmp_path: Path) -> None:
    import keras

    path = raw_model(tmp_path / "own.keras", keras.layers.Rescaling(1 / 255))
    done = cli("export", path, "--float32", "--output", tmp_path / "out")
    (note,) = done.stderr.splitlines()
    assert note.startswith("note: layer 'rescaling")
    figures = LINE.fullmatch(done.stdout.strip())
    assert figures
    assert float(figures[3]) > 75
    found = artifact.read(tmp_path / "out" / "digitrec-float32.tflite")
    assert found.card
    assert found.card.preprocessing.divide_by == 255
    assert [operator.name for operator in found.graph.operators] == ["RESHAPE", "FULLY_CONNECTED"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--input-scale", "1/0"], "give a factor"),
        (["--input-scale", "much"], "1/127.5,-1"),
        (["--model-output", "digits"], "choose from logits, probabilities"),
        (["--custom-objects", "module"], "is not module:name"),
        (["--custom-objects", "no_such_module:Layer"], "No module named 'no_such_module'"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(
    options: list[str], words: str, cli: Cli, trained: Path, tmp_path: Path
) -> None:
    done = cli("export", trained / "model.keras", *options, "--output", tmp_path / "out", ok=False)
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())


def test_a_layer_of_ones_own_is_imported_from_the_working_folder(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    (tmp_path / "own_layers.py").write_text(
        "import keras\n\nclass Halved(keras.layers.Layer):\n    def call(self, inputs):\n        return inputs * 0.5\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    halved = importlib.import_module("own_layers").Halved()
    keras.utils.set_random_seed(1)
    layers = [keras.Input((28, 28)), keras.layers.Flatten(), halved, keras.layers.Dense(10)]
    keras.Sequential(layers).save(tmp_path / "own.keras")
    arguments = ["export", "own.keras", "--float32", "--allow-inaccurate", "--output", "out"]
    done = cli(*arguments, cwd=tmp_path, ok=False)
    assert "it asks for 'Halved'" in done.stderr
    assert "digitrec-float32.tflite" in cli(*arguments, "--custom-objects", "own_layers:Halved", cwd=tmp_path).stdout


def test_what_a_variant_cannot_hold_is_left_out_of_all_and_refused_by_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from digitrec_edge.cli.export import _tell_refused
    from digitrec_edge.errors import DigitrecError, ParityError, UnfitModelError
    from digitrec_edge.export import Refused

    unfit, lost = (
        Refused(VARIANTS[0], Path(f"{name}.tflite"), error)
        for name, error in (("unfit", UnfitModelError("it has CONV_2D")), ("lost", ParityError("parity is lost")))
    )
    _tell_refused([unfit], every=True)
    assert capsys.readouterr().err == "left out unfit.tflite: it has CONV_2D\n"
    for refused, every in (([unfit], False), ([unfit, lost], True), ([lost, unfit], False)):
        with pytest.raises(DigitrecError, match="^refused "):
            _tell_refused(refused, every=every)
