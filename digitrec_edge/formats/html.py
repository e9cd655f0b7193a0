"""Pages: an int8 TFLite artifact in an HTML file that reads digits by itself.

The page is an envelope. In it lies a whole artifact, byte for byte what ``export --int8`` writes, with card, sample and
a seal of its own; the seal of the page vouches for the page around it, and the page checks both before it answers. So
the card is that of the model inside, and what a runtime gets is TFLite.
"""

from collections.abc import Mapping

from digitrec_edge.formats import MARK, SEAL_BYTES, is_sealed, sealed, tflite
from digitrec_edge.formats.graph import Graph, MalformedError
from digitrec_edge.web import page

__all__ = ["attach", "describe", "recognise", "split"]


def recognise(data: bytes) -> bool:
    """Whether the file starts as a page of ours does."""
    return data.startswith(page.START)


def describe(payload: bytes) -> Graph:
    """Read the TFLite model that the page holds, see :func:`digitrec_edge.formats.tflite.describe`.

    Raises:
        MalformedError: names the first thing that is wrong, or that is more than the budget allows.
    """
    return tflite.describe(payload)


def split(data: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Part the model from the files that travel with it in the page's artifact.

    Raises:
        MalformedError: the page holds no whole artifact.
    """
    try:
        artifact = page.artifact_of(data)
    except ValueError as cause:
        raise MalformedError(str(cause)) from cause
    if not is_sealed(artifact) or MARK not in artifact or not tflite.recognise(artifact):
        raise MalformedError("the artifact in it is damaged: its sha256 does not fit its content")
    return tflite.split(artifact)


def attach(payload: bytes, files: Mapping[str, bytes]) -> bytes:
    """Make an artifact of the model and its files, and the page around it; room for the seal is its end."""
    return page.assemble(sealed(tflite.attach(payload, files))) + bytes(SEAL_BYTES)
