"""The folder to serve: a page with what "add to home screen" and being offline need."""

import itertools
import json
import math
import struct
import zlib
from pathlib import Path

from digitrec_edge.web.page import END

NAME, INDEX = "web", "index.html"
SIDES = (192, 512)
"""Of the icons, in pixels; what browsers ask for."""

_BLUE, _WHITE, _SURFACE = (0, 114, 178), (255, 255, 255), "#f6f7f8"
_SEVEN = ((0.33, 0.28), (0.67, 0.28), (0.47, 0.74))
_STROKE = 0.055
"""Corners of the digit on the icon and half the width of its pen, by the icon's side; all inside what a mask leaves."""


def files(page: bytes) -> dict[str, bytes]:
    """Return the files of the folder by name.

    Args:
        page: that was assembled to be served, sealed.
    """
    seal = page.rpartition(END)[2].decode()
    worker = (Path(__file__).parent / "worker.js").read_text(encoding="utf-8").replace("@SEAL@", seal)
    icons = {f"icon-{side}.png": icon(side) for side in SIDES}
    return {INDEX: page, "manifest.webmanifest": _manifest(), "worker.js": worker.encode(), **icons}


def _manifest() -> bytes:
    icons = [
        {"src": f"icon-{side}.png", "sizes": f"{side}x{side}", "type": "image/png", "purpose": purpose}
        for side in SIDES
        for purpose in ("any", "maskable")
    ]
    manifest = {
        "name": "Digits, read on this device", "short_name": "Digits", "id": "./", "start_url": "./", "scope": "./",
        "display": "standalone", "background_color": _SURFACE, "theme_color": _SURFACE, "icons": icons,
    }  # fmt: skip
    return json.dumps(manifest, indent=1).encode()


def icon(side: int) -> bytes:
    """Draw a white 7 on blue as PNG, ``side`` pixels each way."""
    rows = []
    for y in range(side):
        row = bytearray(b"\0")
        for x in range(side):
            far = min(_distance((x + 0.5) / side, (y + 0.5) / side, a, b) for a, b in itertools.pairwise(_SEVEN))
            ink = min(1.0, max(0.0, (_STROKE - far) * side + 0.5))
            row += bytes(round(back + ink * (fore - back)) for back, fore in zip(_BLUE, _WHITE, strict=True))
        rows.append(bytes(row))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _distance(x: float, y: float, a: tuple[float, float], b: tuple[float, float]) -> float:
    """From a point to the line between two corners."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    along = min(1.0, max(0.0, ((x - a[0]) * dx + (y - a[1]) * dy) / (dx * dx + dy * dy)))
    return math.hypot(x - a[0] - along * dx, y - a[1] - along * dy)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
