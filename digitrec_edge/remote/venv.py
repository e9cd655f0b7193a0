"""An isolated environment on a device: made on first use, used again when nothing has changed.

Everything lies in one folder of the user's home; nothing is installed system-wide and nobody needs root. Whoever begins
to make it leaves a claim there, a file of its own, and goes on only while that is there: of two desks that make the
same environment, the last to begin makes it. In the end the claim becomes the file ``ready``.
"""

import hashlib
import re
import secrets
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from digitrec_edge.errors import RemoteError, UnfitDeviceError
from digitrec_edge.remote import resolve
from digitrec_edge.remote.device import Device
from digitrec_edge.remote.pack import pack_wheel
from digitrec_edge.remote.refusals import ROOM
from digitrec_edge.remote.ssh import Completed, Connection

CACHE = "~/.cache/digitrec-edge"
LOCK = f"{CACHE}/lock"
"""Held on a device by the one program of ours that is at work there."""

BASE_BYTES, EXTRA_BYTES = 150 << 20, 130 << 20
"""Room that the base and each runtime take while they are installed: what lies there then, and its wheels."""

_BEGIN = 'test -e "$1/ready" || { rm -rf "$1" && mkdir -p "$1" && : >"$1/$2"; }'
_END = 'rm -rf wheels && mv "$1" ready'
"""What sh does first and last; where the environment was made by another in the meantime, nothing is claimed."""

_PIP_OPTIONS = (
    "install", "--quiet", "--no-compile", "--no-input", "--disable-pip-version-check", "--only-binary=:all:",
    "--retries", "1", "--timeout", "15", "--no-cache-dir",
)  # fmt: skip


@dataclass(frozen=True)
class RemoteEnvironment:
    """A ready environment.

    Attributes:
        folder: on the device, below ``~``.
    """

    folder: str
    extras: tuple[str, ...]

    @property
    def program(self) -> str:
        """Path of ``digitrec-edge`` on the device."""
        return f"{self.folder}/env/bin/digitrec-edge"

    @property
    def python(self) -> str:
        """Path of its Python."""
        return f"{self.folder}/env/bin/python"


def prepare(
    connection: Connection,
    device: Device,
    extras: Sequence[str],
    on_step: Callable[[str], None] = lambda text: None,
    root: str = CACHE,
) -> RemoteEnvironment:
    """Make the environment with these extras, or find it ready.

    The device's own pip configuration is tried first; where that leads nowhere, wheels are fetched on this
    machine and sent.

    Raises:
        UnfitDeviceError: too little room.
        RemoteError: the installation fails; says what pip said, or that another desk is at it.
    """
    with tempfile.TemporaryDirectory() as scratch:
        wheel = pack_wheel(Path(scratch))
        constraints = [line for line in resolve.constraint_lines() if _name(line) not in device.provided]
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        state = repr((digest, sorted(extras), device.machine.python, device.provided, constraints))
        folder = f"{root}/env-{hashlib.sha256(state.encode()).hexdigest()[:12]}"
        found = RemoteEnvironment(folder, tuple(extras))
        if not connection.examine([f"{folder}/ready"]).there:
            _check_room(connection.host, device, extras)
            _Installer(connection, device, found, wheel, constraints, on_step).install()
    return found


def _name(requirement: str) -> str:
    """Return the distribution that a requirement is about, as ``Device.provided`` has it."""
    found = re.match(r"[\w.-]+", requirement)
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else ""


def _check_room(host: str, device: Device, extras: Sequence[str]) -> None:
    needed = BASE_BYTES + EXTRA_BYTES * len(extras)
    if device.free_bytes < needed:
        raise UnfitDeviceError(
            f"{host}: its disk is full: {device.free_bytes >> 20} MB free below {device.home}, "
            f"{needed >> 20} MB are needed to install; {ROOM}"
        )


class _Installer:
    def __init__(
        self,
        connection: Connection,
        device: Device,
        environment: RemoteEnvironment,
        wheel: Path,
        constraints: list[str],
        on_step: Callable[[str], None],
    ) -> None:
        self._connection = connection
        self._device = device
        self._environment = environment
        self._folder = environment.folder
        self._wheel = wheel
        self._constraints = constraints
        self._on_step = on_step
        self._scratch = wheel.parent
        self._claim = f"claim-{secrets.token_hex(4)}"
        self._pip_path = ""

    def install(self) -> None:
        try:
            self._run("clearing its place", "sh", "-c", _BEGIN, "sh", self._folder, self._claim, begun=False)
            self._make()
            self._run("tidying up", "sh", "-c", _END, "sh", self._claim)
        except RemoteError:
            with suppress(RemoteError):  # what went wrong before is what the user is told
                self._on_device("rm", "-rf", self._folder)
            raise

    def _make(self) -> None:
        self._on_step("sending digitrec-edge")
        (pip,) = resolve.fetch(["pip"], self._device.machine, self._scratch / "pip")
        limits = self._wheel.with_name("constraints.txt")
        limits.write_text("".join(f"{line}\n" for line in self._constraints))
        self._connection.send([self._wheel, pip, limits], f"{self._folder}/wheels")
        options = ["--system-site-packages"] if self._device.provided else []
        self._run("making the environment", "python3", "-m", "venv", "--without-pip", *options, "env")
        self._pip_path = f"wheels/{pip.name}/pip"
        self._install_packages()
        self._run("trying it", self._environment.program, "--version")

    def _install_packages(self) -> None:
        asked = self._with_extras(f"wheels/{self._wheel.name}")
        try:
            self._pip("installing from its package index", asked)
        except RemoteError as cause:
            if isinstance(cause, UnfitDeviceError) or not str(cause).startswith(f"{self._connection.host}: pip"):
                raise
            self._on_step("its package index cannot be used: fetching wheels here")
            self._connection.send(self._fetch(), f"{self._folder}/wheels")
            self._pip("installing what was sent", "--no-index", "--find-links", "wheels", asked)

    def _fetch(self) -> list[Path]:
        itself = f"{self._with_extras('digitrec-edge')} @ {self._wheel.as_uri()}"
        machine, provided = self._device.machine, self._device.provided
        return resolve.fetch([itself], machine, self._scratch / "wheels", self._constraints, provided)

    def _with_extras(self, name: str) -> str:
        extras = self._environment.extras
        return f"{name}[{','.join(extras)}]" if extras else name  # pip refuses empty brackets

    def _pip(self, step: str, *arguments: str) -> None:
        program = ["env/bin/python", self._pip_path, *_PIP_OPTIONS, "--constraint", "wheels/constraints.txt"]
        self._run(step, *program, *arguments)

    def _run(self, step: str, *argv: str, begun: bool = True) -> None:
        self._on_step(step)
        answer = self._on_device(*argv, begun=begun)
        if answer.status:
            if any("No space left on device" in line for line in answer.lines):
                raise UnfitDeviceError(f"{self._connection.host}: its disk is full; nothing was installed; {ROOM}")
            said = next((line for line in reversed(answer.lines) if line.startswith("ERROR")), "")
            said = said or answer.last_line or "nothing"
            what = "pip" if self._pip_path in argv else argv[0]
            raise RemoteError(f"{self._connection.host}: {what} failed while {step}: {said[:300]}")

    def _on_device(self, *argv: str, begun: bool = True) -> Completed:
        folder, needs = (self._folder, f"{self._folder}/{self._claim}") if begun else ("~", None)
        return self._connection.run(argv, folder, lock=LOCK, needs=needs)
