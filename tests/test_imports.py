"""A process that loads and runs a model never imports TensorFlow, Keras, onnx or matplotlib."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitrec_edge import mnist
from digitrec_edge.formats import FORMATS
from runtimes import RUNTIMES

BLOCKED = ("tensorflow", "keras", "onnx", "tf2onnx", "matplotlib", "converters", "torch", "sklearn", "jax")
BLOCKER = f'''
import sys

class Block:
    """A finder that refuses the heavy modules, as on a device that has none of them."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {BLOCKED!r}:
            raise ImportError(f"a device tried to import {{name}}")

assert not set({BLOCKED!r}) & set(sys.modules)
sys.meta_path.insert(0, Block())
'''
NAMES = ("digitrec-float32.tflite", "digitrec-int8.tflite", "digitrec-float32.onnx", "digitrec-int8.onnx")
PAIRS = [
    (name, row.name)
    for name in NAMES
    for row in RUNTIMES
    if row.installed and any(name.endswith(f.suffix) and f.name in row.formats for f in FORMATS)
]


def on_device(code: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", BLOCKER + code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "a device tried" not in done.stderr, done.stderr
    return done


def device_cli(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return on_device("sys.argv[0] = 'digitrec-edge'\nfrom digitrec_edge.cli import main\nmain()", *arguments)


def test_the_blocker_blocks() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKER + "import matplotlib"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "a device tried to import matplotlib" in done.stderr


@pytest.mark.parametrize(("name", "runtime"), PAIRS, ids=[" on ".join(pair) for pair in PAIRS])
def test_each_artifact_is_loaded_and_run_without_them(artifacts: Path, name: str, runtime: str) -> None:
    code = """
import json
from digitrec_edge import mnist
from runtimes import load
with load(sys.argv[1], sys.argv[2]) as model:
    digits, _ = model.predict(mnist.load("test").images[:200])
    print(json.dumps([digits.tolist(), model.classify(mnist.load("test").images[0])]))
"""
    done = on_device(code, artifacts / name, runtime)
    assert done.returncode == 0, done.stderr
    digits, first = json.loads(done.stdout)
    assert first == 7
    assert (np.array(digits) == mnist.load("test").labels[:200]).mean() > 0.95


@pytest.mark.parametrize("name", NAMES)
def test_the_benchmark_of_a_case_does_without_them(artifacts: Path, name: str) -> None:
    code = """
import dataclasses, io, json
from benchmarks import Case, child
case = Case(sys.argv[1], "auto", golden=sys.argv[2])
print(child.measure_quality(case).parity.agreement)
"""
    done = on_device(code, artifacts / name, artifacts / "golden.npz")
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) > 0.99


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], *([command, "--help"] for command in ("train", "export", "benchmark", "predict"))],
    ids=" ".join,
)
def test_every_help_text_is_there_without_them(arguments: list[str]) -> None:
    done = device_cli(*arguments)
    assert done.returncode == 0, done.stderr
    assert "digitrec-edge" in done.stdout


def test_predict_works_without_them(tmp_path: Path) -> None:
    Image.fromarray(255 - mnist.load("test").images[0]).resize((200, 200)).save(tmp_path / "seven.png")
    done = device_cli("predict", tmp_path / "seven.png", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["digit"] == 7


def test_help_imports_neither_numpy_nor_a_runtime() -> None:
    code = """
from digitrec_edge.cli import main
try:
    main()
finally:
    heavy = {"numpy", "PIL", "ai_edge_litert", "tflite_runtime", "onnxruntime"} & set(sys.modules)
    assert not heavy, heavy
"""
    done = on_device(code, "predict", "--help")
    assert done.returncode == 0, done.stderr


def test_train_and_export_on_a_device_say_which_extra_is_missing(trained: Path, tmp_path: Path) -> None:
    for arguments in (
        ["train", "--epochs", "1", "--output", str(tmp_path / "m.keras")],
        ["export", str(trained / "model.keras"), "--output", str(tmp_path / "artifacts")],
    ):
        command = [sys.executable, "-c", BLOCKER + "from digitrec_edge.cli import main\nmain()", *arguments]
        command[2] = command[2].replace("'converters', ", "")
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert "pip install 'digitrec-edge[" in done.stderr
    assert os.listdir(tmp_path) == []
