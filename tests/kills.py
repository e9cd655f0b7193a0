"""The campaign of kills: every command that writes, killed at its file operations as a power cut would.

``python -m tests.kills --count 500 --seed 7``. After each kill every file that was there is still whole, the old one or
the new one, model and history belong together or the export says what to do, and the command started again ends well
and leaves nothing temporary. Prints a line per command and one for all; exit status 1 if anything was lost.
"""

import argparse
import itertools
import os
import random
import shutil
import sys
import tempfile
import traceback
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from digitrec_edge import artifact, history, mnist, pretrained
from digitrec_edge.artifact import golden
from digitrec_edge.errors import TrainingError
from digitrec_edge.records import load_json
from tests import a_device
from tests.crash import killed_at
from tests.writing_commands import COMMANDS, DATA, DEVICE, OLDEST, Command, Deploy

AGAIN_EVERY = 5
"""After every fifth kill the command is run again."""


def make_template(folder: Path) -> None:
    """Make what the commands find, by the commands themselves: results of an earlier run."""
    digits, test = mnist.load("train"), mnist.load("test")
    np.savez(
        folder / "data.npz",
        x_train=digits.images[:6000], y_train=digits.labels[:6000], x_test=test.images[:200], y_test=test.labels[:200],
    )  # fmt: skip
    Image.fromarray(255 - test.images[0]).resize((140, 140)).save(folder / "digit.png")
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = ec.generate_private_key(ec.SECP256R1())
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    train, _resume, *others = COMMANDS
    more = Command("", ("train", "--epochs", "2", "--seed", "1", *DATA, "-o", "model.keras"), ())
    assert killed_at(1 << 30, more.run, folder) is False
    shutil.copytree(folder, folder.parent / "unfinished")
    _interrupt(train, folder.parent / "unfinished")
    shutil.copy(folder.parent / "unfinished" / "model.checkpoint.npz", folder)
    make_device(folder / DEVICE)
    (folder / "artifacts").mkdir()
    for command in others:
        if not isinstance(command, Deploy):
            assert command.kill(1 << 30, folder) is False, command.name


def make_device(folder: Path) -> None:
    """Make a device that has an older artifact, one from before it, and no runtime."""
    a_device.make(folder)
    root = folder / "home" / "digitrec-edge"
    card_1 = Path(__file__).parent / "data" / "card-1.tflite"
    for link, name, file in (
        (history.PREVIOUS, Path(OLDEST).name, pretrained.DEFAULT),
        (history.CURRENT, "fedcba987654", card_1),
    ):
        old = root / "artifacts" / name / "digitrec-int8.tflite"
        old.parent.mkdir(parents=True)
        shutil.copy(file, old)
        (root / link).symlink_to(old.relative_to(root))
        history.record(root, "deployed", artifact.read(old), by="pi@desk")


def _interrupt(train: Command, folder: Path) -> None:
    """Leave the last checkpoint of a run that was killed before it wrote its model."""
    point = 1
    while not (folder / "model.checkpoint.npz").exists():
        assert killed_at(point, train.run, folder), "the run ended without a checkpoint"
        point += 1


def look(folder: Path, command: Command, template: Path) -> None:
    """Check what a killed command left.

    Raises:
        AssertionError: something is lost, or half of it is there.
    """
    for name in command.inputs:
        for path in (template / name).rglob("*") if (template / name).is_dir() else [template / name]:
            relative = path.relative_to(template)
            assert (folder / relative).exists() or str(relative) in command.goes, f"{relative} is lost"
    if (folder / DEVICE).exists():
        a_device.look(folder / DEVICE)
    for path in folder.rglob("*"):
        if path.relative_to(folder).parts[0] == DEVICE:
            continue
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            READERS[path.suffix](path)
    model, unfinished = folder / "model.keras", folder / "model.checkpoint.npz"
    if model.exists():
        from digitrec_edge.training.history import read_history

        try:
            assert read_history(model) is not None, "the model has lost its history"
        except TrainingError as error:
            assert "train --resume" in str(error), error
            assert unfinished.exists(), "neither model with history nor checkpoint"


