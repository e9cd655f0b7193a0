"""Keras to Java for Android and any JVM: by way of the TFLite model, whose bytes it answers with."""

from converters import tflite
from converters.c import tables_of, tables_of_artifact, tflite_target, travelling
from converters.source import Source
from digitrec_edge.artifact import Artifact
from digitrec_edge.dense.java_archive import pack
from digitrec_edge.dense.java_library import library
from digitrec_edge.variants import ExportChoice
from runtimes.table import Target


def int8(source: Source, target: Target) -> bytes:
    """Write the network of ``digitrec-int8.tflite``."""
    tables = tables_of(source, tflite.int8(source.with_usual_output(), tflite_target()))
    return pack(library(tables, source.labels, source.calibration_images))


def of_artifact(found: Artifact, choice: ExportChoice) -> bytes:
    """Write the network of a .tflite artifact that there is."""
    images, labels = travelling(found)
    return pack(library(tables_of_artifact(found), labels, images))
