"""Keras to C for microcontrollers: by way of the TFLite model, whose bytes it answers with."""

from converters import tflite
from converters.source import Source
from digitrec_edge.dense.c_archive import pack
from digitrec_edge.dense.c_library import library
from digitrec_edge.dense.c_tables import prepare
from digitrec_edge.dense.packing import find_kernel
from digitrec_edge.dense.rounding import find_rounding
from digitrec_edge.dense.tflite import read_network
from digitrec_edge.dense.threshold import whole_threshold
from digitrec_edge.training.history import read_history
from runtimes.table import RuntimeRow, for_format


def int8(source: Source, target: RuntimeRow) -> bytes:
    """Write the network of ``digitrec-int8.tflite``."""
    return _library(source, tflite.int8(source, _tflite_target()))


def int4(source: Source, target: RuntimeRow) -> bytes:
    """Write the network of ``digitrec-int4.tflite``."""
    return _library(source, tflite.int4(source, _tflite_target()))


def _tflite_target() -> RuntimeRow:
    return for_format("tflite")[0]


def _library(source: Source, payload: bytes) -> bytes:
    """Make the archive of a TFLite model.

    Pictures of its self-test are from the calibration images, since a converter never sees a test image.

    Raises:
        ValueError: the network is none of Dense layers or does not fit the kernel, or its threshold is no whole number.
    """
    network, history = read_network(payload), read_history(source.path)
    told = history.no_digit if history else None
    threshold = whole_threshold(told.threshold if told else None, network.output_scale, len(source.labels))
    tables = prepare(network, find_rounding(source.choice.rounding), find_kernel(source.choice.kernel), threshold)
    return pack(library(tables, source.labels, source.calibration_images))
