"""The networks that are measured, and who is right."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitrec_edge import artifact, mnist, pretrained
from digitrec_edge.dense.c_library import library
from digitrec_edge.dense.c_tables import Tables, prepare
from digitrec_edge.dense.known import noise
from digitrec_edge.dense.packing import KernelRow
from digitrec_edge.dense.rounding import Rounding
from digitrec_edge.dense.tflite import read_network
from digitrec_edge.dense.threshold import whole_threshold
from runtimes import load

MODELS = {
    "int8": pretrained.FOLDER / "digitrec-int8.tflite",
    "int4": Path(__file__).parents[1] / "digitrec-int4.tflite",
    "tiny": pretrained.TINY,
}
"""By name. The one in int4 is the pretrained float32 model through converters.tflite.int4."""

NOISE = 10
LABELS = tuple("0123456789")


@dataclass(frozen=True)
class Pictures:
    """What is run: the test set, and behind it noise without a 0, faint and strong."""

    images: NDArray[np.uint8]
    test: int


def pictures(test: int | None = None) -> Pictures:
    """Return so many test images, all of them by default, and noise."""
    images = mnist.load("test").images[:test]
    strong = np.random.default_rng(0).integers(1, 256, (NOISE, *images.shape[1:]), np.uint8)
    return Pictures(np.concatenate([images, noise(NOISE), strong]), len(images))


def tables(model: Path, rounding: Rounding, kernel: KernelRow) -> Tables:
    """Read a model and bring it into the form of C."""
    found = artifact.read(model)
    network = read_network(found.payload, found.graph)
    told = found.card.no_digit if found.card else None
    threshold = whole_threshold(told.threshold if told else None, network.output_scale, len(LABELS))
    return prepare(network, rounding, kernel, threshold)


def write_library(found: Tables, folder: Path) -> None:
    """Write the C library of a network."""
    for name, content in library(found, LABELS, mnist.load("train").images[:500]).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def litert_answers(model: Path, images: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Return LiteRT's int8 logits, the oracle of its rounding."""
    with load(model, "litert") as loaded:
        (output,) = loaded.artifact.graph.outputs
        return np.rint(loaded.logits(images) / output.scale[0] + output.zero_point[0]).astype(np.int8)


def tflite_micro_answers(model: Path, images: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Return the int8 logits of TFLite Micro's own interpreter.

    Raises:
        ImportError: there is no wheel of it for this Python.
    """
    from tflite_micro.python.tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(artifact.read(model).payload)
    rows = []
    for image in images:
        interpreter.set_input(image[None], 0)
        interpreter.invoke()
        rows.append(interpreter.get_output(0)[0].copy())
    return np.stack(rows)
