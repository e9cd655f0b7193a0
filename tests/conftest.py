"""What the tests share: artifacts of a really trained model, made once by the command line."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtimes import Model, load

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "test"
DESKTOP_PYTHON = os.environ.get("DIGITREC_DESKTOP_PYTHON", sys.executable)
"""Trains and exports; another one than that of the tests where those run without TensorFlow."""


def _digest() -> str:
    """Changes when anything changes that the artifacts depend on."""
    folders = ("digitrec_edge", "converters", "benchmarks", "runtimes")
    sources = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    sources += [*(ROOT / "digitrec_edge" / "data").glob("*.json"), ROOT / "constraints.txt"]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources))).hexdigest()[:12]


def command_line(
    *arguments: str | Path, cwd: Path | None = None, ok: bool = True, python: str = sys.executable
) -> "subprocess.CompletedProcess[str]":
    """Run ``digitrec-edge`` as a user does, with the Python of the tests."""
    command = [python, "-m", "digitrec_edge", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd or BUILD, capture_output=True, text=True, timeout=300)
    if ok and done.returncode:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done


@pytest.fixture(scope="session")
def cli() -> "Callable[..., subprocess.CompletedProcess[str]]":
    BUILD.mkdir(parents=True, exist_ok=True)
    return command_line


@pytest.fixture(scope="session")
def trained() -> Path:
    """A folder with model.keras, its history, artifacts/ of all variants and old/, those for tflite-runtime."""
    folder = BUILD / _digest()
    if not (folder / "ready").exists():
        if BUILD.exists():
            for stale in BUILD.iterdir():
                shutil.rmtree(stale)
        folder.mkdir(parents=True)
        model = folder / "model.keras"
        runs: list[list[str | Path]] = [
            ["train", "--epochs", "2", "--output", model],
            ["export", model, "--all", "--output", folder / "artifacts"],
            ["export", model, "--all", "--target", "tflite-runtime", "--output", folder / "old"],
        ]
        for arguments in runs:
            command_line(*arguments, cwd=folder, python=DESKTOP_PYTHON)
        (folder / "ready").touch()
    return folder


@pytest.fixture(scope="session")
def artifacts(trained: Path) -> Path:
    """The folder of the exported artifacts."""
    return trained / "artifacts"


@pytest.fixture(scope="session")
def old_artifacts(trained: Path) -> Path:
    """The folder of the artifacts that were exported with ``--target tflite-runtime``."""
    return trained / "old"


@pytest.fixture(scope="session")
def loaded(artifacts: Path, old_artifacts: Path) -> "Iterator[Callable[[str, str], Model]]":
    """Loads an artifact in a runtime once for all tests; none of them may close it."""
    models: dict[tuple[str, str], Model] = {}

    def get(name: str, runtime: str) -> Model:
        if (name, runtime) not in models:
            folder = artifacts if (artifacts / name).exists() else old_artifacts
            models[name, runtime] = load(folder / name, runtime)
        return models[name, runtime]

    yield get
    for model in models.values():
        model.close()
