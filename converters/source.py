"""What every conversion starts from: a Keras file, and training images to calibrate on."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.recogniser import AS_THE_GRAPH_SHOWS, Meaning, Recogniser, as_recogniser
from digitrec_edge import mnist
from digitrec_edge.artifact.card import Calibration
from digitrec_edge.files import sha256
from digitrec_edge.labels import DIGITS
from digitrec_edge.quantization import PIXEL_MAX
from digitrec_edge.training import network as model
from digitrec_edge.training.blemishes import add_blemishes
from digitrec_edge.training.history import read_history
from digitrec_edge.variants import AS_USUAL, ExportChoice

CALIBRATION_IMAGES = 500
"""So many are drawn of a set that has them, where nobody says how many."""


@dataclass(frozen=True)
class Source:
    """A trained model on its way to a device.

    Attributes:
        labels: of the numbers that it gives.
        meaning: of its input and output, as far as the caller says it.
        custom_objects: the caller's own layers and functions, by name.
        notes: what was found in its graph and changed, a line each.
        layers: class and name of the layers that have weights, in their order.
        calibration_images: ``(N, 28, 28) uint8``, the representative data set, drawn from the
            training images and never from the test images.
        choice: of what its variants leave open.
    """

    path: Path
    sha256: str
    labels: tuple[str, ...]
    meaning: Meaning
    custom_objects: Mapping[str, Any]
    notes: tuple[str, ...]
    layers: tuple[tuple[str, str], ...]
    calibration: Calibration
    calibration_images: NDArray[np.uint8]
    choice: ExportChoice = AS_USUAL

    def fresh_model(self) -> Any:
        """Load the recogniser into a clean session, so that names do not depend on what ran before."""
        return _load(self.path, self.labels, self.meaning, self.custom_objects).model

    def with_usual_output(self) -> "Source":
        """Return it without a choice of the logits' type, for what is made of the model and takes int8."""
        return dataclasses.replace(self, choice=dataclasses.replace(self.choice, output_type=None))

    def representative_dataset(self) -> NDArray[np.float32]:
        """Return the calibration images as the model takes them, ``(N, 28, 28) float32`` in 0 to 1."""
        scaled: NDArray[np.float32] = self.calibration_images.astype(np.float32) / np.float32(PIXEL_MAX)
        return scaled


def _load(path: Path, labels: Sequence[str], meaning: Meaning, custom_objects: Mapping[str, Any]) -> Recogniser:
    model.import_tensorflow()
    import keras

    keras.backend.clear_session()
    return as_recogniser(model.load(path, custom_objects), len(labels), meaning, path)


def _knows_blemishes(path: Path) -> bool:
    """Whether a model was trained on blemished images; then its activations on them belong to its ranges."""
    history = read_history(path)
    return bool(history and history.recipe.distortion and max(history.recipe.distortion.blemish))


def open_source(
    path: Path,
    data: Path | None,
    calibration_images: int | None,
    seed: int,
    *,
    labels: tuple[str, ...] = DIGITS,
    meaning: Meaning = AS_THE_GRAPH_SHOWS,
    custom_objects: Mapping[str, Any] = MappingProxyType({}),
    choice: ExportChoice = AS_USUAL,
) -> Source:
    """Check a Keras file and draw its representative data set.

    Args:
        path: the file.
        data: data set, None is the bundled MNIST.
        calibration_images: how many, None is 500 or as many as there are; the second half is blemished for a model that
            was trained on blemished images.
        seed: draws them.
        labels: of the numbers that the model gives, in their order.
        meaning: of the model's input and output; what is None in it is found from the graph.
        custom_objects: layers and functions that are not Keras' own, by the name that the file has for them.
        choice: of what its variants leave open.

    Raises:
        ConversionError: the file is not a Keras digit recogniser.
        DataError: the data set cannot be read or has fewer training images than are asked for.
    """
    found = _load(path, labels, meaning, custom_objects)
    layers = tuple((type(layer).__name__, layer.name) for layer in found.model.layers if layer.weights)
    digits = mnist.load_for(labels, "train", data)
    count = min(CALIBRATION_IMAGES, len(digits)) if calibration_images is None else calibration_images
    indices = mnist.sample_indices(count, len(digits), seed)
    content, images = sha256(path.read_bytes()), digits.images[indices]
    blemished = count // 2 if _knows_blemishes(path) else 0
    if blemished:
        images[-blemished:] = add_blemishes(images[-blemished:], 1.0, np.random.default_rng(seed))
    calibration = Calibration(count, seed, sha256(indices.astype("<i8").tobytes()), blemished)
    return Source(
        path, content, labels, meaning, custom_objects, found.notes, layers, calibration, images, choice
    )  # fmt: skip
