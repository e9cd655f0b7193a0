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
from runtimes import RUNTIMES

BLOCKED = ("tensorflow", "keras", "onnx", "tf2onnx", "matplotlib", "jinja2", "converters", "torch", "sklearn", "jax")
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
SUFFIXES = (".tflite", ".onnx", ".ort")


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


def test_every_artifact_is_loaded_and_run_without_them(artifacts: Path, old_artifacts: Path) -> None:
    code = """
import json
from pathlib import Path
from digitrec_edge import artifact, mnist
from runtimes import RUNTIMES, load
from runtimes.loading import unmet
images = mnist.load("test").images[:200]
for folder in sys.argv[1:]:
    for path in sorted(Path(folder).iterdir()):
        if path.suffix not in (".tflite", ".onnx", ".ort"):
            continue
        found = artifact.read(path)
        for row in RUNTIMES:
            if row.installed and row.runs(found.format.name) and not unmet(found, row):
                with load(path, row.name) as model:
                    digits = model.predict(images).digits.tolist()
                    print(json.dumps([path.name, row.name, digits, model.classify(images[0])]))
"""
    done = on_device(code, artifacts, old_artifacts)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    models = [path for folder in (artifacts, old_artifacts) for path in folder.iterdir() if path.suffix in SUFFIXES]
    assert {row[0] for row in rows} == {path.name for path in models}
    assert {row[1] for row in rows} == {row.name for row in RUNTIMES if row.installed}
    for name, runtime, digits, first in rows:
        assert first == 7, (name, runtime)
        assert (np.array(digits) == mnist.load("test").labels[:200]).mean() > 0.93, (name, runtime)


def test_quality_and_self_test_and_inspection_do_without_them(artifacts: Path) -> None:
    code = """
from benchmarks import Case
from benchmarks.measure import tasks
from digitrec_edge import artifact
from digitrec_edge.verification.inspection import inspect
from digitrec_edge.verification.selftest import self_test
from runtimes import load
for path in sys.argv[2:]:
    print(tasks.measure_quality(Case(path, "auto", golden=sys.argv[1])).parity.agreement)
    with load(path) as model:
        assert self_test(artifact.read(path), model).passed
    assert inspect(artifact.read(path)).operators
"""
    paths = [artifacts / f"digitrec-{name}" for name in ("int8.tflite", "float32.tflite", "int8.onnx", "float32.ort")]
    done = on_device(code, artifacts / "golden.npz", *paths)
    assert done.returncode == 0, done.stderr
    assert [float(line) > 0.99 for line in done.stdout.splitlines()] == [True] * 4


def test_every_help_text_is_there_without_them_and_imports_neither_numpy_nor_a_runtime() -> None:
    code = """
from digitrec_edge.cli import main
from digitrec_edge.cli.program import program
for command in ["", *(found.callback.__name__ for found in program().registered_commands)]:
    sys.argv = ["digitrec-edge", *([command] if command else []), "--help"]
    print(f"### {command}")
    try:
        main()
    except SystemExit as end:
        assert not end.code, command
heavy = {"numpy", "PIL", "ai_edge_litert", "tflite_runtime", "onnxruntime"} & set(sys.modules)
assert not heavy, heavy
"""
    done = on_device(code)
    assert done.returncode == 0, done.stderr
    texts = dict(part.split("\n", 1) for part in done.stdout.split("### ")[1:])
    assert texts.keys() >= {"", "train", "export", "inspect", "verify", "benchmark", "predict", "doctor"}
    assert all("Usage: digitrec-edge" in text and "--help" in text for text in texts.values())


