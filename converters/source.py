"""What every conversion starts from: a Keras file, and training images to calibrate on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge import mnist
from digitrec_edge.artifact.card import Calibration
from digitrec_edge.files import sha256
from digitrec_edge.quantization import PIXEL_MAX
from digitrec_edge.training import network as model


@dataclass(frozen=True)
class Source:
    """A trained model on its way to a device.

    Attributes:
        layers: names of the layers that have weights, in their order.
        calibration_images: ``(N, 28, 28) uint8``, the representative data set, drawn from the
            training images and never from the test images.
    """

    path: Path
    sha256: str
    layers: tuple[str, ...]
    calibration: Calibration
    calibration_images: NDArray[np.uint8]

    def fresh_model(self) -> Any:
        """Load the Keras model into a clean session, so that names do not depend on what ran before."""
        model.import_tensorflow()
        import keras

        keras.backend.clear_session()
        return model.load(self.path)

    def representative_dataset(self) -> NDArray[np.float32]:
        """Return the calibration images as the model takes them, ``(N, 28, 28) float32`` in 0 to 1."""
        scaled: NDArray[np.float32] = self.calibration_images.astype(np.float32) / np.float32(PIXEL_MAX)
        return scaled


def open_source(path: Path, data: Path | None, calibration_images: int, seed: int) -> Source:
    """Check a Keras file and draw its representative data set.

    Raises:
        ConversionError: the file is not a Keras digit recogniser.
        DataError: the data set cannot be read or has fewer training images than are asked for.
    """
    layers = tuple(layer.name for layer in model.load(path).layers if layer.weights)
    digits = mnist.load("train", data)
    indices = mnist.sample_indices(calibration_images, len(digits), seed)
    calibration = Calibration(calibration_images, seed, sha256(indices.astype("<i8").tobytes()))
    return Source(path, sha256(path.read_bytes()), layers, calibration, digits.images[indices])
