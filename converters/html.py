"""Keras to the page: the int8 TFLite model, in an envelope that opens in a browser, and a folder to serve."""

from collections.abc import Iterable
from pathlib import Path

from converters import tflite
from converters.source import Source
from digitrec_edge.artifact import Artifact
from digitrec_edge.dense.in_page import check
from digitrec_edge.errors import OutputError
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
    """Write the folder ``web`` beside a page: the same page with what "add to home screen" needs.

    Raises:
        OutputError: it cannot be written, or holds what is not ours.
    """
    served = sealed(page.assemble(page.artifact_of(path.read_bytes()), served=True) + bytes(SEAL_BYTES))
    place = path.with_name(path.stem.replace(STEM, web.NAME))
    make_folder(place)
    files = web.files(served)
    _refuse_others(place, files)
    for name, content in files.items():
        write_file(place / name, content)


def _refuse_others(place: Path, files: Iterable[str]) -> None:
    """Let no page of another program be written over: apps, too, have a folder ``web`` with an ``index.html``."""
    index = place / web.INDEX
    try:
        with index.open("rb") as stream:
            ours = stream.read(len(page.START)) == page.START
    except FileNotFoundError:
        ours = False
    except OSError as cause:
        raise OutputError(f"cannot write {str(index)!r}: {cause.strerror}") from cause
    for name in files:
        if not ours and (place / name).exists():
            raise OutputError(
                f"cannot write {str(place / name)!r}: it is there, and {str(place)!r} holds no page of digitrec-edge; "
                "give another --output"
            )
