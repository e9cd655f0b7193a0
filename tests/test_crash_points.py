"""Killed at any file operation, nothing that was there is lost and nothing half-written is taken for whole."""

import itertools
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitrec_edge import artifact, mnist
from digitrec_edge.artifact import golden
from digitrec_edge.errors import TrainingError
from digitrec_edge.files import write_file
from digitrec_edge.training import checkpoint, history
from digitrec_edge.training.checkpoint import Checkpoint, Epoch, TrainingRun
from digitrec_edge.training.recipes import RECIPES
from tests import kills
from tests.crash import crash_points, killed_at
from tests.writing_commands import COMMANDS, DEVICE, Command, Deploy


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Path]:
    """Makes empty folders, a new one each time."""
    counter = itertools.count()

    def make() -> Path:
        folder = tmp_path / f"try-{next(counter)}"
        folder.mkdir()
        return folder

    return make


def test_every_operation_of_a_write_is_a_crash_point(fresh: Callable[[], Path]) -> None:
    """The instrument works: a write opens a temporary file, sets its mode, moves it and removes what may be left."""
    points = [point for point, _ in crash_points(lambda folder: write_file(folder / "a", b"new"), fresh)]
    assert len(points) >= 4


def test_what_is_written_over_is_seen_empty(fresh: Callable[[], Path]) -> None:
    def prepare() -> Path:
        folder = fresh()
        (folder / "a").write_bytes(b"old")
        return folder

    left = [
        (folder / "a").read_bytes() for _, folder in crash_points(lambda at: (at / "a").write_bytes(b"new"), prepare)
    ]
    assert left == [b"old", b""]


def test_a_file_is_the_old_or_the_new_one(fresh: Callable[[], Path]) -> None:
    def prepare() -> Path:
        folder = fresh()
        (folder / "a").write_bytes(b"old")
        return folder

    seen = set()
    for _, folder in crash_points(lambda folder: write_file(folder / "a", b"new"), prepare):
        seen.add((folder / "a").read_bytes())
        write_file(folder / "a", b"later")
        assert os.listdir(folder) == ["a"], "the next write removes what the killed one left"
    assert seen <= {b"old", b"new"}
    assert b"old" in seen


def test_an_artifact_and_golden_logits_are_whole_at_every_point(fresh: Callable[[], Path]) -> None:
    old = artifact.read(Path(__file__).parent / "data" / "card-1.tflite")
    assert old.card is not None
    card, answers = old.card, golden.Golden(np.zeros((3, 10), np.float32), "0" * 64, "1" * 64)

    def prepare() -> Path:
        folder = fresh()
        artifact.write(folder / "a.tflite", old.payload, card)
        golden.write(folder / golden.FILE_NAME, answers)
        return folder

    def work(folder: Path) -> None:
        artifact.write(folder / "a.tflite", old.payload, card, old.files["digitrec_edge.sample.npz"])
        golden.write(folder / golden.FILE_NAME, answers)

    points = 0
    for _, folder in crash_points(work, prepare):
        points += 1
        assert artifact.read(folder / "a.tflite").payload == old.payload
        assert golden.read(folder / golden.FILE_NAME).source_sha256 == "0" * 64
    assert points >= 8


class Trained:
    """Has what the writing asks of a Keras model, without TensorFlow: forked children write it."""

    def __init__(self, weights: bytes) -> None:
        self.weights = weights

    def save(self, folder: Path, *, zipped: bool) -> None:
        """Write the parts of a .keras file."""
        assert not zipped
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        (folder / "metadata.json").write_text("{}")
        (folder / "model.weights.h5").write_bytes(self.weights)


def run_of(seed: int) -> tuple[Checkpoint, history.History]:
    """Return the last checkpoint and the history of a run."""
    recipe, epochs = RECIPES["reference"], (Epoch(1, 0.5, 0.9, 0.5, 0.9, 1.0),)
    done = Checkpoint(TrainingRun(recipe, seed, "0" * 64), epochs, (np.zeros(3, np.float32),))
    return done, history.History(recipe, seed, 10, "test", 10, epochs, False, 0.5, 0.9, 2.0, None, 3, {})