def test_predict_works_without_them(tmp_path: Path) -> None:
    Image.fromarray(255 - mnist.load("test").images[0]).resize((200, 200)).save(tmp_path / "seven.png")
    done = device_cli("predict", tmp_path / "seven.png", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["digit"] == 7


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
        assert " -m pip install 'tensorflow>=" in done.stderr
    assert os.listdir(tmp_path) == []


COUNTED = """
import json, typer
needed = set(sys.modules)
from digitrec_edge.cli import main
sys.argv[0] = "digitrec-edge"
try:
    main()
except SystemExit as end:
    assert not end.code
print(json.dumps(sorted(set(sys.modules) - needed)))
"""


def imported_by(*arguments: str | Path) -> tuple[set[str], set[str]]:
    """Return what a command imports beyond typer itself: modules of ours, and all others."""
    done = on_device(COUNTED, *arguments)
    assert done.returncode == 0, done.stderr
    modules = set(json.loads(done.stdout.splitlines()[-1]))
    ours = {name for name in modules if name.split(".")[0] in ("digitrec_edge", "runtimes", "benchmarks", "converters")}
    return ours, modules - ours


def test_help_and_predict_import_no_more_than_they_need(tmp_path: Path) -> None:
    """A budget that does not depend on how busy the machine is; a new import that breaks it belongs into a function."""
    ours, others = imported_by("--help")
    assert not {"importlib.metadata", "email", "zipfile", "tempfile", "socket", "hashlib"} & others
    assert len(others) <= 10, sorted(others)
    assert len(ours) <= 41, sorted(ours)
    Image.fromarray(255 - mnist.load("test").images[0]).resize((200, 200)).save(tmp_path / "seven.png")
    ours, others = imported_by("predict", tmp_path / "seven.png")
    assert not {"pydantic", "rich", "asyncio", "pillow_heif", "multiprocessing", "PIL.ImageDraw"} & others
    elsewhere = (
        "benchmarks",
        "converters",
        "digitrec_edge.cli.layout",
        "digitrec_edge.installation",
        "digitrec_edge.report",
        "digitrec_edge.remote",
        "digitrec_edge.variants",
    )
    assert not [name for name in ours if name.startswith(elsewhere)]
    assert len(ours) <= 78, sorted(ours)


def test_pictures_alone_are_answered_before_typer_is_imported(tmp_path: Path) -> None:
    Image.fromarray(255 - mnist.load("test").images[0]).resize((200, 200)).save(tmp_path / "seven.png")
    for more, imported in ((), False), (("--threads", "1"), True):
        code = COUNTED.replace("import json, typer", "import json")
        done = on_device(code, "predict", tmp_path / "seven.png", *more)
        assert done.returncode == 0, done.stderr
        assert ("typer" in json.loads(done.stdout.splitlines()[-1])) is imported


DATACLASSES = """
ours = [module for name, module in sys.modules.items() if name.split(".")[0] in ("digitrec_edge", "runtimes")]
each = [each for module in ours for each in vars(module).values()]
found = {str(kind) for kind in each if "__dataclass_fields__" in getattr(kind, "__dict__", ())}
print(json.dumps(sorted(found)))
"""


@pytest.mark.parametrize(("suffix", "other"), [("png", "Jpeg"), ("jpg", "Png")])
def test_predict_compiles_no_dataclass_and_imports_no_decoder_but_the_pictures(
    tmp_path: Path, suffix: str, other: str
) -> None:
    """Each dataclass takes 2.6 million instructions of a Pi, the decoders of other pictures 12."""
    picture = tmp_path / f"seven.{suffix}"
    Image.fromarray(255 - mnist.load("test").images[0]).resize((200, 200)).save(picture)
    done = on_device(COUNTED.replace("import json, typer", "import json") + DATACLASSES, "predict", picture)
    assert done.returncode == 0, done.stderr
    *_, modules, found = done.stdout.splitlines()
    assert {name for name in json.loads(found) if "_as_dataclass" not in name} == {
        "<class 'digitrec_edge.frozen.Frozen'>"
    }
    assert not {f"PIL.{other}ImagePlugin", "PIL.GifImagePlugin"} & set(json.loads(modules))


COLLECTED = """
import gc, sys
from digitrec_edge.__main__ import main
sys.argv[0] = "digitrec-edge"
gc.callbacks.append(lambda phase, info: kept.append(phase))
kept = []
try:
    main()
except SystemExit as end:
    assert not end.code
print(gc.isenabled(), gc.get_freeze_count() > 10_000, len(kept) < 30)
"""


def test_nobody_looks_for_garbage_in_what_is_imported_and_everybody_does_afterwards(tmp_path: Path) -> None:
    Image.fromarray(255 - mnist.load("test").images[0]).resize((200, 200)).save(tmp_path / "seven.png")
    for arguments, frozen in (("predict", tmp_path / "seven.png"), True), (("doctor",), False):
        done = on_device(COLLECTED, *arguments)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == f"True {frozen} {frozen}"
