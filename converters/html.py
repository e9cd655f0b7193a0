"""Keras to the page: the int8 TFLite model, in an envelope that opens in a browser, and a folder to serve."""

from pathlib import Path

from converters import tflite
from converters.source import Source
from digitrec_edge.artifact import Artifact
from digitrec_edge.dense.in_page import check
from digitrec_edge.files import make_folder, write_file
from digitrec_edge.formats import SEAL_BYTES, sealed
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


def folder(path: Path) -> None:
    """Write the folder ``web`` beside a page: the same page with what "add to home screen" needs."""
    served = sealed(page.assemble(page.artifact_of(path.read_bytes()), served=True) + bytes(SEAL_BYTES))
    place = path.with_name(path.stem.replace(STEM, web.NAME))
    make_folder(place)
    for name, content in web.files(served).items():
        write_file(place / name, content)
