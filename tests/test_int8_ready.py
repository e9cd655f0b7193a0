"""A network that is ready for int8: the same probabilities, and weights that int8 holds exactly."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec_edge import artifact, mnist, pretrained
from digitrec_edge.formats import tflite
from digitrec_edge.formats.flatbuffer import Table
from digitrec_edge.training import network
from digitrec_edge.training.int8_ready import LARGEST, make_int8_ready, rounded

pytestmark = pytest.mark.desktop


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
    make_int8_ready(model)
    after = network.reference_logits(model, images)
    assert np.abs(before.mean(axis=1)).min() > 10
    assert np.abs(after.mean(axis=1)).max() < 0.05 * np.abs(before.mean(axis=1)).min()
    assert np.abs(probabilities(after) - probabilities(before)).max() < 0.1


def test_weights_are_whole_multiples_of_their_unit_s_scale_and_stay_so(model: Any) -> None:
    make_int8_ready(model)
    once = model.get_weights()
    for kernel in once[::2]:
        steps = kernel / (np.abs(kernel).max(axis=0) / LARGEST)
        assert np.abs(steps - np.rint(steps)).max() < 1e-4
        assert np.abs(rounded(kernel) - kernel).max() <= 1e-6 * np.abs(kernel).max()


def test_a_unit_without_weights_stays_without() -> None:
    kernel = np.array([[0.0, 1.0], [0.0, -0.4]], np.float32)
    assert np.array_equal(rounded(kernel)[:, 0], [0, 0])
    assert rounded(kernel)[1, 1] == pytest.approx(-51 / 127)


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
