"""A headless Firefox for tests: speaks Marionette over loopback, with nothing but the standard library.

https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html: each message is its length in bytes, a colon
and JSON; a command ``[0, id, name, parameters]`` is answered by ``[1, id, error, result]``.
"""

import contextlib
import json
import shutil
import socket
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import Any

NAMES = ("firefox-esr", "firefox")
LIMIT_S = 120.0


def find_firefox() -> str | None:
    """Return the path of an installed Firefox."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Firefox:
    """One page in a headless Firefox, with a profile of its own."""

    def __init__(self, executable: str) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="digitrec-firefox-", ignore_cleanup_errors=True)
        folder = Path(self._profile.name)
        (folder / "user.js").write_text('user_pref("marionette.port", 0);\n')  # a free one, which it writes down
        self._process = subprocess.Popen(
            [executable, "--headless", "--marionette", "--no-remote", "--profile", str(folder)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._numbers = count(1)
        try:
            self._link = socket.create_connection(("127.0.0.1", self._port(folder)), LIMIT_S)
            self._stream = self._link.makefile("rb")
            self._message()  # it says what it is
            self.send("WebDriver:NewSession", strictFileInteractability=False)
            self.send("WebDriver:SetTimeouts", script=int(1000 * LIMIT_S), pageLoad=int(1000 * LIMIT_S))
        except BaseException:
            self._end()
            raise

    def _port(self, folder: Path) -> int:
        written, end = folder / "MarionetteActivePort", time.monotonic() + LIMIT_S
        while not (written.exists() and written.read_text().strip()):
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"Firefox does not start: {self._process.poll()}")
            time.sleep(0.05)
        return int(written.read_text())

    def _message(self) -> Any:
        size = b""
        while (letter := self._stream.read(1)) != b":":
            if not letter:
                raise RuntimeError("Firefox has ended")
            size += letter
        return json.loads(self._stream.read(int(size)))

    def send(self, command: str, **parameters: Any) -> Any:
        """Send a command and wait for its answer."""
        text = json.dumps([0, next(self._numbers), command, parameters]).encode()
        self._link.sendall(b"%d:%s" % (len(text), text))
        _, _, error, result = self._message()
        if error:
            raise RuntimeError(f"{command}: {error['message']}")
        return result

    def open(self, page: Path | str) -> None:
        """Open a file or an address and wait until it is loaded."""
        self.send("WebDriver:Navigate", url=page if isinstance(page, str) else page.resolve().as_uri())

    def evaluate(self, expression: str, *arguments: Any) -> Any:
        """Return the value, awaited, of an expression of ``given``, the arguments, run beside the page's scripts.

        It has globals of its own; arrays must be the page's, which would not know the others as such.
        """
        code = "const { Uint8Array } = window, given = arguments, done = given[given.length - 1];"
        code += f"(async () => ({expression}))()"
        script = f"{code}.then((value) => done({{ value }}), (error) => done({{ error: String(error) }}));"
        found = self.send("WebDriver:ExecuteAsyncScript", script=script, args=arguments, sandbox=None)["value"]
        if "error" in found:
            raise RuntimeError(found["error"])
        return found["value"]

    def close(self) -> None:
        """End Firefox."""
        with contextlib.suppress(OSError, RuntimeError):
            self.send("Marionette:Quit", flags=["eForceQuit"])
        self._stream.close()
        self._link.close()
        self._end()

    def _end(self) -> None:
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._profile.cleanup()
