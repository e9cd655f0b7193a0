"""A server of pictures on loopback, as cameras have one: MJPEG, snapshots, and what goes wrong with them."""

import base64
import io
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LOGIN = ("a user", "s3cret/@:")
BOUNDARY = "frame"
STALLED_S = 1.0


def jpeg(pixels: NDArray[np.uint8], subsampling: int = -1) -> bytes:
    """Return a JPEG file; ``subsampling`` 2 is 4:2:0, -1 what Pillow takes."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=92, subsampling=subsampling)
    return stream.getvalue()


class _Handler(BaseHTTPRequestHandler):
    pictures: Sequence[bytes] = ()
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        kind = self.path.strip("/").split("?")[0]
        if kind == "private" and self.headers["Authorization"] != _basic():
            self.send_error(401)
        elif kind == "leads":
            self.send_response(302)
            self.send_header("Location", self.path.partition("?")[2])
            self.end_headers()
        elif kind in ("snapshot", "page"):
            body = self.pictures[(self.asked - 1) % len(self.pictures)]
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg" if kind == "snapshot" else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        elif kind == "stalling":
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.send_header("Content-Length", "1000")
            self.end_headers()
            time.sleep(STALLED_S)
        else:
            self.send_response(200)
            self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
            self.end_headers()
            self._send_parts(with_length=kind != "lengthless")

    def _send_parts(self, with_length: bool) -> None:
        try:
            for picture in self.pictures:
                length = f"Content-Length: {len(picture)}\r\n" if with_length else ""
                head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\n{length}\r\n"
                self.wfile.write(head.encode() + picture + b"\r\n")
            self.wfile.write(f"--{BOUNDARY}--\r\n".encode())
        except OSError:
            pass

    def log_message(self, *_: Any) -> None:
        pass


def _basic() -> str:
    return "Basic " + base64.b64encode(":".join(LOGIN).encode()).decode()


@contextmanager
def serving(pictures: Sequence[bytes]) -> Iterator[str]:
    """Serve pictures; yields host and port. /stream ends after them, /snapshot gives one after the other,
    /stalling gives none, /leads?ADDRESS leads there."""
    handler = type("Handler", (_Handler,), {"pictures": pictures})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
