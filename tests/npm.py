"""Runtimes of JavaScript in a headless Chromium: their packages are served to an empty page, which loads models there.

``make web-runtimes`` installs the packages into build/npm-runtimes. Nothing but loopback is asked.
"""

import base64
import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtimes.elsewhere import ELSEWHERE, Elsewhere
from tests.browser import Browser, find_browser
from tests.web.served import serving

FOLDER = Path(__file__).parents[1] / "build" / "npm-runtimes"
ROWS = [row for row in ELSEWHERE if row.installer.startswith("npm")]
PAGE = "page.html"
SCRIPT = Path(__file__).with_name("npm.mjs")
HTML = """<!DOCTYPE html><meta charset="utf-8"><title>runtimes</title><script type="importmap">{"imports": {
"@litertjs/core": "/node_modules/@litertjs/core/dist/index.js",
"@litertjs/wasm-utils": "/node_modules/@litertjs/wasm-utils/dist/index.js",
"onnxruntime-web/wasm": "/node_modules/onnxruntime-web/dist/ort.wasm.min.mjs"}}</script>
"""


class RefusedError(Exception):
    """A runtime does not take a model; in its own words."""


def missing() -> str:
    """Say what is not here; nothing when all is."""
    lacking = [row.distribution for row in ROWS if installed(row) is None]
    lacking += [] if find_browser() else ["Chromium"]
    return f"{' and '.join(lacking)} not here: make web-runtimes" if lacking else ""


def installed(row: Elsewhere) -> str | None:
    """Return the version of a package that is in build/npm-runtimes."""
    path = FOLDER / "node_modules" / row.distribution / "package.json"
    return str(json.loads(path.read_text())["version"]) if path.exists() else None


class Page:
    """A page that has the runtimes."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    def _ask(self, call: str, *arguments: Any) -> Any:
        script = "await import('/npm.mjs')"
        answer = self._browser.evaluate(f"(async () => (await {script}).{call}(...{json.dumps(arguments)}))()")
        if "refused" in answer:
            raise RefusedError(answer["refused"])
        return answer["given"]

    def accepts(self, row: Elsewhere, model: bytes) -> str:
        """Return in which words a runtime refuses to load a model; nothing when it takes it."""
        try:
            self._ask("accepts", row.name, base64.b64encode(model).decode())
        except RefusedError as cause:
            return str(cause)
        return ""

    def heard(self, module: str) -> Any:
        """Import a module of the page's server, and return what it left in ``globalThis.heard``."""
        return self._browser.evaluate(f"import({json.dumps(module)}).then(() => globalThis.heard)")

    def logits(self, row: Elsewhere, model: bytes, images: NDArray[np.uint8]) -> NDArray[Any]:
        """Return what a model gives for pictures, in the type in which it gives it, ``(N, labels)``.

        Raises:
            RefusedError: the runtime does not take it.
        """
        packed = base64.b64encode(gzip.compress(images.tobytes(), 1)).decode()
        given = self._ask("logits", row.name, base64.b64encode(model).decode(), packed)
        return np.frombuffer(base64.b64decode(given["numbers"]), given["type"]).reshape(len(images), -1)


@contextmanager
def runtimes_page() -> Iterator[Page]:
    """Open the page; both ends, the server and the browser, go with the block."""
    (FOLDER / PAGE).write_text(HTML)
    (FOLDER / SCRIPT.name).write_bytes(SCRIPT.read_bytes())
    executable = find_browser()
    assert executable
    with serving(FOLDER) as address, Browser(executable) as browser:
        browser.open(f"{address}/{PAGE}", width=400)
        yield Page(browser)
