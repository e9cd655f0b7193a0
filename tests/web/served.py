"""A web server for a folder, on loopback, that a test starts and stops."""

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing."""


class _Kept(_Silent):
    def end_headers(self) -> None:
        """Let the browser keep it for ten minutes, as usual servers of pages do."""
        self.send_header("Cache-Control", "max-age=600")
        super().end_headers()


class _Leading(_Silent):
    def __init__(self, *arguments: Any, led: str, **named: Any) -> None:
        self._led = led
        super().__init__(*arguments, **named)

    def do_GET(self) -> None:
        """Lead from the folder to another name of its page, as some servers do."""
        if self.path != "/":
            super().do_GET()
            return
        self.send_response(302)
        self.send_header("Location", self._led)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def serving(folder: Path, *, kept: bool = False, led: str = "") -> Iterator[str]:
    """Serve a folder while the block runs, for browsers to keep or not; yields its address.

    ``led`` is where the folder's own address leads.
    """
    made = functools.partial(_Leading, led=led) if led else _Kept if kept else _Silent
    handler = functools.partial(made, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
