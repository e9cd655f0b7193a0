"""Going on from a trained model: old digits are rehearsed while it learns new ones, so that neither is forgotten.

Every epoch has some of the old training images, every new digit many times, and marks that are no digit, all newly
distorted (rehearsal: Robins, "Catastrophic Forgetting, Rehearsal and Pseudorehearsal", Connection Science 7, 1995).
"""

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge import mnist
from digitrec_edge.errors import TrainingError
from digitrec_edge.mnist import CLASSES, Digits
from digitrec_edge.training.augmentation import distort
from digitrec_edge.training.checkpoint import Epoch
from digitrec_edge.training.history import Continued, History
from digitrec_edge.training.loop import NO_DIGIT, Examples, compile_trainer, examples
from digitrec_edge.training.marks import make_marks
from digitrec_edge.training.network import import_tensorflow
from digitrec_edge.training.recipes import FLOAT_BITS, RECIPES, TRAINED_BITS, Distortion, Recipe
from digitrec_edge.training.run import calibrate, tool_versions
from digitrec_edge.training.sets import DISTORTION, MARKS, ORDER, REHEARSED, check_seed, random_for, split, unseen
from digitrec_edge.training.weights import make_ready

REHEARSED_IMAGES = 12_000
"""Old training images in an epoch, drawn anew for each."""

NEW_IMAGES, MOST_TIMES = 3_000, 40
"""New digits come so often that there are about this many in an epoch, and each at most so many times."""

STEP = 0.5
"""How far the weights go from the base's to the trained ones: halfway lies a model that has learnt nearly as much and
has forgotten less (Wortsman et al., "Robust Fine-Tuning of Zero-Shot Models", CVPR 2022)."""

WHOLE_STEP = 1.0
"""The same for weights of few bits: halfway they would be rounded to where they were."""


def _last(distortion: Distortion | None) -> Distortion:
    """Return a distortion that is all along as it is in its last epoch."""
    assert distortion
    ends = {name: (strength, strength) for name, strength in distortion.at(1.0).items()}
    return Distortion(**ends)


CONTINUED = dataclasses.replace(
    RECIPES["standard"],
    name="continued",
    epochs=8,
    batch_size=256,
    learning_rate=0.0005,
    optimizer="adam",
    weight_decay=0.01,
    ema_momentum=0.99,
    distortion=_last(RECIPES["standard"].distortion),
)
"""How to go on; the network and the validation split are those of the base."""


