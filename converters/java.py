"""Keras to Java for Android and any JVM: by way of the TFLite model, whose bytes it answers with."""

from converters import tflite
from converters.c import tables_of, tflite_target
from converters.source import Source
from digitrec_edge.dense.java_archive import pack
from digitrec_edge.dense.java_library import library
from runtimes.table import Target


def int8(source: Source, target: Target) -> bytes:
    """Write the network of ``digitrec-int8.tflite``."""
    tables = tables_of(source, tflite.int8(source.with_usual_output(), tflite_target()))
    return pack(library(tables, source.labels, source.calibration_images))
