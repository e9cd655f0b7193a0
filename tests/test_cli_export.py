"""``digitrec-edge export``: which artifacts it writes, a line for each, and what it refuses."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.desktop
Cli = Callable[..., "subprocess.CompletedProcess[str]"]


def test_all_is_all_four_and_the_golden_logits(artifacts: Path) -> None:
    assert sorted(path.name for path in artifacts.iterdir()) == [
        "digitrec-float32.onnx", "digitrec-float32.tflite", "digitrec-int8.onnx", "digitrec-int8.tflite", "golden.npz",
    ]  # fmt: skip


def test_one_option_is_one_artifact_with_a_line_of_figures(cli: Cli, trained: Path, tmp_path: Path) -> None:
    done = cli("export", trained / "model.keras", "--float32", "--output", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["digitrec-float32.tflite", "golden.npz"]
    (line,) = done.stdout.splitlines()
    figures = re.fullmatch(
        r".*digitrec-float32\.tflite  ([\d,]+) KB  accuracy (\d\d\.\d\d)% \(Keras (\d\d\.\d\d)%\)  "
        r"agreement (\d+\.\d\d)%  largest logit difference ([\de.-]+)  \(litert\)",
        line,
    )
    assert figures, line
    assert figures[2] == figures[3]
    assert figures[4] == "100.00"
    assert float(figures[5]) <= 1e-4
    assert done.stderr == ""


def test_lost_parity_ends_with_1_and_leaves_the_old_artifact(cli: Cli, trained: Path, tmp_path: Path) -> None:
    """Calibrated on one picture of nothing but noise, int8 loses; the artifact before it stays."""
    import numpy as np

    from digitrec_edge import mnist

    test = mnist.load("test")
    blank = np.zeros((4, 28, 28), np.uint8)
    labels = np.zeros(4, np.uint8)
    np.savez(
        tmp_path / "blank.npz", x_train=blank, y_train=labels, x_test=test.images[:2000], y_test=test.labels[:2000]
    )
    folder = Path(shutil.copytree(trained / "artifacts", tmp_path / "out"))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = cli(
        "export", trained / "model.keras", "--int8", "--output", folder, "--data", tmp_path / "blank.npz",
        "--calibration-images", 4, ok=False,
    )  # fmt: skip
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"digitrec-edge: refused {folder / 'digitrec-int8.tflite'}: int8 parity is lost: agreement")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["absent.keras"], "no such file: absent.keras"),
        (["text.keras"], "is not a .keras file; make one with: digitrec-edge train"),
        ([], "no such file: build/model.keras"),
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


def test_more_calibration_images_than_there_are_is_one_line(cli: Cli, trained: Path, tmp_path: Path) -> None:
    done = cli("export", trained / "model.keras", "--calibration-images", 60_001, ok=False, cwd=tmp_path)
    assert done.returncode == 1
    assert "the set has 60000, give 1 to 60000" in done.stderr
