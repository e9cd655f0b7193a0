"""What the tests share: artifacts of a really trained model, made once by the command line."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "test"
DESKTOP_PYTHON = os.environ.get("DIGITREC_DESKTOP_PYTHON", sys.executable)
"""Trains and exports; another one than that of the tests where those run without TensorFlow."""


def _digest() -> str:
    """Changes when anything changes that the artifacts depend on."""
    sources = [*(ROOT / "digitrec_edge").rglob("*.py"), *(ROOT / "converters").rglob("*.py"), ROOT / "constraints.txt"]
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
    """A folder with model.keras, its history, and artifacts/ of all variants with golden.npz."""
    folder = BUILD / _digest()
    if not (folder / "ready").exists():
        folder.mkdir(parents=True, exist_ok=True)
        train: list[str | Path] = ["train", "--epochs", "2", "--output", folder / "model.keras"]
        export: list[str | Path] = ["export", folder / "model.keras", "--all", "--output", folder / "artifacts"]
        for arguments in (train, export):
            command_line(*arguments, cwd=folder, python=DESKTOP_PYTHON)
        (folder / "ready").touch()
    return folder


@pytest.fixture(scope="session")
def artifacts(trained: Path) -> Path:
    """The folder of the exported artifacts."""
    return trained / "artifacts"
