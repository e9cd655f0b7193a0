"""Ranges of activations: the rare is cut off, a picture's pixels are not, and likely labels are told apart."""

import numpy as np
import pytest
from numpy.typing import NDArray

from converters.ranges import SEEN, activation_ranges, logit_range
from digitrec_edge import artifact, mnist, pretrained

pytestmark = pytest.mark.desktop


def divergence(logits: NDArray[np.float64], ends: tuple[float, float]) -> float:
    scale = (ends[1] - ends[0]) / 255
    stored = np.clip(np.rint(logits / scale), np.rint(ends[0] / scale), np.rint(ends[1] / scale)) * scale
    wanted, found = (np.exp(x - x.max(1, keepdims=True)) for x in (logits, stored))
    wanted, found = wanted / wanted.sum(1, keepdims=True), found / found.sum(1, keepdims=True)
    return float((wanted * np.log(wanted / found)).sum(1).mean())


def test_logits_far_behind_are_cut_off_and_those_in_front_are_told_apart() -> None:
    logits = np.random.default_rng(0).normal(0, 2, (500, 10))
    logits[:, 9] = -60.0
    low, high = logit_range(logits.astype(np.float32))
    assert -15 < low < 0
    assert 2 < high <= logits.max()
    assert divergence(logits, (low, high)) < divergence(logits, (-60.0, float(logits.max()))) / 10


@pytest.mark.parametrize("shift", [-30.0, 30.0])
def test_logits_of_one_sign_keep_their_answers(shift: float) -> None:
    logits = np.random.default_rng(1).normal(shift, 3, (500, 10))
    low, high = logit_range(logits.astype(np.float32))
    assert low <= 0 <= high
    assert low < logits.max(axis=1).min()
    assert divergence(logits, (low, high)) < 0.01


def test_logits_that_are_all_zero_have_some_range() -> None:
    assert logit_range(np.zeros((3, 10), np.float32)) == (0.0, 0.0)


def test_hidden_activations_lose_what_few_images_reach_and_pixels_lose_nothing() -> None:
    payload = artifact.read(pretrained.DEFAULT.with_name("digitrec-float32.tflite")).payload
    images = mnist.load("train").images[:300].astype(np.float32) / np.float32(255)
    found = activation_ranges(payload, images)
    assert found["image"] == (0.0, 1.0)
    assert activation_ranges(payload, 0.2 + 0.5 * images[:9])["image"] == (0.0, 1.0)  # of scans that are faded
    (hidden,) = (name for name in found if name.endswith("hidden_1"))
    largest = hidden_1(payload, images).max(axis=1)
    low, high = found[hidden]
    assert low == 0
    assert high == pytest.approx(float(np.quantile(largest, SEEN, method="higher")), rel=1e-5)
    assert high < largest.max()
    assert found["logits"][0] < 0 < found["logits"][1]


def hidden_1(payload: bytes, images: NDArray[np.float32]) -> NDArray[np.float32]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=payload)
    interpreter.allocate_tensors()
    named = {one["name"]: one["index"] for one in interpreter.get_tensor_details()}
    kernel, bias = (interpreter.get_tensor(named[f"hidden_1/{part}"]) for part in ("kernel", "bias"))
    found: NDArray[np.float32] = np.maximum(images.reshape(len(images), -1) @ kernel.T + bias, 0)
    return found
