"""The page on which regions are drawn: one file with a picture of the source, which asks nobody for anything."""

import base64
import io
import json
import shlex
from pathlib import Path

from PIL import Image

from digitrec_edge.errors import SourceError
from digitrec_edge.files import readable, write_file
from digitrec_edge.preprocess.reading import MAX_ASPECT, MIN_SIDE
from digitrec_edge.watching.addresses import shown
from digitrec_edge.watching.frames import Events, Frame
from digitrec_edge.watching.regions import MOST
from digitrec_edge.web.page import digest

FOLDER = Path(__file__).with_name("page")
QUALITY = 88


def write_page(path: Path, source: str, events: Events) -> None:
    """Write the page with the first frame of a source.

    Args:
        path: of the page.
        source: as it was typed; user and password are left out of the line that the page shows.
        events: of the source.

    Raises:
        SourceError: there is no frame.
        OutputError: the page cannot be written.
    """
    frame = next((event for event in events if isinstance(event, Frame)), None)
    if frame is None:
        raise SourceError(f"{shown(source)} gives no frame to draw regions on")
    write_file(path, page(frame, source))


def page(frame: Frame, source: str) -> bytes:
    """Return the page for a frame."""
    width, height = frame.size
    data = {
        "picture": f"data:image/jpeg;base64,{_jpeg(frame)}", "width": width, "height": height,
        "source": shlex.quote(readable(shown(source))), "least": MIN_SIDE, "aspect": MAX_ASPECT, "most": MOST,
    }  # fmt: skip
    markup, style, script = (_text(f"regions.{kind}") for kind in ("html", "css", "mjs"))
    policy = (
        f"default-src 'none'; script-src {digest(script)}; style-src {digest(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>Regions of {_escaped(readable(shown(source)))}</title><style>{style}</style></head><body>{markup}"
        f'<script id="data" type="application/json">{_escaped_json(data)}</script>'
        f'<script type="module">{script}</script></body></html>\n'
    ).encode()


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _jpeg(frame: Frame) -> str:
    stream = io.BytesIO()
    Image.fromarray(frame.pixels).save(stream, "JPEG", quality=QUALITY)
    return base64.b64encode(stream.getvalue()).decode()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _escaped_json(data: object) -> str:
    """Write JSON that cannot end the element it stands in."""
    return json.dumps(data).replace("<", "\\u003c")