def _read_zip(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None, path


def _read_artifact(path: Path) -> None:
    assert artifact.read(path).card is not None, path


def _read_text(path: Path) -> None:
    text = path.read_text()
    assert text.endswith("\n") or text.rstrip().endswith("</html>"), path


def _read_picture(path: Path) -> None:
    with Image.open(path) as picture:
        picture.load()


READERS: dict[str, Callable[[Path], Any]] = {
    ".keras": _read_zip,
    ".npz": lambda path: golden.read(path) if path.name == golden.FILE_NAME else _read_zip(path),
    ".tflite": _read_artifact,
    ".onnx": _read_artifact,
    ".json": lambda path: load_json(path.read_bytes()),
    ".sig": lambda path: load_json(path.read_bytes()),
    ".csv": _read_text,
    ".html": _read_text,
    ".svg": _read_text,
    ".png": _read_picture,
    ".pem": _read_text,
}


def kill(command: Command, points: Sequence[int], template: Path, scratch: Path) -> tuple[int, int]:
    """Kill a command at each of these operations; returns how often that was and how often something was lost."""
    killed = lost = 0
    for number, point in enumerate(points):
        folder = _prepare(command, template, scratch)
        try:
            if not command.kill(point, folder):
                continue
            killed += 1
            look(folder, command, template)
            if number % AGAIN_EVERY == 0:
                again = _again(command, folder)
                assert not again.kill(1 << 30, folder)
                look(folder, command, template)
                left = _left_over(folder)
                assert not left, f"the next run left {left}"
        except Exception:  # noqa: BLE001  (whatever a reader raises of half a file is what is counted)
            lost += 1
            print(f"{command.name}, killed at operation {point}:", file=sys.stderr)
            traceback.print_exc()
        shutil.rmtree(folder)
    return killed, lost


def _left_over(folder: Path) -> list[Path]:
    """Return what is temporary, here and on the device."""
    here = (path for path in folder.rglob(".*") if path.relative_to(folder).parts[0] != DEVICE)
    return sorted([*here, *a_device.left_over(folder / DEVICE)])


def _again(command: Command, folder: Path) -> Command:
    """Go on with a run that was cut short; what was killed after its checkpoint went has nothing left to resume."""
    train, resume, *_ = COMMANDS
    if command in (train, resume):
        return resume if (folder / "model.checkpoint.npz").exists() else train
    return command


def _prepare(command: Command, template: Path, scratch: Path) -> Path:
    folder = Path(tempfile.mkdtemp(dir=scratch))
    for name in command.inputs:
        source = template / name
        shutil.copytree(source, folder / name, symlinks=True) if source.is_dir() else shutil.copy(source, folder / name)
    return folder


def operations_of(command: Command, template: Path, scratch: Path) -> int:
    """Return at how many operations a command can be killed."""
    folder = _prepare(command, template, scratch)
    found = command.count(folder)
    shutil.rmtree(folder)
    return found


def campaign(count: int, seed: int, commands: Sequence[Command] = COMMANDS) -> int:
    """Kill ``count`` times, as evenly over the commands as it goes; returns how often something was lost."""
    chosen = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="digitrec-kills-") as name:
        template, scratch = Path(name) / "template", Path(name) / "scratch"
        template.mkdir()
        scratch.mkdir()
        make_template(template)
        total = lost = 0
        for left, command in zip(itertools.count(len(commands), -1), commands, strict=False):
            operations = operations_of(command, template, scratch)
            wanted = -(-(count - total) // left)
            everything = list(range(1, operations + 1))
            points = everything * (wanted // operations) + sorted(chosen.sample(everything, wanted % operations))
            killed, bad = kill(command, points, template, scratch)
            print(f"{command.name}: {operations} operations, killed {killed} times, {bad} lost", flush=True)
            total, lost = total + killed, lost + bad
    print(f"kills: {total}, seed {seed}: {lost} lost")
    return lost


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["DIGITREC_KEY"] = ""
    import keras  # noqa: F401  (forked children find it imported; no operation of it has run yet)

    import digitrec_edge.report.page  # noqa: F401

    return min(1, campaign(options.count, options.seed))


if __name__ == "__main__":
    sys.exit(main())
