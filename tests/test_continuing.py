"""Going on from a model: it learns what is new, is the same for the same seed, and says what it came from."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitrec_edge import mnist
from digitrec_edge.errors import TrainingError
from digitrec_edge.mnist import Digits
from digitrec_edge.no_digit import score
from digitrec_edge.training import continuing
from digitrec_edge.training.history import HISTORY_VERSION, History, parse_history, read_history, write
from digitrec_edge.training.loop import NO_DIGIT, compile_trainer
from digitrec_edge.training.network import load, reference_logits
from digitrec_edge.training.recipes import RECIPES
from digitrec_edge.training.run import train
from digitrec_edge.training.weights import pooled, rounded
from tests.test_training import small_set

pytestmark = pytest.mark.desktop
HISTORY_5 = Path(__file__).parent / "data" / "history-5.json"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_set(tmp_path_factory.mktemp("data") / "digits.npz")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    path = tmp_path_factory.mktemp("base") / "model.keras"
    recipe = dataclasses.replace(RECIPES["standard"], epochs=1, batch_size=32, hidden=(32,))  # much is left to learn
    write(*train(recipe, 3, data), path)
    return path


def new_digits() -> Digits:
    """Return digits of somebody who writes upside down, and squares that are none."""
    digits = mnist.load("test")
    squares = np.zeros((20, 28, 28), np.uint8)
    squares[:, 6:22, 6:22] = 255
    squares[:, 10:18, 10:18] = 0
    return Digits(
        np.concatenate([digits.images[1000:1060, ::-1, ::-1], squares]),
        np.concatenate([digits.labels[1000:1060], np.full(20, NO_DIGIT)]).astype(np.uint8),
    )


def go_on(base: Path, data: Path, seed: int = 0) -> tuple[Any, History]:
    before = read_history(base)
    assert before
    model = load(base)
    return model, continuing.go_on(model, before, new_digits(), seed, data)


def test_it_learns_digits_and_marks_and_says_what_it_came_from(base: Path, data: Path) -> None:
    before = read_history(base)
    assert before
    model, history = go_on(base, data)
    new = new_digits()
    was, is_now = (reference_logits(one, new.images) for one in (load(base), model))
    right = [(logits[:60].argmax(axis=1) == new.labels[:60]).mean() for logits in (was, is_now)]
    assert right[1] > right[0] + 0.1
    assert score(is_now[60:]).mean() < 0.9 * score(was[60:]).mean()
    found = history.continued
    assert found
    assert (found.base_sha256, found.digits, found.no_digit) == (before.model_sha256, 60, 20)
    assert (found.split_seed, found.data_sha256) == (3, new.digest())
    assert (history.recipe.name, history.recipe.hidden, history.seed) == ("continued", (32,), 0)
    assert len(history.epochs) == continuing.CONTINUED.epochs
    assert history.eval_images == before.eval_images
    assert history.no_digit is not None


@pytest.mark.long
def test_a_network_of_four_bits_learns_and_stays_one(data: Path, tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPES["tiny"], epochs=1, batch_size=32, hidden=(32,))
    write(*train(recipe, 3, data), tmp_path / "tiny.keras")
    model, history = go_on(tmp_path / "tiny.keras", data)
    new = new_digits()
    was, is_now = (reference_logits(one, new.images[:60]) for one in (load(tmp_path / "tiny.keras"), model))
    right = [(logits.argmax(axis=1) == new.labels[:60]).mean() for logits in (was, is_now)]
    assert right[1] > right[0] + 0.1
    assert (history.recipe.weight_bits, history.recipe.pooled) == (4, True)
    for kernel in model.get_weights()[::2]:
        assert np.allclose(rounded(kernel, 4), kernel, atol=1e-6)
    assert np.array_equal(pooled(model.get_weights()[0]), model.get_weights()[0])


@pytest.mark.long
def test_the_same_seed_gives_the_same_bytes_and_what_it_came_from_is_handed_on(
    base: Path, data: Path, tmp_path: Path
) -> None:
    for name in "ab":
        write(*go_on(base, data), tmp_path / f"{name}.keras")
    assert (tmp_path / "a.keras").read_bytes() == (tmp_path / "b.keras").read_bytes()
    first = read_history(tmp_path / "a.keras")
    assert first
    _, second = go_on(tmp_path / "a.keras", data)
    assert second.continued == dataclasses.replace(first.continued, base_sha256=first.model_sha256)  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("labels", "seed", "reason"),
    [([10], 0, "a correction says 10"), ([], 0, "nothing new to learn"), ([1], -1, "seed is -1")],
)
def test_what_cannot_be_learnt_is_refused(labels: list[int], seed: int, reason: str, base: Path, data: Path) -> None:
    before = read_history(base)
    assert before
    new = Digits(np.zeros((len(labels), 28, 28), np.uint8), np.array(labels, np.uint16))
    with pytest.raises(TrainingError, match=reason):
        continuing.go_on(None, before, new, seed, data)


def test_marks_that_are_many_are_all_seen(data: Path) -> None:
    some = mnist.load("train", data)
    old, recipe = Digits(some.images[:100], some.labels[:100]), continuing.CONTINUED
    images = np.zeros((60, 28, 28), np.uint8)
    images[:, 0, :] = np.arange(60)[:, None]  # tells them apart
    labels = np.where(np.arange(60) < 20, NO_DIGIT, 1).astype(np.uint8)
    epochs = continuing._Epochs(recipe, 0, old, Digits(images, labels))
    assert len({image.tobytes() for image in epochs._new_marks}) == 20


def test_a_loss_that_is_no_number_stops_it(base: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def diverging(*arguments: Any) -> Any:
        return dataclasses.replace(compile_trainer(*arguments), run=lambda part, order: (math.nan, 0.0))

    monkeypatch.setattr(continuing, "compile_trainer", diverging)
    with pytest.raises(TrainingError, match="the loss is nan in epoch 1"):
        go_on(base, data)


def test_a_history_of_version_5_was_of_a_model_trained_anew() -> None:
    from digitrec_edge.records import load_json

    found = parse_history(load_json(HISTORY_5.read_bytes()))
    assert (found.version, found.continued) == (HISTORY_VERSION, None)
    assert found.recipe.name == "reference"


@pytest.mark.parametrize(("int8_ready", "bits"), [(True, 8), (False, 32)])
def test_a_history_of_version_7_says_whether_weights_were_rounded(int8_ready: bool, bits: int, base: Path) -> None:
    history = read_history(base)
    assert history
    raw = dataclasses.asdict(history)
    del raw["recipe"]["weight_bits"], raw["recipe"]["pooled"]
    raw = json.loads(json.dumps({**raw, "version": 7, "recipe": {**raw["recipe"], "int8_ready": int8_ready}}))
    found = parse_history(raw)
    assert (found.version, found.recipe.weight_bits, found.recipe.pooled) == (HISTORY_VERSION, bits, False)
