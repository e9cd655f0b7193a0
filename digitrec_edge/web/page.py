"""An artifact becomes one HTML file, and comes back from it.

The file has a few elements and two blocks of data, each deflated and in base 85: the artifact as it is, and all that
makes the page: its script, style, markup and kernel. ``boot.mjs`` writes the same bytes again from what a browser has
made of them, to check the seal that Python appends; so every element has an id, and its attributes stand in one order.
"""

import base64
import hashlib
import json
import re
import zlib
from functools import cache
from pathlib import Path

from digitrec_edge.web.bundle import bundle

FOLDER = Path(__file__).parent

START = (
    b'<!DOCTYPE html><html lang="en"><head><meta id="charset" charset="utf-8">'
    b'<meta id="maker" name="generator" content="digitrec_edge">'
)
"""Every page begins so."""

END = b"</body></html><!-- digitrec_edge "
"""The seal stands behind it; a comment that ends with the file needs no end of its own."""

CHECKING = (
    "This page is checking itself. If this sentence stays, nothing is read. Scripts may be switched off, as in the "
    "preview of a mail: open the file in a browser. Or the browser is too old, or the file is damaged: open it in a "
    "newer one, or copy it again."
)
_ARTIFACT = re.compile(rb'<script id="artifact" type="text/plain">([^<&]*)</script>')
_FOR_HTML, _FROM_HTML = bytes.maketrans(b"<&", b",."), bytes.maketrans(b",.", b"<&")
"""Letters of base 85 that mean something in HTML, and what stands for them; the twin is encoding.mjs."""

MOST_BYTES = 4 << 20
"""Of an artifact in a page, unpacked; ours have 0.28 MB."""

_MOST_LETTERS = MOST_BYTES * 5 // 4 + 4096
"""Of its block: base 85 writes four bytes as five letters, and what cannot be deflated grows by a little."""


def assemble(artifact: bytes, *, served: bool = False) -> bytes:
    """Put an artifact into a page; the same bytes for the same artifact.

    Args:
        artifact: the bytes of an int8 TFLite artifact, sealed.
        served: whether the page lies in a folder with a manifest and a service worker.

    Returns:
        The page up to its seal.
    """
    script, style = _app_script(), _text("page/page.css")
    app = json.dumps(
        {
            "markup": _text("page/page.html"), "style": style, "script": script,
            "kernel": _written((FOLDER / "dense.wasm").read_bytes()), "served": served,
        },
        ensure_ascii=True,
    )  # fmt: skip
    boot = bundle(FOLDER / "boot.mjs", "")
    policy = _policy(boot, script, style, served=served)
    head = (
        f'<meta id="policy" http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta id="view" name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">'
        '<meta id="scheme" name="color-scheme" content="light dark"><link id="icon" rel="icon" href="data:,">'
    )
    body = (
        f'<p id="said">{CHECKING}</p><script id="artifact" type="text/plain">{_packed(artifact)}</script>'
        f'<script id="app" type="text/plain">{_packed(app.encode())}</script>'
        f'<script id="boot" type="module">{boot}</script>'
    )
    return START + f"{head}</head><body>{body}".encode() + END


def artifact_of(data: bytes) -> bytes:
    """Return the artifact that a page holds, byte for byte.

    Raises:
        ValueError: there is none, or it cannot be unpacked.
    """
    found = _ARTIFACT.search(data)
    if not found:
        raise ValueError("it holds no artifact")
    if found.end(1) - found.start(1) > _MOST_LETTERS:
        raise ValueError(f"the artifact in it has more than {MOST_BYTES:,} bytes")
    unpacker = zlib.decompressobj()
    try:
        artifact = unpacker.decompress(base64.b85decode(found[1].translate(_FROM_HTML)), MOST_BYTES)
    except (ValueError, zlib.error) as cause:
        raise ValueError(f"the artifact in it cannot be unpacked: {cause}") from cause
    if not unpacker.eof:
        raise ValueError(f"the artifact in it is cut off, or has more than {MOST_BYTES:,} bytes")
    return artifact


def digest(text: str) -> str:
    """Return the hash by which a policy names a script or a style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _policy(boot: str, script: str, style: str, *, served: bool) -> str:
    """Nothing may be asked for, and nothing runs but these two scripts, a compiled kernel and one style."""
    own = " 'self'" if served else ""
    rules = [
        "default-src 'none'",
        f"script-src {digest(boot)} {digest(script)} 'wasm-unsafe-eval'",
        f"style-src {digest(style)}",
        f"img-src data: blob:{own}",
        *(["manifest-src 'self'", "worker-src 'self'", "connect-src 'self'"] if served else []),
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "; ".join(rules)


@cache
def _app_script() -> str:
    return bundle(FOLDER / "page" / "app.mjs", "entry.main()")


@cache
def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _packed(data: bytes) -> str:
    return _written(zlib.compress(data, 9))


def _written(data: bytes) -> str:
    return base64.b85encode(data).translate(_FOR_HTML).decode()
