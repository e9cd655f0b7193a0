"""A training run that is stopped or killed goes on to the result of an unbroken run."""

import dataclasses
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec_edge import mnist
from digitrec_edge.errors import TrainingError
from digitrec_edge.training import checkpoint
from digitrec_edge.training import run as training
from digitrec_edge.training.history import History
from digitrec_edge.training.recipes import RECIPES, Recipe
from tests.trainers import SharedTrainers

pytestmark = pytest.mark.desktop
ROBUST = dataclasses.replace(RECIPES["robust"], epochs=3, batch_size=64, validation_split=0.25)
REFERENCE = dataclasses.replace(RECIPES["reference"], epochs=3, batch_size=50)


class Killed(BaseException):
    """Stands for what nobody can catch."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of 600 and 200 images; 600 is no multiple of 64."""
    digits = mnist.load("test")
    path = tmp_path_factory.mktemp("data") / "small.npz"
    np.savez(
        path,
        x_train=digits.images[:600], y_train=digits.labels[:600],
        x_test=digits.images[600:800], y_test=digits.labels[600:800],
    )  # fmt: skip
    return path


@pytest.fixture(scope="module", autouse=True)
def trainers() -> Iterator[SharedTrainers]:
    with pytest.MonkeyPatch.context() as patch:
        shared = SharedTrainers()
        patch.setattr(training, "compile_trainer", shared)
        yield shared


def weights(model: Any) -> NDArray[np.float32]:
    return np.concatenate([np.ravel(w) for w in model.get_weights()])


def stop_after(epoch: int, how: type[BaseException]) -> Callable[[checkpoint.Epoch], None]:
    def on_epoch(finished: checkpoint.Epoch) -> None:
        if finished.epoch == epoch:
            raise how

    return on_epoch


def figures(history: History) -> list[tuple[float, ...]]:
    return [(e.epoch, e.loss, e.accuracy, e.eval_loss, e.eval_accuracy) for e in history.epochs]


@pytest.mark.parametrize(
    ("recipe", "how"),
    [(REFERENCE, KeyboardInterrupt), (ROBUST, Killed)],
    ids=["reference, interrupted", "robust with validation, killed"],
)
def test_a_resumed_run_ends_as_an_unbroken_one(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trainers: SharedTrainers, recipe: Recipe,
    how: type[BaseException],
) -> None:  # fmt: skip
    monkeypatch.setattr(training, "CHECKPOINT_EVERY_S", 0.0)
    model, expected = training.train(recipe, 3, data)
    whole = weights(model)
    path = tmp_path / "model.checkpoint.npz"
    if how is Killed:
        with pytest.raises(Killed):
            training.train(recipe, 3, data, checkpoint_path=path, on_epoch=stop_after(2, Killed))
    else:
        _, cut = training.train(recipe, 3, data, checkpoint_path=path, on_epoch=stop_after(2, KeyboardInterrupt))
        assert cut.interrupted
        assert len(cut.epochs) == 2
    assert path.exists()
    trainers.forget()
    seen: list[int] = []
    model, history = training.train(
        recipe, 3, data, checkpoint_path=path, resume=True, on_epoch=lambda epoch: seen.append(epoch.epoch)
    )
    assert seen == [1, 2, 3]
    assert np.array_equal(weights(model), whole)
    assert figures(history) == figures(expected)
    assert (history.test_accuracy, history.temperature) == (expected.test_accuracy, expected.temperature)
    assert not history.interrupted
    assert len(checkpoint.read(path).epochs) == 3, "the last epoch's checkpoint stays until the model is written"
    again, same = training.train(recipe, 3, data, checkpoint_path=path, resume=True)
    assert np.array_equal(weights(again), whole)
    assert figures(same) == figures(expected)


def test_a_checkpoint_of_another_run_is_refused(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.checkpoint.npz"
    training.train(ROBUST, 3, data, checkpoint_path=path, on_epoch=stop_after(1, KeyboardInterrupt))
    for recipe, seed in ((ROBUST, 4), (REFERENCE, 3)):
        with pytest.raises(TrainingError, match="is of another run: recipe robust, seed 3"):
            training.train(recipe, seed, data, checkpoint_path=path, resume=True)
    with pytest.raises(TrainingError, match="is of a run on other training images: name its data set with --data"):
        training.train(ROBUST, 3, None, checkpoint_path=path, resume=True)


@pytest.mark.parametrize(
    "spoil", [lambda data: data[:-100], lambda data: b"", lambda data: b"words", lambda data: data[: len(data) // 2]]
)
def test_a_damaged_checkpoint_is_one_error(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "model.checkpoint.npz"
    epoch = checkpoint.Epoch(1, 0.5, 0.5, 0.5, 0.5, 1.0)
    whole = checkpoint.Checkpoint(checkpoint.TrainingRun(ROBUST, 0, "ab"), (epoch,), (np.arange(1000.0), np.array(3)))
    checkpoint.write(path, whole)
    read = checkpoint.read(path)
    assert (read.run, read.epochs) == (whole.run, whole.epochs)
    assert all(np.array_equal(a, b) for a, b in zip(read.variables, whole.variables, strict=True))
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(TrainingError, match=r"model\.checkpoint\.npz"):
        checkpoint.read(path)


def test_a_checkpoint_of_another_version_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "model.checkpoint.npz"
    epoch = checkpoint.Epoch(1, 0.5, 0.5, 0.5, 0.5, 1.0)
    for version, reason in ((1, "of version 1, from which"), (99, "made by a newer digitrec-edge .*version 99")):
        run = checkpoint.TrainingRun(ROBUST, 0, "ab", version)
        checkpoint.write(path, checkpoint.Checkpoint(run, (epoch,), (np.array(3),)))
        with pytest.raises(TrainingError, match=rf"model\.checkpoint\.npz .*{reason}.* train without --resume"):
            checkpoint.read(path)


def test_the_command_resumes_and_says_what_does_not_fit(
    cli: "Callable[..., subprocess.CompletedProcess[str]]", data: Path, tmp_path: Path
) -> None:
    output = tmp_path / "model.keras"
    none = cli("train", "--resume", "--data", data, "-o", output, ok=False)
    assert none.returncode == 1
    assert "nothing to resume" in none.stderr
    training.train(
        dataclasses.replace(RECIPES["reference"], epochs=3),
        5, data, checkpoint_path=checkpoint.checkpoint_path(output), on_epoch=stop_after(1, KeyboardInterrupt),
    )  # fmt: skip
    wrong = cli("train", "--resume", "--seed", 6, "--data", data, "-o", output, ok=False)
    assert wrong.returncode == 2
    assert "has 5, not 6" in wrong.stderr
    done = cli("train", "--resume", "--recipe", "reference", "--epochs", 3, "--data", data, "-o", output)
    assert sum(line.startswith("epoch ") for line in done.stdout.splitlines()) == 3
    assert done.stdout.count("test set: ") == 1
    history = json.loads(output.with_suffix(".history.json").read_text())
    assert (history["seed"], len(history["epochs"]), history["interrupted"]) == (5, 3, False)


def test_seed_and_average_matter_and_a_temperature_needs_unseen_images(data: Path) -> None:
    model, history = training.train(ROBUST, 0, data)
    first = weights(model)
    assert history.temperature != 1
    assert not np.array_equal(weights(training.train(ROBUST, 1, data)[0]), first)
    plain = dataclasses.replace(ROBUST, ema_momentum=0.0)
    assert not np.array_equal(weights(training.train(plain, 0, data)[0]), first)
    assert training.train(REFERENCE, 0, data)[1].temperature == 1
