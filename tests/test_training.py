"""Training: the network and the recipe are the ones promised, and a run can be repeated and trusted."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitrec_edge import mnist
from digitrec_edge.errors import InterruptedRunError, TrainingError
from digitrec_edge.files import sha256
from digitrec_edge.training import run as training
from digitrec_edge.training.history import read_history, write
from digitrec_edge.training.loop import NO_DIGIT, Examples, Trainer, compile_trainer, examples
from digitrec_edge.training.network import build, reference_logits
from digitrec_edge.training.recipes import RECIPES, Recipe
from digitrec_edge.training.sets import split
from tests.trainers import SharedTrainers

REFERENCE = RECIPES["reference"]


@pytest.fixture(scope="module", autouse=True)
def trainers() -> Iterator[SharedTrainers]:
    with pytest.MonkeyPatch.context() as patch:
        shared = SharedTrainers()
        patch.setattr(training, "compile_trainer", shared)
        yield shared


def small_set(path: Path, train: int = 640, test: int = 200) -> Path:
    digits, held = mnist.load("train"), mnist.load("test")
    np.savez(
        path,
        x_train=digits.images[:train],
        y_train=digits.labels[:train],
        x_test=held.images[:test],
        y_test=held.labels[:test],
    )
    return path


def quick(epochs: int = 1, **changes: Any) -> Recipe:
    return dataclasses.replace(REFERENCE, epochs=epochs, **changes)


def test_the_reference_recipe_is_the_one_promised() -> None:
    assert Recipe("reference", epochs=20, batch_size=32, learning_rate=0.001, validation_split=0.0) == REFERENCE


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"epochs": 0}, "epochs is 0, allowed is 1 or more"),
        ({"learning_rate": 0.0}, "learning rate is 0.0, allowed is more than 0"),
        ({"learning_rate": float("nan")}, "learning rate is nan"),
        ({"learning_rate": float("inf")}, "learning rate is inf"),
        ({"validation_split": 1.0}, "validation split is 1.0"),
        ({"validation_split": -0.1}, "validation split is -0.1"),
        ({"validation_split": float("nan")}, "validation split is nan"),
        ({"batch_size": 0}, "batch size is 0, allowed is 1 to 640"),
        ({"batch_size": 641}, "batch size is 641, allowed is 1 to 640"),
        ({"batch_size": 321, "validation_split": 0.5}, "batch size is 321, allowed is 1 to 320"),
    ],
)
def test_a_recipe_that_cannot_be_trained_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(TrainingError, match=reason):
        dataclasses.replace(REFERENCE, **changes).check(640)


@pytest.mark.desktop
def test_the_network_has_exactly_251658_parameters() -> None:
    from digitrec_edge.training import network as model

    built = model.build()
    assert built.count_params() == 251_658
    assert built.input_shape == (None, 28, 28)
    assert [layer.units for layer in built.layers if hasattr(layer, "units")] == [256, 128, 128, 10]
    activations = [layer.activation.__name__ for layer in built.layers if hasattr(layer, "activation")]
    assert activations == ["relu", "relu", "relu", "linear"]


@pytest.mark.desktop
def test_two_real_epochs_of_the_reference_recipe_reach_95_percent(trained: Path) -> None:
    history = read_history(trained / "model.keras")
    assert history
    assert history.recipe == quick(2)
    assert [epoch.epoch for epoch in history.epochs] == [1, 2]
    assert (history.eval_set, history.eval_images, history.train_images) == ("test", 10_000, 60_000)
    assert history.parameters == 251_658
    last = history.epochs[-1]
    assert last.eval_accuracy > 0.95
    assert last.accuracy > 0.95
    assert history.epochs[0].loss > last.loss > 0
    assert not history.interrupted
    test = mnist.load("test")
    from digitrec_edge.training.network import load, reference_logits

    accuracy = (reference_logits(load(trained / "model.keras"), test.images).argmax(axis=1) == test.labels).mean()
    assert accuracy == pytest.approx(last.eval_accuracy, abs=2e-4)


@pytest.mark.desktop
@pytest.mark.long
def test_the_same_seed_gives_the_same_bytes_in_any_process_and_another_seed_others(tmp_path: Path) -> None:
    """The other process compiles anew, and its objects lie elsewhere in memory."""
    source = small_set(tmp_path / "own.npz")
    for name, seed in (("a", 3), ("b", 4)):
        write(*training.train(quick(2), seed, source), tmp_path / f"{name}.keras")
    code = (
        "import dataclasses, pathlib, sys\n"
        "ballast = [object() for _ in range(100_003)]\n"
        "from digitrec_edge.training import history, recipes, run\n"
        "recipe = dataclasses.replace(recipes.RECIPES['reference'], epochs=2)\n"
        "history.write(*run.train(recipe, 3, pathlib.Path(sys.argv[1])), pathlib.Path(sys.argv[2]))\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "TF_XLA_FLAGS"}
    command = [sys.executable, "-c", code, str(source), str(tmp_path / "c.keras")]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    a, b, c = ((tmp_path / f"{name}.keras").read_bytes() for name in "abc")
    assert a == c
    assert a != b


@pytest.mark.desktop
def test_a_validation_split_holds_out_training_images_and_the_test_set_is_looked_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated: list[int] = []

    def spied(*arguments: Any) -> Trainer:
        trainer = compile_trainer(*arguments)

        def evaluate(part: Examples) -> tuple[float, float]:
            evaluated.append(len(part.labels))
            return trainer.evaluate(part)

        return dataclasses.replace(trainer, evaluate=evaluate)

    source = small_set(tmp_path / "own.npz")
    monkeypatch.setattr(training, "compile_trainer", spied)
    _, history = training.train(quick(3, validation_split=0.25), 0, source)
    assert (history.eval_set, history.eval_images, history.train_images) == ("validation", 160, 480)
    assert evaluated == [160, 160, 160, 200]
    whole, test = mnist.load("train", source), mnist.load("test", source)
    parts = split(whole, test, 0.25, seed=0)
    everything = np.concatenate([parts.train.images, parts.held_out.images])
    assert {image.tobytes() for image in everything} == {image.tobytes() for image in whole.images}
    assert not {i.tobytes() for i in parts.train.images} & {i.tobytes() for i in parts.held_out.images}
    assert parts.test is test


@pytest.mark.desktop
@pytest.mark.parametrize(("images", "batch"), [(330, 32), (32, 32), (7, 1)])
def test_an_epoch_uses_every_image_once_and_the_last_batch_may_be_smaller(
    tmp_path: Path, images: int, batch: int
) -> None:
    source = small_set(tmp_path / "own.npz", train=images)
    _, history = training.train(quick(batch_size=batch), 0, source)
    share = history.epochs[0].accuracy * images
    assert share == pytest.approx(round(share), abs=1e-3)
    assert np.isfinite(history.epochs[0].loss)


@pytest.mark.desktop
def test_the_updates_are_those_of_keras_fit() -> None:
    """One epoch in the order of the images, the last batch smaller, gives the weights that ``fit`` gives."""
    import keras

    from digitrec_edge.training.network import build

    digits = mnist.load("train")
    part = mnist.Digits(digits.images[:330], digits.labels[:330])
    keras.utils.set_random_seed(5)
    ours, theirs = build(), build()
    theirs.set_weights(ours.get_weights())
    loss, accuracy = compile_trainer(ours, quick(), 330).run(examples(part), np.arange(330))
    theirs.compile(
        optimizer=keras.optimizers.Adam(0.001),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    fitted = theirs.fit(
        part.images.astype(np.float32) / np.float32(255),
        part.labels.astype(np.int32),
        batch_size=32,
        shuffle=False,
        verbose=0,
    )
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert np.allclose(mine, other, atol=2e-5)
    assert loss == pytest.approx(fitted.history["loss"][0], rel=1e-3)
    assert accuracy == pytest.approx(fitted.history["accuracy"][0], abs=1e-6)


@pytest.mark.desktop
def test_muon_gives_a_hidden_matrix_a_step_of_one_length_in_many_directions() -> None:
    digits = mnist.load("test")
    part = mnist.Digits(digits.images[:256], digits.labels[:256])
    model, lengths = build(), {}
    before = model.get_weights()
    for optimizer in ("adam", "muon"):
        model.set_weights(before)
        recipe = quick(batch_size=256, optimizer=optimizer)
        compile_trainer(model, recipe, 256).run(examples(part), np.arange(256))
        steps = [now - old for now, old in zip(model.get_weights(), before, strict=True)]
        lengths[optimizer] = [np.linalg.svd(step, compute_uv=False) for step in steps if step.ndim == 2]
        assert all(step.any() for step in steps), "every layer learns"
    for adam, muon in zip(lengths["adam"][:-1], lengths["muon"][:-1], strict=True):
        assert adam[0] > 5 * adam[20]
        assert muon[0] < 3 * muon[20]
    assert lengths["muon"][-1] == pytest.approx(lengths["adam"][-1], rel=1e-3), "the last layer's steps are Adam's"


@pytest.mark.desktop
def test_marks_pull_to_all_classes_alike_and_count_neither_as_digits_nor_in_the_accuracy() -> None:
    digits = mnist.load("test")
    images, labels = digits.images[:64], digits.labels[:64].copy()
    labels[40:] = NO_DIGIT
    recipe = dataclasses.replace(RECIPES["robust"], batch_size=64, marks=24 / 40, marks_weight=0.5, ema_momentum=0.0)
    model = build()
    before = reference_logits(model, images).astype(np.float64)
    logarithms = before - np.log(np.exp(before).sum(axis=1, keepdims=True))
    losses = np.concatenate([-logarithms[np.arange(40), labels[:40]], -0.5 * logarithms[40:].mean(axis=1)])
    trainer = compile_trainer(model, recipe, 40)
    loss, accuracy = trainer.run(examples(mnist.Digits(images, labels)), np.arange(64))
    assert loss == pytest.approx(losses.sum() / 40, rel=1e-4)
    assert accuracy == pytest.approx((before[:40].argmax(axis=1) == labels[:40]).mean())


@pytest.mark.desktop
def test_a_recipe_with_marks_fits_the_threshold_on_held_out_digits(tmp_path: Path) -> None:
    source = small_set(tmp_path / "own.npz")
    recipe = dataclasses.replace(RECIPES["standard"], epochs=2, batch_size=64, validation_split=0.25)
    _, history = training.train(recipe, 0, source)
    assert history.no_digit
    assert history.no_digit.images == history.eval_images
    assert history.no_digit.kept >= 0.99
    assert training.train(quick(1), 0, source)[1].no_digit is None


@pytest.mark.desktop
def test_few_digits_of_one_s_own_are_learnt_by_the_default_recipe(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPES["standard"], hidden=(128,))
    _, history = training.train(recipe, 0, small_set(tmp_path / "few.npz"))
    assert history.test_accuracy > 0.75


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    source = small_set(tmp_path / "own.npz", train=320)
    with pytest.raises(TrainingError, match="the loss is (nan|inf) in epoch .*; lower the learning rate"):
        training.train(quick(20, learning_rate=1e30), 0, source)


@pytest.mark.desktop
@pytest.mark.parametrize("seed", [-1, 2**31])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(TrainingError, match=f"seed is {seed}, 0 to 2147483647 is allowed"):
        training.train(quick(), seed)


@pytest.mark.desktop
def test_ctrl_c_leaves_the_weights_of_the_last_finished_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trainers: SharedTrainers
) -> None:
    source = small_set(tmp_path / "own.npz")
    expected = training.train(quick(2), 0, source)[0].get_weights()

    def interrupted_in_the_third(*arguments: Any) -> Trainer:
        trainer, calls = trainers(*arguments), 0

        def epoch(part: Examples, order: Any) -> tuple[float, float]:
            nonlocal calls
            calls += 1
            figures = trainer.run(part, order)  # the weights have already changed
            if calls == 3:
                raise KeyboardInterrupt
            return figures

        return dataclasses.replace(trainer, run=epoch)

    monkeypatch.setattr(training, "compile_trainer", interrupted_in_the_third)
    model, history = training.train(quick(9), 0, source)
    assert history.interrupted
    assert [epoch.epoch for epoch in history.epochs] == [1, 2]
    for mine, theirs in zip(model.get_weights(), expected, strict=True):
        assert np.array_equal(mine, theirs)


@pytest.mark.desktop
def test_ctrl_c_before_the_first_epoch_ended_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(*arguments: Any) -> Trainer:
        def epoch(part: Examples, order: Any) -> tuple[float, float]:
            raise KeyboardInterrupt

        return dataclasses.replace(compile_trainer(*arguments), run=epoch)

    monkeypatch.setattr(training, "compile_trainer", interrupted)
    with pytest.raises(InterruptedRunError, match="nothing was written"):
        training.train(quick(), 0, small_set(tmp_path / "own.npz"))


@pytest.mark.desktop
def test_the_written_model_is_loaded_again_with_its_history(tmp_path: Path) -> None:
    from digitrec_edge.training.network import load, reference_logits

    model, history = training.train(quick(), 0, small_set(tmp_path / "own.npz"))
    path = tmp_path / "model.keras"
    written = write(model, history, path)
    assert written.model_sha256 == sha256(path.read_bytes())
    assert read_history(path) == written
    images = mnist.load("test").images[:100]
    assert np.array_equal(reference_logits(load(path), images), reference_logits(model, images))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["model.history.json", "model.keras", "own.npz"]