def go_on(
    model: Any,
    base: History,
    new: Digits,
    seed: int,
    source: Path | None = None,
    *,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> History:
    """Train a model further, in place.

    The same seed gives the same weights on the same machine.

    Args:
        model: the Keras model.
        base: its history.
        new: what it shall learn; the label ``NO_DIGIT`` is of marks that are none.
        seed: of the order of the batches, the images that are rehearsed and the distortions.
        source: data set that it was trained on, None is the bundled MNIST. What its run held out stays held out.
        on_epoch: is given each finished epoch.

    Returns:
        The history of the new model.

    Raises:
        TrainingError: there is nothing new, a label that the model does not know, or the loss is no number.
        DataError: the data set cannot be read.
    """
    _check(new, seed)
    recipe = _like(base.recipe)
    split_seed = base.continued.split_seed if base.continued else base.seed
    sets = split(mnist.load("train", source), mnist.load("test", source), recipe.validation_split, split_seed)
    import_tensorflow()
    import keras

    keras.utils.set_random_seed(seed)
    epochs = _Epochs(recipe, seed, sets.train, new)
    trainer = compile_trainer(model, recipe, epochs.digits)
    eval_set, eval_digits = sets.evaluation
    before, done = model.get_weights(), []
    for number, part, order in epochs:
        start = time.perf_counter()
        loss, accuracy = trainer.run(part, order)
        if not np.isfinite(loss):
            raise TrainingError(f"the loss is {loss} in epoch {number}; the base cannot be trained further")
        after = trainer.state()
        trainer.use_ema()
        figures = trainer.evaluate(examples(eval_digits))
        if number < recipe.epochs:
            trainer.restore(after)
        done.append(Epoch(number, loss, accuracy, *figures, seconds=time.perf_counter() - start))
        on_epoch(done[-1])
    _step(model, before, WHOLE_STEP if recipe.weight_bits == TRAINED_BITS else STEP)
    make_ready(model, recipe, sets.train.images)
    test_loss, test_accuracy = trainer.evaluate(examples(sets.test))
    temperature, no_digit = calibrate(model, recipe, unseen(recipe, seed, sets))
    return History(
        recipe=recipe,
        seed=seed,
        train_images=epochs.digits,
        eval_set=eval_set,
        eval_images=len(eval_digits),
        epochs=tuple(done),
        interrupted=False,
        test_loss=test_loss,
        test_accuracy=test_accuracy,
        temperature=temperature,
        no_digit=no_digit,
        parameters=model.count_params(),
        tools=tool_versions(),
        continued=Continued(
            base_sha256=base.model_sha256,
            data_sha256=new.digest(),
            digits=int((new.labels != NO_DIGIT).sum()),
            no_digit=int((new.labels == NO_DIGIT).sum()),
            split_seed=split_seed,
        ),
    )


def _step(model: Any, before: Sequence[NDArray[Any]], share: float) -> None:
    model.set_weights([old + share * (now - old) for old, now in zip(before, model.get_weights(), strict=True)])


def _like(base: Recipe) -> Recipe:
    """Return how to go on from a model of this recipe."""
    bits = CONTINUED.weight_bits if base.weight_bits == FLOAT_BITS else base.weight_bits
    return dataclasses.replace(
        CONTINUED, hidden=base.hidden, validation_split=base.validation_split, weight_bits=bits, pooled=base.pooled
    )


def _check(new: Digits, seed: int) -> None:
    unknown = new.labels[(new.labels >= CLASSES) & (new.labels != NO_DIGIT)]
    if len(unknown):
        raise TrainingError(f"a correction says {unknown[0]}, but the model knows 0 to {CLASSES - 1}")
    if not len(new):
        raise TrainingError("there is nothing new to learn: no correction is for training; correct more digits")
    check_seed(seed)


class _Epochs:
    """The examples and the order of every epoch.

    Attributes:
        digits: in an epoch, old and new; marks come beside.
    """

    def __init__(self, recipe: Recipe, seed: int, old: Digits, new: Digits) -> None:
        is_mark = new.labels == NO_DIGIT
        self._recipe, self._seed, self._old = recipe, seed, old
        times = max(1, min(MOST_TIMES, NEW_IMAGES // len(new)))
        self._new = Digits(new.images[~is_mark].repeat(times, 0), new.labels[~is_mark].repeat(times))
        self._rehearsed = min(REHEARSED_IMAGES, len(old))
        self.digits = self._rehearsed + len(self._new)
        marks = recipe.marks_beside(self.digits)
        new_marks = new.images[is_mark]
        self._new_marks = new_marks.repeat(max(1, min(times, marks // max(1, len(new_marks)))), 0)[:marks]
        self._made = make_marks(marks, old, random_for(MARKS, seed))

    def __iter__(self) -> Iterator[tuple[int, Examples, NDArray[np.int64]]]:
        """Yield number, examples and order."""
        for number in range(1, self._recipe.epochs + 1):
            part = self._make(number)
            yield number, part, random_for(ORDER, self._seed, number).permutation(len(part.labels))

    def _make(self, number: int) -> Examples:
        assert self._recipe.distortion
        drawn = random_for(REHEARSED, self._seed, number).permutation(len(self._old))[: self._rehearsed]
        chosen = random_for(MARKS, self._seed, number).permutation(len(self._made))
        made = self._made[chosen[: len(self._made) - len(self._new_marks)]]
        images = np.concatenate([self._old.images[drawn], self._new.images, self._new_marks, made])
        marks = np.full(len(self._new_marks) + len(made), NO_DIGIT, np.uint8)
        labels = np.concatenate([self._old.labels[drawn], self._new.labels, marks])
        random = random_for(DISTORTION, self._seed, number)
        return examples(Digits(distort(images, self._recipe.distortion, 1.0, random), labels))
