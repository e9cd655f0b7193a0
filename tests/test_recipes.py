"""Recipes are data: what cannot be trained is refused, distortions are annealed, a summary is flat."""

import dataclasses
import json
from typing import Any

import pytest

from digitrec_edge.errors import TrainingError
from digitrec_edge.training.recipes import RECIPES

ROBUST = dataclasses.replace(RECIPES["robust"], batch_size=256)


def test_the_table_is_keyed_by_name() -> None:
    assert all(name == recipe.name for name, recipe in RECIPES.items())


def test_the_reference_recipe_is_plain() -> None:
    reference = RECIPES["reference"]
    assert (reference.epochs, reference.batch_size, reference.learning_rate) == (20, 32, 0.001)
    assert reference.distortion is None
    assert reference.optimizer == "adam"
    assert (reference.ema_momentum, reference.weight_decay, reference.warmup_epochs) == (0, 0, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs is 0, allowed is 1 or more"),
        ({"distortion": None}, "marks is 0.5, allowed is 0 without distortion"),
        ({"learning_rate": 0.0}, "learning rate is 0.0"),
        ({"learning_rate": float("nan")}, "learning rate is nan"),
        ({"validation_split": 1.0}, "validation split is 1.0"),
        ({"batch_size": 1001}, "batch size is 1001, allowed is 1 to 950: give --batch-size 32"),
        ({"validation_split": 0.9999}, "validation split is 0.9999, allowed is what leaves some of 1,000 images"),
        ({"hidden": ()}, r"hidden is \(\), allowed is 1 to 7 layers of 1 to 1024 units"),
        ({"hidden": (64, 1025)}, r"hidden is \(64, 1025\), allowed is"),
        ({"batch_size": 501, "validation_split": 0.5}, "allowed is 1 to 500"),
    ],
)
def test_what_cannot_be_trained_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        dataclasses.replace(ROBUST, **change).check(1000)


def test_strengths_go_linearly_from_start_to_end() -> None:
    assert ROBUST.distortion is not None
    start, middle, end = (ROBUST.distortion.at(progress) for progress in (0, 0.5, 1))
    for field in dataclasses.fields(ROBUST.distortion):
        first, last = getattr(ROBUST.distortion, field.name)
        assert first > last
        found = (start[field.name], middle[field.name], end[field.name])
        assert found == pytest.approx((first, (first + last) / 2, last))


def test_marks_are_a_share_of_the_digits() -> None:
    assert ROBUST.marks_beside(1000) == 500
    assert RECIPES["reference"].marks_beside(1000) == 0


@pytest.mark.parametrize(("name", "digits"), [("standard", 55_000), ("robust", 57_000), ("tiny", 57_000)])
def test_the_average_of_mnist_is_the_recipe_s(name: str, digits: int) -> None:
    assert RECIPES[name].averaged_over(digits) == RECIPES[name]


@pytest.mark.parametrize("digits", [1, 10, 600, 3000, 20_000])
def test_an_average_of_few_steps_has_nothing_left_of_the_first_weights(digits: int) -> None:
    recipe = RECIPES["standard"].averaged_over(digits)
    steps = recipe.epochs * -(-(digits + recipe.marks_beside(digits)) // recipe.batch_size)
    assert recipe.ema_momentum**steps < 1e-6
    assert dataclasses.replace(recipe, ema_momentum=0.995) == RECIPES["standard"]


def test_a_summary_is_flat_json() -> None:
    summary = ROBUST.summary()
    assert summary["distortion.shift_px"] == "3 to 1.2"
    assert summary["hidden"] == "256-128-128"
    assert "distortion" not in summary
    assert all(value is None or isinstance(value, (str, int, float)) for value in summary.values())
    assert json.loads(json.dumps(summary)) == summary
