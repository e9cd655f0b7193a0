"""Keras to the page: the int8 TFLite model, in an envelope that opens in a browser, and a folder to serve."""

from pathlib import Path

import numpy as np

from converters import tflite
from converters.source import Source
from digitrec_edge.artifact import Artifact
from digitrec_edge.dense.tflite import NotDenseError, read_network
from digitrec_edge.errors import UnfitModelError
from digitrec_edge.files import make_folder, write_file
from digitrec_edge.formats import SEAL_BYTES, sealed
from digitrec_edge.quantization import PIXEL_MAX, pixel_table
from digitrec_edge.variants import ExportChoice
from digitrec_edge.web import folder as web
from digitrec_edge.web import page
from runtimes.table import Target

STEM = "digitrec"
"""Of the page's file; the folder is called ``web`` where that is called so, and ``web-TARGET`` for another target."""


def int8(source: Source, target: Target) -> bytes:
    """Convert as ``--int8`` does, if the page's engine computes the model.

    Raises:
        UnfitModelError: it is no network of Dense layers.
    """
    payload = tflite.int8(source.with_usual_output(), target)
    check(payload)
    return payload


def of_artifact(found: Artifact, choice: ExportChoice) -> bytes:
    """Return the model of an artifact that there is, if the page's engine computes it.

    Raises:
        UnfitModelError: says what the model has instead.
    """
    check(found.payload)
    return found.payload


def check(payload: bytes) -> None:
    """Let pass what the page's engine computes: int8 Dense layers on a picture's own bytes.

    Raises:
        UnfitModelError: says what the model has instead.
    """
    try:
        network = read_network(payload)
    except NotDenseError as cause:
        raise UnfitModelError(f"the page runs Dense layers only: {cause}; export with --int8") from cause
    taken = pixel_table(np.uint8, network.input_scale, network.input_zero_point)
    as_it_is = network.input_dtype == "uint8" and np.array_equal(taken, np.arange(PIXEL_MAX + 1))
    if not as_it_is or any(layer.bits != 8 for layer in network.layers):
        raise UnfitModelError("the page runs int8 weights on a picture's own bytes, uint8; export with --int8")
    if network.output_dtype != "int8":
        raise UnfitModelError(f"the page takes int8 logits, these are {network.output_dtype}; export with --int8")


def folder(path: Path) -> None:
    """Write the folder ``web`` beside a page: the same page with what "add to home screen" needs."""
    served = sealed(page.assemble(page.artifact_of(path.read_bytes()), served=True) + bytes(SEAL_BYTES))
    place = path.with_name(path.stem.replace(STEM, web.NAME))
    make_folder(place)
    for name, content in web.files(served).items():
        write_file(place / name, content)
