"""A network that is ready for few bits: the same probabilities, and weights that so many bits hold exactly."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from converters.c import tflite_target
from converters.source import open_source
from converters.tflite import int4
from digitrec_edge import artifact, mnist, pretrained
from digitrec_edge.dense.tflite import read_network
from digitrec_edge.formats import tflite
from digitrec_edge.formats.flatbuffer import Table
from digitrec_edge.training import network
from digitrec_edge.training.recipes import RECIPES
from digitrec_edge.training.weights import GROUP, forward, grouped, largest, make_ready, rounded

pytestmark = pytest.mark.desktop

INT8, INT4 = RECIPES["standard"], RECIPES["tiny"]


@pytest.fixture
def model() -> Any:
    found = network.build((32, 16))
    random = np.random.default_rng(0)
    found.set_weights([random.normal(0.3, 0.2, weights.shape).astype(np.float32) for weights in found.get_weights()])
    return found


def probabilities(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    odds = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def test_probabilities_stay_and_logits_have_nothing_in_common(model: Any) -> None:
    images = mnist.load("test").images[:200]
    before = network.reference_logits(model, images)
    make_ready(model, INT8, images)
    after = network.reference_logits(model, images)
    assert np.abs(before.mean(axis=1)).min() > 10
    assert np.abs(after.mean(axis=1)).max() < 0.05 * np.abs(before.mean(axis=1)).min()
    assert np.abs(probabilities(after) - probabilities(before)).max() < 0.1


def test_units_change_their_places_and_no_answer(model: Any) -> None:
    images = mnist.load("test").images[:200]
    random = np.random.default_rng(0)
    model.set_weights([random.normal(0, 0.2, weights.shape).astype(np.float32) for weights in model.get_weights()])
    before, kernel = network.reference_logits(model, images), model.get_weights()[2]
    make_ready(model, INT8, images)
    after = network.reference_logits(model, images)
    assert np.abs(model.get_weights()[2] - kernel).max() > 0.2
    assert np.abs(probabilities(after) - probabilities(before)).max() < 0.1


def test_weights_are_whole_multiples_of_their_unit_s_scale_and_stay_so(model: Any) -> None:
    make_ready(model, INT8, mnist.load("test").images[:200])
    once = model.get_weights()
    for kernel in once[::2]:
        steps = kernel / (np.abs(kernel).max(axis=0) / largest(8))
        assert np.abs(steps - np.rint(steps)).max() < 1e-4
        assert np.abs(rounded(kernel) - kernel).max() <= 1e-6 * np.abs(kernel).max()


def test_a_unit_without_weights_stays_without() -> None:
    kernel = np.array([[0.0, 1.0], [0.0, -0.4]], np.float32)
    assert np.array_equal(rounded(kernel)[:, 0], [0, 0])
    assert rounded(kernel)[1, 1] == pytest.approx(-51 / 127)


def read_groups(active: NDArray[np.bool_]) -> float:
    """How many groups of units a kernel reads for an image, in the mean: those that are not 0 throughout."""
    return float(active.reshape(len(active), -1, GROUP).any(axis=2).sum(axis=1).mean())


def test_units_that_are_active_together_are_grouped() -> None:
    random = np.random.default_rng(1)
    kinds = random.integers(0, 8, 500)
    active = (np.arange(32) % 8)[None] == kinds[:, None]
    active &= random.random(active.shape) < 0.9
    order = grouped(active)
    assert sorted(order) == list(range(32))
    assert all(len(set(order[start : start + GROUP] % 8)) == 1 for start in range(0, 32, GROUP))
    assert read_groups(active[:, order]) < 1.01 < 3.5 < read_groups(active)


def test_any_number_of_units_is_put_in_order() -> None:
    assert sorted(grouped(np.zeros((3, 7), bool))) == list(range(7))
    assert list(grouped(np.ones((3, 1), bool))) == [0]


def test_the_pretrained_network_s_units_are_in_groups_and_others_would_not_be() -> None:
    images = mnist.load("test").images[:1000].reshape(1000, -1).astype(np.float32) / np.float32(255)
    active = images @ kernels("digitrec-float32.tflite")["hidden_1/kernel"].T > 0
    shuffled = np.random.default_rng(0).permutation(active.shape[1])
    assert read_groups(active) < 0.9 * read_groups(active[:, shuffled])


def kernels(name: str) -> dict[str, NDArray[np.float32]]:
    """The kernels of a pretrained artifact, as float32."""
    payload = artifact.read(pretrained.DEFAULT.with_name(name)).payload
    root, found = Table.root(payload), {}
    for table, tensor in zip(root.tables(2)[0].tables(0), tflite.describe(payload).tensors, strict=True):
        if tensor.name.endswith("/kernel"):
            stored = root.tables(4)[table.number(2, "I")].vector(0, "u1").view(tensor.dtype)
            scales = np.array(tensor.scale or [1.0], np.float32)
            found[tensor.name] = np.asarray(stored.reshape(int(tensor.shape[0]), -1) * scales[:, None], np.float32)
    return found


def test_the_pretrained_float32_and_int8_artifacts_have_the_same_weights() -> None:
    wide, narrow = kernels("digitrec-float32.tflite"), kernels("digitrec-int8.tflite")
    assert len(wide) == 4
    assert wide.keys() == narrow.keys()
    for name, kernel in wide.items():
        assert np.abs(kernel - narrow[name]).max() <= 1e-6 * np.abs(kernel).max()


def test_a_recipe_of_float32_weights_leaves_them(model: Any) -> None:
    before = model.get_weights()
    make_ready(model, RECIPES["reference"], mnist.load("test").images[:50])
    assert all(np.array_equal(one, other) for one, other in zip(before, model.get_weights(), strict=True))


def test_four_bits_are_trained_with_and_what_is_trained_with_is_the_result(model: Any) -> None:
    images = mnist.load("test").images[:200]
    pixels = images.astype(np.float32) / 255
    trained = np.asarray(forward(model, INT4)(pixels, True))
    make_ready(model, INT4, images)
    assert np.abs(network.reference_logits(model, images) - trained).max() < 1e-3
    assert np.abs(np.asarray(forward(model, INT4)(pixels, False)) - trained).max() < 1e-3
    for kernel in model.get_weights()[::2]:
        steps = kernel / (np.abs(kernel).max(axis=0) / 7)
        assert np.abs(steps - np.rint(steps)).max() < 1e-4
    squares = model.get_weights()[0].reshape(14, 2, 14, 2, -1)
    assert np.array_equal(squares, np.broadcast_to(squares[:, :1, :, :1], squares.shape))


def test_weights_behind_the_rounded_ones_learn_as_if_nothing_was_rounded(model: Any) -> None:
    tf = network.import_tensorflow()
    pixels = mnist.load("test").images[:50].astype(np.float32) / 255
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(forward(model, INT4)(pixels, True)[:, 3])
    for gradient in tape.gradient(loss, model.trainable_variables):
        assert np.abs(np.asarray(gradient)).max() > 0


def test_eight_bits_are_not_trained_with_and_a_network_runs_as_it_is(model: Any) -> None:
    pixels = mnist.load("test").images[:50].astype(np.float32) / 255
    assert np.array_equal(np.asarray(forward(model, INT8)(pixels, True)), np.asarray(model(pixels)))
    wide = dataclasses.replace(INT4, weight_bits=8, pooled=False)
    assert np.array_equal(np.asarray(forward(model, wide)(pixels, True)), np.asarray(model(pixels)))


def test_int4_holds_a_network_of_four_bits_as_it_is(model: Any, tmp_path: Path) -> None:
    make_ready(model, INT4, mnist.load("train").images[:200])
    network.save(model, tmp_path / "model.keras")
    payload = int4(open_source(tmp_path / "model.keras", None, 50, 0), tflite_target())
    stored = [layer.weights for layer in read_network(payload).layers]
    for kernel, weights in zip(model.get_weights()[::2], stored, strict=True):
        assert np.array_equal(np.rint(kernel / (np.abs(kernel).max(axis=0) / 7)).T, weights)
