"""The page's engine, in node: equal to LiteRT in every logit, by both kernels; and what it refuses."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec_edge import mnist, pretrained
from digitrec_edge.dense.tflite import NotDenseError, read_network
from digitrec_edge.formats.graph import MalformedError
from digitrec_edge.no_digit import score
from digitrec_edge.quantization import dequantize, softmax
from runtimes import Model
from tests import hostile_models as hostile

pytestmark = pytest.mark.checkout
WEB = Path(__file__).parents[2] / "digitrec_edge" / "web"
UINT8, QUANTIZE = 3, 114
"""A type of tensors and an operator, by their codes."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where node leaves its answers."""
    return tmp_path_factory.mktemp("engine")


@pytest.fixture(scope="module")
def ran(node: Callable[..., Any], folder: Path) -> tuple[dict[str, Any], NDArray[np.int8]]:
    """What engine.mjs said, and the logits by each kernel, ``(2, 10000, 10)``."""
    mnist.load("test").images.tofile(folder / "images")
    said = node(
        "engine.mjs", pretrained.DEFAULT, WEB / "dense.wasm", folder / "images", folder / "logits", folder / "answers"
    )
    return said, np.fromfile(folder / "logits", np.int8).reshape(2, -1, 10)


def test_all_logits_are_those_of_litert(ran: tuple[dict[str, Any], NDArray[np.int8]], logits: NDArray[np.int8]) -> None:
    said, found = ran
    assert said["names"] == ["simd", "js"]
    for name, numbers in zip(said["names"], found, strict=True):
        assert int((numbers != logits).sum()) == 0, name


@pytest.mark.usefixtures("ran")
def test_answers_and_scores_are_those_of_python(
    folder: Path, logits: NDArray[np.int8], pretrained_model: Model
) -> None:
    found = np.fromfile(folder / "answers").reshape(-1, 3)
    output, card = pretrained_model.output, pretrained_model.card
    assert card
    assert card.no_digit
    assert output.scale is not None
    assert output.zero_point is not None
    real = dequantize(logits, output.scale, output.zero_point)
    scores = score(real)
    accepted = scores >= np.float32(card.no_digit.threshold)
    assert (found[:, 0] == np.where(accepted, real.argmax(axis=1), -1)).all()
    assert (found[:, 2].astype(np.float32) == scores).all()
    assert np.abs(found[:, 1] - softmax(real / np.float32(card.temperature)).max(axis=1)).max() < 1e-6


def test_the_kernel_is_chosen_by_what_there_is(ran: tuple[dict[str, Any], NDArray[np.int8]]) -> None:
    assert ran[0]["kernel"] == "simd"
    assert ran[0]["without"] == "js"


def test_what_is_no_model_or_no_picture_is_refused_in_words(ran: tuple[dict[str, Any], NDArray[np.int8]]) -> None:
    refused = ran[0]["refused"]
    assert "no TFLite file" in refused["nothing"]
    assert "no TFLite file" in refused["no model"]
    assert refused["half a model"] == "the model is damaged or cut off"
    assert (
        refused["short picture"] == refused["numbers"] == "a picture is a Uint8Array of 784, background 0 and ink 255"
    )


def scaled(scale: float, zero: int) -> dict[int, hostile.Node]:
    return {4: hostile.Node({2: ("<f4", [scale]), 3: ("<i8", [zero])})}


def network(
    layers: int = 1,
    hidden: tuple[float, int] = (0.1, -128),
    weights: tuple[float, int] = (0.01, 0),
    shuffled: int = 0,
) -> bytes:
    """A model of int8 Dense layers on a picture's own bytes, with the scale and zero point that these are given."""
    tensors = [
        hostile.Tensor((1, 784), kind=UINT8, slots=scaled(1 / 255, 0)),
        hostile.Tensor((1, 784), kind=hostile.INT8, slots=scaled(1 / 255, -128)),
    ]
    steps = [hostile.Operator(QUANTIZE, (0,), (1,))]
    for inputs in [784, *[10] * (layers - 1)]:
        at = len(tensors)
        tensors.append(hostile.Tensor((10, inputs), bytes(10 * inputs), hostile.INT8, scaled(*weights)))
        tensors.append(hostile.Tensor((1, 10), kind=hostile.INT8, slots=scaled(*hidden)))
        options = (8, hostile.Node({1: ("b", shuffled)}))
        steps.append(hostile.Operator(hostile.FULLY_CONNECTED, (at - 1, at, -1), (at + 1,), options))
    return hostile.tflite(tensors, steps)


def test_what_python_refuses_is_refused_by_the_twin(node: Callable[..., Any], tmp_path: Path) -> None:
    models = {
        None: [network(), network(layers=8), network(hidden=(0.1, 127))],
        "9 layers": [network(layers=9)],
        "zero point": [network(weights=(0.01, 1))],
        "shuffled": [network(shuffled=1)],
        "activations": [
            *[network(hidden=(0.1, zero)) for zero in (128, -129)],
            *[network(hidden=(scale, 0)) for scale in (-0.1, 0.0, float("inf"))],
        ],
        "scales": [network(weights=(-0.01, 0))],
    }
    paths: list[Path] = []
    expected = []
    for words, those in models.items():
        for data in those:
            if words is None:
                assert read_network(data).layers
            else:
                with pytest.raises((NotDenseError, MalformedError)):
                    read_network(data)
            paths.append(tmp_path / f"{len(paths)}.tflite")
            paths[-1].write_bytes(data)
            expected.append(words)
    for words, said in zip(expected, node("refusals.mjs", WEB / "dense.wasm", *paths), strict=True):
        assert (said is None) if words is None else (said and words in said), (words, said)


def test_hashes_are_those_of_the_standard_library(ran: tuple[dict[str, Any], NDArray[np.int8]]) -> None:
    data = mnist.load("test").images.tobytes()
    for length, digest in ran[0]["hashes"]:
        assert digest == hashlib.sha256(data[:length]).hexdigest()
