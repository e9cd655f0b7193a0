"""A service in a process of its own, as ``digitrec-edge serve`` starts it, and requests to it."""

import http.client
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LIMIT_S = 60.0


@dataclass
class Reply:
    """An answer over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Serving:
    """A running service: where it is, and what it says."""

    process: "subprocess.Popen[str]"
    address: str
    lines: list[str] = field(default_factory=list)
    token_file: Path | None = None

    @property
    def place(self) -> tuple[str, int]:
        parts = urlsplit(self.address)
        assert parts.hostname
        assert parts.port
        return parts.hostname, parts.port

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        connection = http.client.HTTPConnection(*self.place, timeout=LIMIT_S)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            found = connection.getresponse()
            return Reply(found.status, {k.lower(): v for k, v in found.getheaders()}, found.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        return self.ask("GET", path, None, **headers)

    def read(self, picture: bytes, query: str = "", **headers: str) -> Reply:
        return self.ask("POST", f"/v1/read{query}", picture, **{"Content_Type": "image/png", **headers})

    def figure(self, line: str) -> float:
        """A figure of /metrics, by all that stands before it in its line; 0 where there is none yet."""
        text = self.get("/metrics").body.decode()
        return next((float(one.rsplit(" ", 1)[1]) for one in text.splitlines() if one.startswith(line + " ")), 0.0)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT_S)


@contextmanager
def serving(*arguments: str | Path, **environment: str) -> Iterator[Serving]:
    """Start a service and wait until it answers; it is stopped in the end."""
    command = [sys.executable, "-m", "digitrec_edge", "serve", "--port", "0", *map(str, arguments)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **environment}
    )
    found = Serving(process, "")
    listening = threading.Event()

    def follow() -> None:
        assert process.stdout
        for line in process.stdout:
            found.lines.append(line.rstrip("\n"))
            if line.startswith("listening at ") and not found.address:
                found.address = line.split()[2]
                listening.set()
        listening.set()

    reader = threading.Thread(target=follow)
    reader.start()
    try:
        assert listening.wait(LIMIT_S)
        assert found.address, found.lines
        yield found
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join()
        assert process.stdout
        process.stdout.close()


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Wait until something is so."""
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def png(image: NDArray[np.uint8]) -> bytes:
    """A picture as PNG."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()
