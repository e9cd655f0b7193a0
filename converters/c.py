"""Keras to C for microcontrollers: by way of the TFLite model, whose bytes it answers with."""

import numpy as np
from numpy.typing import NDArray

from converters import tflite
from converters.source import Source
from digitrec_edge.artifact import Artifact, sample
from digitrec_edge.dense.c_archive import pack
from digitrec_edge.dense.c_library import library
from digitrec_edge.dense.c_tables import Tables, prepare
from digitrec_edge.dense.network import Network
from digitrec_edge.dense.packing import find_kernel
from digitrec_edge.dense.rounding import find_rounding
from digitrec_edge.dense.tflite import read_network
from digitrec_edge.dense.threshold import whole_threshold
from digitrec_edge.formats import SAMPLE_FILE
from digitrec_edge.no_digit import NoDigit
from digitrec_edge.training.history import read_history
from digitrec_edge.variants import KERNEL_NAMES, ROUNDING_NAMES, ExportChoice
from runtimes.table import Target, for_format


def int8(source: Source, target: Target) -> bytes:
    """Write the network of ``digitrec-int8.tflite``."""
    return _library(source, tflite.int8(source.with_usual_output(), tflite_target()))


def int4(source: Source, target: Target) -> bytes:
    """Write the network of ``digitrec-int4.tflite``."""
    return _library(source, tflite.int4(source.with_usual_output(), tflite_target()))


def of_artifact(found: Artifact, choice: ExportChoice) -> bytes:
    """Write the network of a .tflite artifact that there is.

    Raises:
        ValueError: as :func:`tables_of_artifact`.
    """
    images, labels = travelling(found)
    return pack(library(tables_of_artifact(found, choice.rounding, choice.kernel), labels, images))


def tflite_target() -> Target:
    """Return the usual runtime of the TFLite model that code is made of."""
    return for_format("tflite")[0]


def _library(source: Source, payload: bytes) -> bytes:
    """Make the archive of a TFLite model."""
    tables = tables_of(source, payload, source.choice.rounding, source.choice.kernel)
    return pack(library(tables, source.labels, source.calibration_images))


def tables_of(
    source: Source, payload: bytes, rounding: str = ROUNDING_NAMES[0], kernel: str = KERNEL_NAMES[0]
) -> Tables:
    """Bring a TFLite model into the form that exported code computes.

    Pictures of its self-test are from the calibration images, since a converter never sees a test image.

    Raises:
        ValueError: the network is none of Dense layers or does not fit the kernel, or its threshold is no whole number.
    """
    history = read_history(source.path)
    return _tables(read_network(payload), history.no_digit if history else None, len(source.labels), rounding, kernel)


def tables_of_artifact(found: Artifact, rounding: str = ROUNDING_NAMES[0], kernel: str = KERNEL_NAMES[0]) -> Tables:
    """Bring the TFLite model of an artifact, with its card, into the form that exported code computes.

    Raises:
        ValueError: as :func:`tables_of`.
    """
    assert found.card
    return _tables(
        read_network(found.payload, found.graph), found.card.no_digit, len(found.card.labels), rounding, kernel
    )


def travelling(found: Artifact) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return the images ``(N, 28, 28)`` that travel in an artifact, for the self-test of code, and its labels."""
    assert found.card
    return sample.unpack(found.files[SAMPLE_FILE], len(found.card.labels)).images, found.card.labels


def _tables(network: Network, told: NoDigit | None, labels: int, rounding: str, kernel: str) -> Tables:
    threshold = whole_threshold(told.threshold if told else None, network.output_scale, labels)
    return prepare(network, find_rounding(rounding), find_kernel(kernel), threshold)
