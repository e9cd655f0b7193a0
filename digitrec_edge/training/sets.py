"""The images of a run: what is trained on, what is held out, and the random numbers for each use."""

from dataclasses import dataclass

import numpy as np

from digitrec_edge.errors import TrainingError
from digitrec_edge.mnist import SEEDS, Digits
from digitrec_edge.training.augmentation import distort
from digitrec_edge.training.recipes import Recipe

TEMPERATURE_IMAGES = 20_000

SPLIT, ORDER, DISTORTION, TEMPERATURE, MARKS, REHEARSED = range(6)
"""What random numbers are for; each use and each epoch draws from a generator of its own."""


@dataclass(frozen=True)
class Sets:
    """The data of a run; ``held_out`` is empty without a validation split."""

    train: Digits
    held_out: Digits
    test: Digits

    @property
    def evaluation(self) -> tuple[str, Digits]:
        """What every epoch is evaluated on, and its name."""
        return ("validation", self.held_out) if len(self.held_out) else ("test", self.test)


def check_seed(seed: int) -> None:
    """Let pass a seed that random numbers may start from.

    Raises:
        TrainingError: names what is allowed.
    """
    if seed not in SEEDS:
        raise TrainingError(f"seed is {seed}, 0 to {SEEDS[-1]} is allowed")


def random_for(purpose: int, seed: int, epoch: int = 0) -> np.random.Generator:
    """Return the generator of one use in one epoch."""
    return np.random.default_rng([seed, purpose, epoch])


def split(digits: Digits, test: Digits, validation_split: float, seed: int) -> Sets:
    """Hold out a share of the digits; the same for the same seed."""
    held_out = round(len(digits) * validation_split)
    order = random_for(SPLIT, seed).permutation(len(digits)) if held_out else np.arange(len(digits))
    out, rest = order[:held_out], order[held_out:]
    return Sets(Digits(digits.images[rest], digits.labels[rest]), Digits(digits.images[out], digits.labels[out]), test)


@dataclass(frozen=True)
class Unseen:
    """What the model has not been trained on.

    Attributes:
        plain: the threshold of "no digit" is fitted on them.
        distorted: the temperature is; of plain ones so few are read wrong that those few would decide it.
    """

    plain: Digits
    distorted: Digits


def unseen(recipe: Recipe, seed: int, sets: Sets) -> Unseen | None:
    """Return the held-out images, also distorted as in the last epoch; without any, training images newly distorted."""
    digits, random = sets.held_out, random_for(TEMPERATURE, seed)
    if not recipe.distortion:
        return Unseen(digits, digits) if len(digits) else None
    if not len(digits):
        chosen = random.permutation(len(sets.train))[:TEMPERATURE_IMAGES]
        digits = Digits(sets.train.images[chosen], sets.train.labels[chosen])
    distorted = Digits(distort(digits.images, recipe.distortion, 1.0, random), digits.labels)
    return Unseen(digits if len(sets.held_out) else distorted, distorted)
