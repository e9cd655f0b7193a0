"""Training: recipes are data, a run is a function of data, recipe and seed.

A whole epoch is one XLA-compiled function that loops over the batches inside TensorFlow: the same
batches, updates and optimiser as Keras ``fit``, without going back to Python 1,875 times an epoch.
"""

import dataclasses
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge import mnist
from digitrec_edge.card import parse
from digitrec_edge.errors import InterruptedRunError, TrainingError
from digitrec_edge.files import sha256, write_file
from digitrec_edge.mnist import Digits
from digitrec_edge.model import build, import_tensorflow, save
from digitrec_edge.quantization import PIXEL_MAX

HISTORY_VERSION = 1


@dataclass(frozen=True)
class Recipe:
    """How to train: Adam, sparse categorical cross-entropy on logits, pixels / 255, shuffled each epoch.

    Attributes:
        validation_split: share of the training images held out to be watched instead of the test set.
    """

    name: str
    epochs: int
    batch_size: int
    learning_rate: float
    validation_split: float = 0.0

    def check(self, images: int) -> None:
        """Refuse what cannot be trained.

        Raises:
            TrainingError: names the value and what is allowed.
        """
        held_out = round(images * self.validation_split) if 0 <= self.validation_split < 1 else 0
        for name, value, good, allowed in (
            ("epochs", self.epochs, self.epochs >= 1, "1 or more"),
            ("learning rate", self.learning_rate, 0 < self.learning_rate < float("inf"), "more than 0"),
            ("validation split", self.validation_split, 0 <= self.validation_split < 1, "0 up to, but not, 1"),
            ("batch size", self.batch_size, 1 <= self.batch_size <= images - held_out, f"1 to {images - held_out:,}"),
        ):
            if not good:
                raise TrainingError(f"{name} is {value}, allowed is {allowed}")


RECIPES = {
    "reference": Recipe("reference", epochs=20, batch_size=32, learning_rate=0.001),
}


@dataclass(frozen=True)
class Epoch:
    """One epoch's figures; training figures are means over the epoch while it trains, as in Keras ``fit``."""

    epoch: int
    loss: float
    accuracy: float
    watched_loss: float
    watched_accuracy: float
    seconds: float


@dataclass(frozen=True)
class History:
    """A training run.

    Attributes:
        watched: ``test`` or ``validation``: the images of ``watched_loss`` and ``watched_accuracy``.
            They are looked at, never trained on, and nothing is chosen by them.
        interrupted: the run was stopped by the user after its last epoch here.
    """

    recipe: Recipe
    seed: int
    train_images: int
    watched: str
    watched_images: int
    epochs: tuple[Epoch, ...]
    interrupted: bool
    parameters: int
    tools: dict[str, str]
    model_sha256: str = ""
    version: int = HISTORY_VERSION


def history_path(model_path: Path) -> Path:
    """Where the history of a model file lies: ``model.keras`` -> ``model.history.json``."""
    return model_path.with_suffix(".history.json")


