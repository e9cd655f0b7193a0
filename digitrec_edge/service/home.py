"""The page at ``/``: that of ``export --web`` for the artifact that answers, or one that says why there is none."""

import html

from digitrec_edge import artifact
from digitrec_edge.artifact import Artifact
from digitrec_edge.dense.in_page import check
from digitrec_edge.errors import UnfitModelError
from digitrec_edge.formats import SAMPLE_FILE

PRECISION = "int8"


def page_of(found: Artifact) -> bytes:
    """Return the page of an artifact; the recogniser is in it, and answers in the browser with the same bytes."""
    if found.format.envelope_of:
        return found.data
    if found.card is None or found.format.name != "tflite" or found.card.variant != PRECISION:
        kind = f"{found.card.variant if found.card else 'foreign'} {found.format.suffix}"
        return _plain(found, f"the page needs an int8 .tflite artifact, and this is {kind}")
    try:
        check(found.payload)
    except UnfitModelError as cause:
        return _plain(found, str(cause))
    return artifact.seal(found.payload, found.card, found.files[SAMPLE_FILE], "html")


def _plain(found: Artifact, why: str) -> bytes:
    name, why = html.escape(found.name), html.escape(why)
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>digitrec-edge</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"></head><body>'
        f"<h1>{name}</h1><p>It answers at <code>POST /v1/read</code>. There is no page to draw on: {why}.</p>"
        "<p>Serve an int8 artifact (digitrec-edge export --int8) to have one.</p></body></html>"
    ).encode()
