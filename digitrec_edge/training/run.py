"""A training run: a function of data, recipe and seed."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from digitrec_edge import __version__, mnist
from digitrec_edge.errors import InterruptedRunError, TrainingError
from digitrec_edge.mnist import Digits
from digitrec_edge.no_digit import NoDigit, fit_no_digit
from digitrec_edge.temperature import fit_temperature
from digitrec_edge.training import checkpoint
from digitrec_edge.training.ahead import epochs_ahead
from digitrec_edge.training.checkpoint import Checkpoint, Epoch, TrainingRun
from digitrec_edge.training.history import History
from digitrec_edge.training.loop import Trainer, Variables, compile_trainer, examples, room_for
from digitrec_edge.training.network import build, import_tensorflow, reference_logits
from digitrec_edge.training.recipes import Recipe
from digitrec_edge.training.sets import Sets, Unseen, check_seed, split, unseen
from digitrec_edge.training.weights import make_ready

CHECKPOINT_EVERY_S = 10.0


def train(
    recipe: Recipe,
    seed: int,
    source: Path | None = None,
    *,
    checkpoint_path: Path | None = None,
    resume: bool = False,
    on_start: Callable[[Any], None] = lambda model: None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> tuple[Any, History]:
    """Train a new model.

    The same seed gives the same weights on the same machine. KeyboardInterrupt ends the run after the
    last finished epoch; the model has that epoch's weights and the history says ``interrupted``.

    Args:
        recipe: what to do.
        seed: of the initial weights, the held-out images, the order of the batches and the distortions.
        source: data set, None is the bundled MNIST.
        checkpoint_path: where to write a checkpoint: at the end of an epoch, at most every 10 seconds, and of the
            last epoch always. It stays until ``history.write`` has written the model.
        resume: from the checkpoint, to the same result as an unbroken run.
        on_start: is given the untrained model.
        on_epoch: is given each finished epoch, those before a resumption too.

    Returns:
        The Keras model and its history.

    Raises:
        TrainingError: the recipe cannot be trained, or the checkpoint is of another run.
        InterruptedRunError: it was interrupted before the first epoch ended.
        DataError: the data set cannot be read.
    """
    digits = mnist.load("train", source)
    recipe.check(len(digits))
    check_seed(seed)
    run = TrainingRun(recipe, seed, digits.digest())
    before = _read_checkpoint(checkpoint_path, run) if resume and checkpoint_path else None
    sets = split(digits, mnist.load("test", source), recipe.validation_split, seed)
    import_tensorflow()
    import keras

    keras.utils.set_random_seed(seed)
    trainer = compile_trainer(build(recipe.hidden), recipe.averaged_over(len(sets.train)), len(sets.train))
    on_start(trainer.model)
    done, interrupted = _run_epochs(trainer, run, sets, before, checkpoint_path, on_epoch)
    trainer.use_ema()
    make_ready(trainer.model, recipe, sets.train.images)
    test_loss, test_accuracy = trainer.evaluate(examples(sets.test))
    temperature, no_digit = calibrate(trainer.model, recipe, unseen(recipe, seed, sets))
    eval_set, eval_digits = sets.evaluation
    history = History(
        recipe=recipe,
        seed=seed,
        train_images=len(sets.train),
        eval_set=eval_set,
        eval_images=len(eval_digits),
        epochs=done,
        interrupted=interrupted,
        test_loss=test_loss,
        test_accuracy=test_accuracy,
        temperature=temperature,
        no_digit=no_digit,
        parameters=trainer.model.count_params(),
        tools=tool_versions(),
    )
    return trainer.model, history


def calibrate(model: Any, recipe: Recipe, images: Unseen | None) -> tuple[float, NoDigit | None]:
    """Fit temperature and threshold on images that the model has not seen; without any there is neither."""
    if images is None:
        return 1.0, None
    temperature = fit_temperature(reference_logits(model, images.distorted.images), images.distorted.labels)
    return temperature, fit_no_digit(reference_logits(model, images.plain.images)) if recipe.marks else None


def tool_versions() -> dict[str, str]:
    """Return the versions of what trains."""
    tensorflow = import_tensorflow()
    import keras

    return {
        "digitrec-edge": __version__,
        "tensorflow": tensorflow.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


def _read_checkpoint(path: Path, run: TrainingRun) -> Checkpoint:
    found = checkpoint.read(path)
    if found.run != run and dataclasses.replace(found.run, data_sha256=run.data_sha256) == run:
        raise TrainingError(
            f"{path} is of a run on other training images: name its data set with --data, or train without --resume"
        )
    if found.run != run:
        raise TrainingError(
            f"{path} is of another run: recipe {found.run.recipe.name}, seed {found.run.seed}, "
            f"{found.run.recipe.epochs} epochs; give the same recipe, options, seed and data, or train without --resume"
        )
    return found


def _run_epochs(
    trainer: Trainer,
    run: TrainingRun,
    sets: Sets,
    before: Checkpoint | None,
    checkpoint_path: Path | None,
    on_epoch: Callable[[Epoch], None],
) -> tuple[tuple[Epoch, ...], bool]:
    """Train epoch after epoch; returns the finished ones and whether the user interrupted."""
    eval_examples = examples(sets.evaluation[1])
    epochs = list(before.epochs) if before else []
    state: Variables = before.variables if before else ()
    if before:
        trainer.restore(state)
        for epoch in epochs:
            on_epoch(epoch)
    room = room_for(len(sets.train) + run.recipe.marks_beside(len(sets.train)))
    shown: Digits | None = None
    saved_s = time.perf_counter()
    try:
        start = time.perf_counter()
        for number, digits, order in epochs_ahead(sets.train, run, len(epochs) + 1):
            if digits is not shown:
                shown, part = digits, examples(digits, room)
            loss, accuracy = trainer.run(part, order)
            if not np.isfinite(loss):
                raise TrainingError(f"the loss is {loss} in epoch {number}; lower the learning rate")
            after = trainer.state()
            trainer.use_ema()
            figures = trainer.evaluate(eval_examples)
            if trainer.uses_ema:
                trainer.restore(after)
            now = time.perf_counter()
            epochs, state = [*epochs, Epoch(number, loss, accuracy, *figures, seconds=now - start)], after
            start = now
            if checkpoint_path and (now - saved_s >= CHECKPOINT_EVERY_S or number == run.recipe.epochs):
                checkpoint.write(checkpoint_path, Checkpoint(run, tuple(epochs), state))
                saved_s = time.perf_counter()
            on_epoch(epochs[-1])
    except KeyboardInterrupt:
        if not epochs:
            raise InterruptedRunError("interrupted before the first epoch ended; nothing was written") from None
        trainer.restore(state)
        if checkpoint_path:
            checkpoint.write(checkpoint_path, Checkpoint(run, tuple(epochs), state))
        return tuple(epochs), True
    return tuple(epochs), False