def train(
    recipe: Recipe,
    seed: int,
    source: Path | None = None,
    *,
    on_start: Callable[[Any], None] = lambda model: None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> tuple[Any, History]:
    """Train a new model.

    The same seed gives the same weights on the same machine. KeyboardInterrupt ends the run after the
    last finished epoch; the model has that epoch's weights and the history says ``interrupted``.

    Args:
        recipe: what to do.
        seed: of the initial weights, the held-out images and the order of the batches.
        source: data set, None is the bundled MNIST.
        on_start: is given the untrained model.
        on_epoch: is given each finished epoch.

    Returns:
        The Keras model and its history.

    Raises:
        TrainingError: the recipe cannot be trained.
        InterruptedRunError: it was interrupted before the first epoch ended.
        DataError: the data set cannot be read.
    """
    digits = mnist.load("train", source)
    recipe.check(len(digits))
    if not 0 <= seed < 2**31:
        raise TrainingError(f"seed is {seed}, 0 to {2**31 - 1} is allowed")
    random = np.random.default_rng(seed)
    held_out = round(len(digits) * recipe.validation_split)
    order = random.permutation(len(digits)) if held_out else np.arange(len(digits))
    part = Digits(digits.images[order[held_out:]], digits.labels[order[held_out:]])
    watched_name = "validation" if held_out else "test"
    watched = (
        Digits(digits.images[order[:held_out]], digits.labels[order[:held_out]])
        if held_out
        else mnist.load("test", source)
    )
    tensorflow = import_tensorflow()
    import keras

    keras.utils.set_random_seed(seed)
    model = build()
    on_start(model)
    epochs: list[Epoch] = []
    weights: list[NDArray[np.float32]] = []
    interrupted = False
    try:
        run_epoch = compile_epoch(model, recipe, part, watched)
        for number in range(1, recipe.epochs + 1):
            start = time.perf_counter()
            figures = run_epoch(random.permutation(len(part)))
            if not np.isfinite(figures[0]):
                raise TrainingError(f"the loss is {figures[0]} in epoch {number}; lower the learning rate")
            epoch = Epoch(number, *figures, seconds=time.perf_counter() - start)
            epochs, weights = [*epochs, epoch], model.get_weights()  # Ctrl-C comes before or after both
            on_epoch(epoch)
    except KeyboardInterrupt:
        if not weights:
            raise InterruptedRunError("interrupted before the first epoch ended; nothing was written") from None
        interrupted = True
        model.set_weights(weights)
    tools = {"tensorflow": tensorflow.__version__, "keras": keras.__version__, "numpy": np.__version__}
    history = History(
        recipe, seed, len(part), watched_name, len(watched), tuple(epochs), interrupted, model.count_params(), tools
    )
    return model, history


def compile_epoch(
    model: Any, recipe: Recipe, part: Digits, watched: Digits
) -> Callable[[NDArray[np.int64]], tuple[float, float, float, float]]:
    """Return a function that trains one epoch in a given order of images and evaluates it.

    The images lie in memory once, as float32; each step gathers its rows by index. The last batch of
    an epoch may be smaller and is a step of its own, as in Keras ``fit``.
    """
    tf = import_tensorflow()
    import keras

    optimizer = keras.optimizers.Adam(recipe.learning_rate)
    optimizer.build(model.trainable_variables)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    images, labels = _tensors(tf, part)
    watched_images, watched_labels = _tensors(tf, watched)

    def right(logits: Any, truth: Any) -> Any:
        return tf.reduce_sum(tf.cast(tf.equal(tf.argmax(logits, -1, output_type=tf.int32), truth), tf.float32))

    def step(indices: Any) -> tuple[Any, Any]:
        batch, truth = tf.gather(images, indices), tf.gather(labels, indices)
        with tf.GradientTape() as tape:
            logits = model(batch, training=True)
            loss = loss_of(truth, logits)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss * tf.cast(tf.size(indices), tf.float32), right(logits, truth)

    def steps(batches: Any) -> tuple[Any, Any]:
        loss_sum, right_sum = 0.0, 0.0
        for k in tf.range(tf.shape(batches)[0]):
            loss, correct = step(batches[k])
            loss_sum += loss
            right_sum += correct
        return loss_sum, right_sum

    def evaluate() -> tuple[Any, Any]:
        logits = model(watched_images, training=False)
        return loss_of(watched_labels, logits), right(logits, watched_labels)

    run_steps = tf.function(steps, jit_compile=True)
    run_rest = tf.function(step, jit_compile=True)
    run_evaluate = tf.function(evaluate, jit_compile=True)

    def run(order: NDArray[np.int64]) -> tuple[float, float, float, float]:
        whole = len(order) // recipe.batch_size * recipe.batch_size
        indices = order.astype(np.int32)
        results = [run_steps(tf.constant(indices[:whole].reshape(-1, recipe.batch_size)))]
        if whole < len(order):
            results.append(run_rest(tf.constant(indices[whole:])))
        loss_sum, right_sum = (sum(float(value) for value in column) for column in zip(*results, strict=True))
        watched_loss, watched_right = run_evaluate()
        count = len(order)
        return loss_sum / count, right_sum / count, float(watched_loss), float(watched_right) / len(watched)

    return run


def _tensors(tf: Any, digits: Digits) -> tuple[Any, Any]:
    images = digits.images.astype(np.float32) / np.float32(PIXEL_MAX)
    return tf.constant(images), tf.constant(digits.labels.astype(np.int32))


def write(model: Any, history: History, path: Path) -> History:
    """Write the model and, beside it, its history; returns the history with the model's hash."""
    save(model, path)
    history = dataclasses.replace(history, model_sha256=sha256(path.read_bytes()))
    write_file(history_path(path), json.dumps(dataclasses.asdict(history), indent=1).encode())
    return history


def read_history(model_path: Path) -> History | None:
    """Read the history of a model file; None when there is none or it belongs to another file.

    Raises:
        TrainingError: the history exists but cannot be read.
    """
    path = history_path(model_path)
    if not path.exists():
        return None
    try:
        history = parse(History, json.loads(path.read_text()), "history")
    except ValueError as cause:
        raise TrainingError(f"{path} is not a training history: {cause}; train again") from cause
    return history if history.model_sha256 == sha256(model_path.read_bytes()) else None
