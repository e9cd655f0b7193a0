"""Speed in a browser, beside LiteRT.js and ONNX Runtime Web: ``python benchmarks/scripts/web_speed.py NPM ARTIFACT``.

NPM is a folder where ``npm install @litertjs/core onnxruntime-web`` was run, and ARTIFACT what ``export --int8 --target
litert-web`` writes. All take turns in one page of a headless
Chromium, block by block, and between the blocks LiteRT's bare ``invoke`` runs here, so that drift hits all alike.
Chromium may count time in steps of 0.1 ms; a block lasts longer by far.
"""

import argparse
import functools
import http.server
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from digitrec_edge import mnist, pretrained
from digitrec_edge.web.page import FOLDER
from runtimes import load

PICTURES = 500
LIMIT_S = 600
PAGE = b"""<!DOCTYPE html><meta charset="utf-8"><title>speed</title>
<script type="importmap">{"imports": {"@litertjs/core": "/npm/@litertjs/core/dist/index.js",
"@litertjs/wasm-utils": "/npm/@litertjs/wasm-utils/dist/index.js"}}</script>
<script type="module" src="/web_speed.mjs"></script>"""
TYPES = {".mjs": "text/javascript", ".js": "text/javascript", ".wasm": "application/wasm"}


class Desk:
    """LiteRT on this machine, and what the page reports."""

    def __init__(self) -> None:
        self.images = mnist.load("test").images[:PICTURES]
        self.model = load(pretrained.DEFAULT, "litert")
        self.result: dict[str, Any] | None = None
        self.done = threading.Event()

    def invoke_us(self) -> float:
        """Return what the model's own share of a picture costs."""
        session = self.model._session
        assert session
        self.model.classify(self.images[0])
        start = time.perf_counter_ns()
        for _ in range(PICTURES):
            session.invoke()
        return (time.perf_counter_ns() - start) / 1000 / PICTURES


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves the page, the engine, the models, the pictures and the packages of NPM."""

    def __init__(self, desk: Desk, packages: Path, artifact: Path, *arguments: Any) -> None:
        self.desk, self.packages, self.artifact = desk, packages, artifact
        super().__init__(*arguments)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer with a file or a measurement."""
        path = self.path.partition("?")[0]
        content = self._content(path)
        self.send_response(200 if content is not None else 404)
        self.send_header("Content-Type", TYPES.get(Path(path).suffix, "text/html"))
        self.end_headers()
        self.wfile.write(content or b"")

    def do_POST(self) -> None:
        """Take the page's report."""
        self.desk.result = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
        self.desk.done.set()

    def _content(self, path: str) -> bytes | None:
        models = {
            "/models/int8.tflite": pretrained.DEFAULT, "/models/float32.tflite": pretrained.FLOAT32,
            "/models/int8.onnx": pretrained.BY_FORMAT["onnx"], "/web_speed.mjs": Path(__file__).with_suffix(".mjs"),
            "/models/int8-litert-web.tflite": self.artifact,
        }  # fmt: skip
        if path == "/":
            return PAGE
        if path == "/images":
            return self.desk.images.tobytes()
        if path == "/desktop":
            return str(self.desk.invoke_us()).encode()
        for prefix, folder in (("/web/", FOLDER), ("/npm/", self.packages / "node_modules")):
            if path.startswith(prefix) and ".." not in path:
                models[path] = folder / path.removeprefix(prefix)
        found = models.get(path)
        return found.read_bytes() if found and found.is_file() else None


def main(packages: Path, artifact: Path) -> None:
    """Measure and print a table."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("Chromium is not installed: apt-get install chromium")
    desk = Desk()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, desk, packages, artifact))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        flags = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            f"--user-data-dir={profile}",
        ]
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        browser = subprocess.Popen([chromium, *flags, address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            if not desk.done.wait(LIMIT_S):
                sys.exit(f"the page has not ended within {LIMIT_S} s")
        finally:
            browser.terminate()
            browser.wait()
    assert desk.result
    print(desk.result["browser"])
    best = {name: (min(times), statistics.median(times)) for name, times in desk.result["times"].items()}
    base = best["digitrec.html, simd"][1]
    for name, (least, median) in sorted(best.items(), key=lambda row: row[1][1]):
        print(f"{name:40} {least:8.1f} us best {median:8.1f} us median {median / base:6.1f} times")
    for name, words in desk.result["refused"].items():
        print(f"{name:40} refused: {words}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("npm", type=Path, help="folder where npm install @litertjs/core onnxruntime-web was run")
    parser.add_argument("artifact", type=Path, help="what digitrec-edge export --int8 --target litert-web writes")
    given = parser.parse_args()
    if not (given.npm / "node_modules").is_dir():
        parser.error(f"{given.npm} has no node_modules; there: npm install @litertjs/core onnxruntime-web")
    if not given.artifact.is_file():
        parser.error(f"no such file: {given.artifact}; digitrec-edge export --int8 --target litert-web writes one")
    main(given.npm, given.artifact)
