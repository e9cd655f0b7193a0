"""Trainings that share what TensorFlow compiles: a training of a few images is little else."""

import dataclasses
from typing import Any

import numpy as np

from digitrec_edge.training.loop import Trainer, Variables, compile_trainer
from digitrec_edge.training.recipes import Recipe


class SharedTrainers:
    """Stands in for ``compile_trainer``: compiles a recipe once, and lets every run start with all variables anew.

    The model that a run returns is that of the next run, too: take its weights before.
    """

    def __init__(self) -> None:
        self._made: dict[tuple[Recipe, int], tuple[Trainer, Variables]] = {}

    def __call__(self, model: Any, recipe: Recipe, digits: int) -> Trainer:
        alike = recipe if recipe.warmup_epochs else dataclasses.replace(recipe, epochs=1)  # else the rate is constant
        if (alike, digits) not in self._made:
            made = compile_trainer(model, recipe, digits)
            self._made[alike, digits] = made, tuple(np.array(variable) for variable in made.optimizer.variables)
        trainer, optimizer = self._made[alike, digits]
        trainer.restore((*(np.array(variable) for variable in model.variables), *optimizer))
        return trainer

    def forget(self) -> None:
        """Let the next run compile anew, as another process would."""
        self._made.clear()
