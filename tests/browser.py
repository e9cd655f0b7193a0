"""A headless Chromium for tests: speaks the DevTools protocol over two pipes, with nothing but the standard library.

https://chromedevtools.github.io/devtools-protocol/, ``--remote-debugging-pipe``: file descriptor 3 takes
commands, 4 gives answers and events, each JSON ended by a NUL byte.
"""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
TOUCHED_MS = 5000  # so long the page may take to be told of a stroke
LISTEN = """(() => {
  globalThis.touched?.stop.abort();
  const kinds = [], stop = new AbortController();
  for (const kind of ["pointerdown", "pointerup", "pointercancel"]) {
    addEventListener(kind, () => kinds.push(kind), { capture: true, signal: stop.signal });
  }
  globalThis.touched = { kinds, stop };
})()"""
HEARD = """new Promise((done) => {
  const { kinds, stop } = globalThis.touched, end = performance.now() + %d;
  const look = () => {
    if (kinds.length < %d && performance.now() < end) return setTimeout(look, 2);
    stop.abort();
    done(kinds);
  };
  look();
})"""


def find_browser() -> str | None:
    """Return the path of an installed Chromium."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Browser:
    """One page in a headless Chromium; everything that it logs, throws or asks the network for is kept."""

    def __init__(self, executable: str) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="digitrec-chromium-", ignore_cleanup_errors=True)
        commands, self._out = os.pipe()
        self._in, answers = os.pipe()
        flags = ["--headless=new", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]
        flags += ["--disable-dev-shm-usage", f"--user-data-dir={self._profile.name}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            flags.append("--no-sandbox")

        def give_pipes() -> None:
            high = [fcntl.fcntl(pipe, fcntl.F_DUPFD, 100) for pipe in (commands, answers)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self._process = subprocess.Popen(
            [executable, *flags, "about:blank"], pass_fds=(3, 4), preexec_fn=give_pipes,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(commands)
        os.close(answers)
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._loaded = False
        pages = self.send("Target.getTargets")["targetInfos"]
        target = next(page["targetId"] for page in pages if page["type"] == "page")
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, timeout_s: float = 60, **parameters: Any) -> Any:
        """Send a command and wait for its answer."""
        return self.send_all([(method, parameters)], timeout_s)[0]

    def send_all(self, commands: Sequence[tuple[str, dict[str, Any]]], timeout_s: float = 60) -> list[Any]:
        """Send commands one behind the other without waiting in between, and then wait for all answers."""
        waiting: dict[int, int] = {}
        for place, (method, parameters) in enumerate(commands):
            self._number += 1
            waiting[self._number] = place
            message = {"id": self._number, "method": method, "params": parameters}
            if self._session:
                message["sessionId"] = self._session
            self._write(json.dumps(message).encode() + b"\0")
        results: list[Any] = [None] * len(commands)
        end = time.monotonic() + timeout_s
        while waiting:
            answer = self._receive(end)
            place_of = waiting.pop(answer.get("id", 0), None)
            if place_of is None:
                continue
            if "error" in answer:
                raise RuntimeError(f"{commands[place_of][0]}: {answer['error']}")
            results[place_of] = answer["result"]
        return results

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._out, data) :]

    def _receive(self, end: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise TimeoutError("Chromium does not answer")
            data = os.read(self._in, 1 << 20)
            if not data:
                raise RuntimeError(f"Chromium ended with {self._process.wait()}")
            self._buffer += data
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, method: str, parameters: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]["text"]))
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.complaints.append(str(parameters["args"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.complaints.append(parameters["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Page.loadEventFired":
            self._loaded = True

    def open(
        self, page: Path | str, *, width: int, height: int = 800, dark: bool = False, mobile: bool = False
    ) -> None:
        """Open a file or an address and wait until it and all its pictures are loaded."""
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if mobile else 1,
            mobile=mobile,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self._loaded = False
        self.send("Page.navigate", url=page if isinstance(page, str) else page.resolve().as_uri())
        end = time.monotonic() + 60
        while not self._loaded:
            self._receive(end)

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, as JSON."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def touch(self, strokes: Sequence[Sequence[tuple[float, float]]]) -> list[str]:
        """Draw with a finger: each stroke a list of places on the screen, in CSS pixels.

        That Chromium has taken a touch does not say that the page has got it, so this waits for the page and returns
        what began and ended there: for every stroke "pointerdown", "pointerup" if all is well.
        """
        commands: list[tuple[str, dict[str, Any]]] = []
        for stroke in strokes:
            for k, (x, y) in enumerate(stroke):
                kind = "touchMove" if k else "touchStart"
                commands.append(("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]}))
            commands.append(("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []}))
        self.evaluate(LISTEN)
        self.send_all(commands)
        heard: list[str] = self.evaluate(HEARD % (TOUCHED_MS, 2 * len(strokes)))
        return heard

    def give_file(self, selector: str, path: Path) -> None:
        """Choose a file for an ``<input type=file>``, as a person does in the dialogue."""
        found = self.send("Runtime.evaluate", expression=f"document.querySelector({json.dumps(selector)})")
        self.send("DOM.setFileInputFiles", files=[str(path.resolve())], objectId=found["result"]["objectId"])

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        """Write what is seen, or the whole page, as PNG."""
        answer = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    def close(self) -> None:
        """End Chromium."""
        try:
            self._session = None
            self.send("Browser.close", timeout_s=10)
            self._process.wait(10)
        except (OSError, RuntimeError, TimeoutError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._out)
        os.close(self._in)
        self._profile.cleanup()

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, kind: type[BaseException] | None, cause: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
