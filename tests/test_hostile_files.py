"""Whatever the file, a command survives it and says in one line what is wrong; exit status 1."""

import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitrec_edge import artifact
from digitrec_edge.errors import ArtifactError
from digitrec_edge.formats import MARK
from runtimes import load

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
SPARSE_BYTES = 4 << 30

COMMANDS = {"inspect": ("inspect",), "verify": ("verify",), "predict": ("predict", "seven.png", "--model")}

HOSTILE = {
    "absent.tflite": "no such file",
    "folder.tflite": "is a directory, not a file",
    "pipe.tflite": "is a pipe or a device, not a regular file",
    "sparse.tflite": "is 4,294,967,296 bytes; at most 50,331,648 are read",
    "empty.tflite": "is empty (0 bytes)",
    "text.tflite": "is not a model file: its content is none of .tflite, .ort, -c.zip, -java.zip, .html, ",
    "zip.tflite": "is not a model file",
    "picture.onnx": "is not a model file",
    "keras.tflite": "is not a model file",
    "python.onnx": "is not a model file",
    "cut.tflite": "is damaged: its sha256 does not fit its content; copy or export it again",
    "flipped.onnx": "is damaged, or was changed by another tool, since it was exported, and is no longer vouched for",
    "flipped.ort": "is damaged, or was changed by another tool, since it was exported, and is no longer vouched for",
    "foreign-cut.tflite": "is not a valid tflite model: ",
    "foreign-outside.tflite": "is not a valid tflite model: an offset points outside the file",
    "foreign-cut.ort": "is not a valid ort model: ",
    "foreign-cut.onnx": "is not a ",
    "magic-alone.tflite": "is not a valid tflite model: ",
    "magic-alone.ort": "is not a valid ort model: ",
}


@pytest.fixture(scope="module")
def folder(artifacts: Path, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of these files, and a picture of a seven."""
    place = tmp_path_factory.mktemp("hostile")
    (place / "folder.tflite").mkdir()
    os.mkfifo(place / "pipe.tflite")
    with (place / "sparse.tflite").open("wb") as stream:
        stream.truncate(SPARSE_BYTES)
    (place / "empty.tflite").touch()
    (place / "text.tflite").write_text("a text that somebody renamed\n")
    with zipfile.ZipFile(place / "zip.tflite", "w") as archive:
        archive.writestr("labels.txt", "0\n1\n")
    Image.new("L", (28, 28)).save(picture := io.BytesIO(), "png")
    (place / "picture.onnx").write_bytes(picture.getvalue())
    shutil.copy(trained / "model.keras", place / "keras.tflite")
    (place / "python.onnx").write_bytes(Path(__file__).read_bytes().replace(MARK, b"x"))
    for name in ("tflite", "onnx", "ort"):
        whole = (artifacts / f"digitrec-int8.{name}").read_bytes()
        (place / f"cut.{name}").write_bytes(whole[: len(whole) // 2])
        flipped = bytearray(whole)
        flipped[len(whole) // 3] ^= 16
        (place / f"flipped.{name}").write_bytes(flipped)
        foreign = artifact.read(artifacts / f"digitrec-int8.{name}").payload.replace(MARK, b"x" * len(MARK))
        (place / f"foreign-cut.{name}").write_bytes(foreign[: len(foreign) // 2])
        if name != "onnx":
            (place / f"magic-alone.{name}").write_bytes(foreign[:8])
            (place / f"foreign-outside.{name}").write_bytes(b"\xff\xff\xff\x7f" + foreign[4:])
    page = np.full((60, 60), 255, np.uint8)
    page[14:20, 15:45] = 0
    page[20:50, 36:42] = 0
    Image.fromarray(page).save(place / "seven.png")
    return place


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize(("name", "reason"), [
    (name, HOSTILE[name]) for name in (
        "folder.tflite", "pipe.tflite", "sparse.tflite", "empty.tflite", "text.tflite", "zip.tflite", "picture.onnx",
    )
])  # fmt: skip
def test_a_command_says_what_is_wrong_in_one_line(
    cli: Cli, folder: Path, command: tuple[str, ...], name: str, reason: str
) -> None:
    done = cli(*command, folder / name, ok=False, cwd=folder)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"digitrec-edge: {folder / name} ")
    assert reason in line


@pytest.mark.parametrize(("name", "reason"), HOSTILE.items(), ids=list(HOSTILE))
def test_reading_and_loading_say_the_same(folder: Path, name: str, reason: str) -> None:
    for call in (artifact.read, load):
        with pytest.raises(ArtifactError) as raised:
            call(folder / name)
        assert reason in str(raised.value)
        assert "\n" not in str(raised.value)
        assert str(folder / name) in str(raised.value)


def test_the_picture_is_good_and_a_good_model_reads_it(cli: Cli, folder: Path) -> None:
    """So it is the model that fails above."""
    assert ": 7 " in cli("predict", "seven.png", cwd=folder).stdout


def test_a_file_that_nobody_may_read_is_one_line(artifacts: Path) -> None:
    """Root may read everything, so the child gives root up once it has imported what it needs."""
    code = (
        "import os, sys\n"
        "from digitrec_edge import artifact\n"
        "from digitrec_edge.errors import ArtifactError\n"
        "if os.getuid() == 0:\n"
        "    os.setgid(65534); os.setuid(65534)\n"
        "try:\n"
        "    artifact.read(sys.argv[1])\n"
        "except ArtifactError as error:\n"
        "    sys.exit(f'digitrec-edge: {error}')\n"
    )
    with tempfile.TemporaryDirectory() as open_to_all:
        Path(open_to_all).chmod(0o755)
        path = Path(open_to_all, "a.tflite")
        shutil.copy(artifacts / "digitrec-int8.tflite", path)
        path.chmod(0)
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr == f"digitrec-edge: no permission to read {path}\n"


def test_a_sparse_file_is_refused_without_its_memory(folder: Path) -> None:
    """4 GB are not even looked at: half a gigabyte of address space is enough for the answer."""
    code = (
        "import resource, sys\n"
        "from digitrec_edge import artifact\n"
        "from digitrec_edge.errors import ArtifactError\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "try:\n"
        "    artifact.read(sys.argv[1])\n"
        "except ArtifactError as error:\n"
        "    sys.exit(str(error))\n"
    )
    path = folder / "sparse.tflite"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, f"{path} {HOSTILE['sparse.tflite']}\n")
