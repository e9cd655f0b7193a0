"""One epoch of training, compiled: the loop over the batches runs inside TensorFlow.

The same batches, updates and optimiser as Keras ``fit``, without going back to Python for every batch.
The images lie in memory as float32 and each step gathers its rows by index; slicing uint8 and
casting inside the compiled loop would be a hundred times slower.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.mnist import Digits
from digitrec_edge.quantization import PIXEL_MAX, SIDE
from digitrec_edge.training.network import import_tensorflow
from digitrec_edge.training.recipes import Recipe
from digitrec_edge.training.weights import forward

Variables = tuple[NDArray[Any], ...]

NO_DIGIT = 255
"""The label of a mark that is no digit."""

_ALIGNED_TO = 64
"""Bytes: TensorFlow's ``Allocator::kAllocatorAlignment``."""

NEWTON_SCHULZ_STEPS = 3
"""Of Muon (Jordan et al., "Muon: An Optimizer for Hidden Layers in Neural Networks", 2024): it takes 5, but here 3 end
at no higher loss, in less time."""


class Examples(NamedTuple):
    """Digits as TensorFlow tensors: ``(N, 28, 28) float32`` in 0 to 1 and ``(N,) int32``."""

    pixels: Any
    labels: Any


def room_for(images: int) -> NDArray[np.float32]:
    """Return memory for the pixels of so many images, placed as TensorFlow needs it to read it where it lies."""
    count = images * SIDE * SIDE
    memory = np.empty(count + _ALIGNED_TO // 4, np.float32)
    start = -memory.ctypes.data % _ALIGNED_TO // 4
    return memory[start : start + count].reshape(images, SIDE, SIDE)


def examples(digits: Digits, room: NDArray[np.float32] | None = None) -> Examples:
    """Turn digits into tensors.

    Args:
        digits: so many.
        room: memory for the pixels, of :func:`room_for` as many images or more; the examples are good until it is
            used again. The pixels of an epoch are 200 MB: fresh memory costs more time than to fill it.
    """
    tf = import_tensorflow()
    pixels = (room_for(len(digits)) if room is None else room)[: len(digits)]
    np.divide(digits.images, np.float32(PIXEL_MAX), out=pixels)
    read_there = tf.experimental.dlpack.from_dlpack(pixels.__dlpack__())  # tf.constant copies it twice
    return Examples(read_there, tf.constant(digits.labels.astype(np.int32)))


@dataclass(frozen=True)
class Trainer:
    """A model, its optimiser and the compiled functions that work on them.

    Attributes:
        run: trains one epoch on examples, in a given order of all of them; returns mean loss and accuracy.
        evaluate: returns loss and accuracy on examples, of the model as it stands.
    """

    model: Any
    optimizer: Any
    uses_ema: bool
    run: Callable[[Examples, NDArray[np.int64]], tuple[float, float]]
    evaluate: Callable[[Examples], tuple[float, float]]

    def state(self) -> Variables:
        """Return a copy of all variables of model and optimiser."""
        return tuple(np.array(v) for v in (*self.model.variables, *self.optimizer.variables))

    def restore(self, state: Variables) -> None:
        """Put a copied state back.

        Raises:
            ValueError: the state belongs to another model or optimiser.
        """
        variables = (*self.model.variables, *self.optimizer.variables)
        for variable, value in zip(variables, state, strict=True):
            variable.assign(value)

    def use_ema(self) -> None:
        """Give the model the exponential moving average of its weights, where the recipe has one."""
        if self.uses_ema:
            self.optimizer.finalize_variable_values(self.model.trainable_variables)


def build_optimizer(recipe: Recipe, images: int) -> Any:
    """Build the recipe's Keras optimiser for epochs of so many images."""
    import_tensorflow()
    import keras

    rate: Any = recipe.learning_rate
    if recipe.warmup_epochs:
        steps = math.ceil(images / recipe.batch_size)
        warmup = steps * min(recipe.warmup_epochs, recipe.epochs)
        rate = keras.optimizers.schedules.CosineDecay(
            0.0,
            decay_steps=max(1, steps * recipe.epochs - warmup),
            warmup_target=recipe.learning_rate,
            warmup_steps=warmup,
        )
    shared: dict[str, Any] = {"weight_decay": recipe.weight_decay or None}
    if recipe.ema_momentum:
        shared |= {"use_ema": True, "ema_momentum": recipe.ema_momentum}
    if recipe.optimizer == "muon":
        optimizer = keras.optimizers.Muon(
            rate,
            adam_beta_2=recipe.beta_2,
            adam_weight_decay=shared["weight_decay"],
            ns_steps=NEWTON_SCHULZ_STEPS,
            exclude_layers=["logits"],
            **shared,
        )
    else:
        optimizer = keras.optimizers.Adam(rate, beta_2=recipe.beta_2, **shared)
    if recipe.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


def compile_trainer(model: Any, recipe: Recipe, digits: int) -> Trainer:
    """Compile training and evaluation of a model for epochs of so many digits, and the recipe's marks.

    The last batch of an epoch may be smaller and is a step of its own, as in Keras ``fit``.
    """
    tf = import_tensorflow()
    import keras

    optimizer = build_optimizer(recipe, digits + recipe.marks_beside(digits))
    optimizer.build(model.trainable_variables)
    logits_of = forward(model, recipe)
    loss_of = _loss_with_marks(recipe) if recipe.marks else keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def right(logits: Any, truth: Any) -> Any:
        return tf.reduce_sum(tf.cast(tf.equal(tf.argmax(logits, -1, output_type=tf.int32), truth), tf.float32))

    def step(pixels: Any, labels: Any, indices: Any) -> tuple[Any, Any]:
        batch, truth = tf.gather(pixels, indices), tf.gather(labels, indices)
        with tf.GradientTape() as tape:
            logits = logits_of(batch, True)
            loss = loss_of(truth, logits)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss * tf.cast(tf.size(indices), tf.float32), right(logits, truth)

    def steps(pixels: Any, labels: Any, batches: Any) -> tuple[Any, Any]:
        loss_sum, right_sum = 0.0, 0.0
        for k in tf.range(tf.shape(batches)[0]):
            loss, correct = step(pixels, labels, batches[k])
            loss_sum += loss
            right_sum += correct
        return loss_sum, right_sum

    def evaluate(pixels: Any, labels: Any) -> tuple[Any, Any]:
        logits = logits_of(pixels, False)
        return loss_of(labels, logits), right(logits, labels)

    run_steps = tf.function(steps, jit_compile=True)
    run_rest = tf.function(step, jit_compile=True)
    run_evaluate = tf.function(evaluate, jit_compile=True)

    def run_epoch(part: Examples, order: NDArray[np.int64]) -> tuple[float, float]:
        whole = len(order) // recipe.batch_size * recipe.batch_size
        indices = order.astype(np.int32)
        results = [run_steps(*part, tf.constant(indices[:whole].reshape(-1, recipe.batch_size)))]
        if whole < len(order):
            results.append(run_rest(*part, tf.constant(indices[whole:])))
        loss_sum, right_sum = (sum(float(value) for value in column) for column in zip(*results, strict=True))
        return loss_sum / len(order), right_sum / digits

    def run_evaluation(part: Examples) -> tuple[float, float]:
        loss, correct = run_evaluate(*part)
        return float(loss), float(correct) / len(part.labels)

    return Trainer(model, optimizer, bool(recipe.ema_momentum), run_epoch, run_evaluation)


def _loss_with_marks(recipe: Recipe) -> Callable[[Any, Any], Any]:
    """Return the loss of a batch per digit: cross-entropy, of a mark to all classes alike and weighted.

    Hendrycks, Mazeika, Dietterich, "Deep Anomaly Detection with Outlier Exposure" (ICLR 2019), section 4.3.
    """
    tf = import_tensorflow()

    def loss_of(labels: Any, logits: Any) -> Any:
        classes = logits.shape[-1]
        marks = tf.cast(tf.equal(labels, NO_DIGIT), tf.float32)
        targets = tf.one_hot(labels, classes) + marks[:, None] / classes
        losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
        weights = 1 + (recipe.marks_weight - 1) * marks
        return tf.reduce_sum(weights * losses) / tf.maximum(tf.reduce_sum(1 - marks), 1)

    return loss_of
