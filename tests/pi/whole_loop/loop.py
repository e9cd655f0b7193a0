"""What the steps share: the Pi behind its ssh server, ways to ask it, and what they hand on to each other."""

import json
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulated_pi import network
from emulated_pi.boards import PI5
from emulated_pi.machine import Machine
from emulated_pi.sshd import Server
from emulated_pi.userland import BOOKWORM, BUILD, remove_old

ROOT = Path(__file__).parents[3]
HOST = "pi5"
LIMIT_S = 300.0


class BrokenError(Exception):
    """A step without its effect."""


def demand(holds: bool, what: str) -> None:
    """Go on if it holds.

    Raises:
        BrokenError: it does not; says what.
    """
    if not holds:
        raise BrokenError(what)


def until(what: str, holds: Callable[[], bool]) -> float:
    """Wait until something holds; returns how many seconds that took."""
    start = time.monotonic()
    while not holds():
        demand(time.monotonic() - start < LIMIT_S, f"{what}: not within {LIMIT_S:.0f} s")
        time.sleep(0.1)
    return time.monotonic() - start


@dataclass
class Loop:
    """What the steps hand on to each other.

    Attributes:
        home: the Pi's home folder, seen from outside.
        folder: of this machine.
        model: what the first artifact was made of.
        program: ``digitrec-edge`` on the Pi.
        port: of this machine, that leads to the service.
        process: the service.
        truth: id of what was kept, and is to be corrected -> digit.
        unseen_right, watched_right: by the first artifact.
    """

    server: Server
    home: Path
    folder: Path
    model: Path
    stack: ExitStack
    program: str = ""
    port: int = 0
    process: int = 0
    truth: dict[str, int] = field(default_factory=dict)
    unseen_right: int = 0
    watched_right: int = 0

    @property
    def old(self) -> Path:
        """The first artifact."""
        return self.model.parent / "artifacts" / "digitrec-int8.tflite"

    @property
    def new(self) -> Path:
        """The artifact of what was learnt."""
        return self.folder / "artifacts" / "digitrec-int8.tflite"

    @property
    def collection(self) -> Path:
        """What was collected."""
        return self.folder / "collection.sqlite"

    def command_line(self, *arguments: str | Path) -> str:
        """Run ``digitrec-edge`` on this machine; returns its output."""
        environment = {**self.server.environment(), "PIP_CONSTRAINT": str(ROOT / "constraints.txt")}
        command = [sys.executable, "-m", "digitrec_edge", *map(str, arguments)]
        done = subprocess.run(command, env=environment, cwd=self.folder, capture_output=True, text=True, check=False)
        demand(done.returncode == 0, f"{arguments[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def devices(self, *arguments: str | Path) -> Any:
        """Run ``digitrec-edge deploy`` for the Pi; returns what it tells of it."""
        (found,) = json.loads(self.command_line("deploy", *arguments, "--host", HOST, "--json")).values()
        return found

    def ssh(self, line: str, *options: str) -> "subprocess.Popen[str]":
        """Start a command line on the Pi; it ends with the loop."""
        command = ["ssh", "-o", "BatchMode=yes", *options, HOST, *([line] if line else [])]
        with (self.folder / "ssh.log").open("a") as log:
            process = subprocess.Popen(
                command, env=self.server.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                text=True,
            )  # fmt: skip
        self.stack.callback(process.wait, 60)
        self.stack.callback(process.terminate)
        return process

    def over_http(self, path: str, body: bytes | None = None) -> Any:
        """Ask the service, through the tunnel; returns the JSON of its answer."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def stop(self) -> None:
        """End the service as systemd does, and wait for its end."""
        if self.process:
            self.ssh(f"kill -TERM {self.process}").wait(60)
            until("the end of the service", lambda: not Path(f"/proc/{self.process}").exists())
            self.process = 0


@contextmanager
def board(folder: Path) -> Iterator[tuple[Server, Path]]:
    """Yield an ssh server whose host is a Pi on which environments are left and nothing else, and its home folder."""
    home = BUILD / "homes" / "loop"
    home.mkdir(parents=True, exist_ok=True)
    for left in (*home.glob("digitrec-edge/*"), *home.glob("meter")):
        if left.is_symlink() or left.is_file():
            left.unlink()
        elif not left.name.startswith("env-"):
            shutil.rmtree(left)
    remove_old(home / "digitrec-edge", "env-*")
    network.connect(home)
    server = Server(folder)
    server.start()
    try:
        server.add_host(HOST, Machine(BOOKWORM, PI5, home).login())
        yield server, home
    finally:
        server.stop()