def test_model_and_history_are_one_transaction_and_the_checkpoint_goes_last(fresh: Callable[[], Path]) -> None:
    unfinished, finished = run_of(seed=2)

    def prepare() -> Path:
        folder = fresh()
        history.write(Trained(b"old"), run_of(seed=1)[1], folder / "model.keras")
        checkpoint.write(folder / "model.checkpoint.npz", unfinished)
        return folder

    def work(folder: Path) -> None:
        history.write(Trained(b"new"), finished, folder / "model.keras")

    seen = set()
    for _, folder in crash_points(work, prepare):
        path = folder / "model.keras"
        with zipfile.ZipFile(path) as archive:
            weights = archive.read("model.weights.h5").decode()
        try:
            found = history.read_history(path)
            assert found is not None, "an export would have temperature 1.0 and no recipe"
            assert found.seed == {"old": 1, "new": 2}[weights]
            seen.add(weights)
        except TrainingError as error:
            assert "digitrec-edge train --resume" in str(error)
            seen.add("refused")
        left = folder / "model.checkpoint.npz"
        assert left.exists() or weights == "new"
        if left.exists():
            assert checkpoint.read(left).run == unfinished.run
        work(folder)
        assert sorted(os.listdir(folder)) == ["model.history.json", "model.keras"], "the next run clears up"
    assert seen == {"old", "refused", "new"}


@pytest.fixture(scope="module")
def template(artifacts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What commands that write find on a device: an artifact, a picture, and their results of another day."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "artifacts").mkdir()
    shutil.copy(artifacts / "digitrec-int8.tflite", folder / "artifacts")
    Image.fromarray(255 - mnist.load("test").images[0]).resize((140, 140)).save(folder / "digit.png")
    kills.make_device(folder / DEVICE)
    for command in ON_A_DEVICE:
        assert not killed_at(1 << 30, command.run, folder)
    return folder


ON_A_DEVICE = [command for command in COMMANDS if command.name in ("inspect --bom", "predict --explain")]


DEPLOYMENTS = [command for command in COMMANDS if isinstance(command, Deploy)]


@pytest.mark.parametrize("command", ON_A_DEVICE, ids=lambda command: command.name)
def test_a_command_killed_anywhere_loses_nothing(command: Command, template: Path, tmp_path: Path) -> None:
    operations = kills.operations_of(command, template, tmp_path)
    points = range(1, operations + 1, 2)
    assert len(points) >= 3
    assert kills.kill(command, points, template, tmp_path) == (len(points), 0)


@pytest.mark.long
@pytest.mark.parametrize("command", DEPLOYMENTS, ids=lambda command: command.name)
def test_a_deployment_cut_off_anywhere_leaves_the_device_with_a_whole_artifact(
    command: Deploy, template: Path, tmp_path: Path
) -> None:
    operations = kills.operations_of(command, template, tmp_path)
    assert operations > 20, "sending a wheel, making an environment, sending an artifact"
    points = range(1 + 6 * DEPLOYMENTS.index(command), operations + 1, 12)
    assert kills.kill(command, points, template, tmp_path) == (len(points), 0)


class Careless(Command):
    """Writes as a program does that nobody has told of power cuts."""

    def run(self, folder: Path) -> None:
        """Write the beginning over what was there, and then the rest."""
        (folder / "bom.json").write_text("{")
        (folder / "bom.json").write_text("{}")


def test_the_campaign_sees_what_is_lost(template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert kills.kill(Careless("careless", (), ("bom.json",)), (1, 2, 3, 4), template, tmp_path) == (4, 3)
    assert "careless, killed at operation 2" in capsys.readouterr().err


def test_a_clock_before_1980_writes_the_same_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history.write(Trained(b"new"), run_of(seed=1)[1], tmp_path / "today.keras")
    monkeypatch.setattr("time.time", lambda: 60.0)
    history.write(Trained(b"new"), run_of(seed=1)[1], tmp_path / "1970.keras")
    assert (tmp_path / "today.keras").read_bytes() == (tmp_path / "1970.keras").read_bytes()
