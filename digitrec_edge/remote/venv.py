"""An isolated environment on a device: made on first use, used again when nothing has changed.

Everything lies in one folder of the user's home; nothing is installed system-wide and nobody needs root.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitrec_edge.errors import RemoteError, UnfitDeviceError
from digitrec_edge.remote import resolve as wheels
from digitrec_edge.remote.pack import pack_wheel
from digitrec_edge.remote.ssh import Connection

CACHE = "~/.cache/digitrec-edge"
BASE_BYTES, EXTRA_BYTES = 150 << 20, 130 << 20
"""Room that the base and each runtime take while they are installed: what lies there then, and its wheels."""

_PIP_OPTIONS = (
    "install", "--quiet", "--no-compile", "--no-input", "--disable-pip-version-check", "--only-binary=:all:",
    "--retries", "1", "--timeout", "15", "--no-cache-dir",
)  # fmt: skip


@dataclass(frozen=True)
class Device:
    """What a device says of itself.

    Attributes:
        machine: that its Python is made for.
        tag: of its Python, as wheels have it.
        glibc: empty when it has another C library.
        board: empty when it does not say.
        installed: numpy and Pillow of the system's Python.
    """

    machine: str
    bits: int
    system: str
    python: str
    tag: str
    glibc: str
    home: str
    free_bytes: int
    board: str
    installed: dict[str, str]
    there: list[str]

    @property
    def platform(self) -> wheels.Platform:
        """What decides which wheels it can take."""
        return wheels.Platform(self.machine, self.python, self.glibc)

    @property
    def shares_packages(self) -> bool:
        """Whether the environment sees the system's numpy and Pillow: on 32 bits PyPI has no wheels of them."""
        return self.bits == 32 and "numpy" in self.installed


@dataclass(frozen=True)
class Environment:
    """A ready environment.

    Attributes:
        folder: on the device, below ``~``.
        fresh: it was made just now.
    """

    folder: str
    extras: tuple[str, ...]
    fresh: bool

    @property
    def program(self) -> str:
        """Path of ``digitrec-edge`` on the device."""
        return f"{self.folder}/env/bin/digitrec-edge"


def examine(connection: Connection, paths: Sequence[str] = ()) -> Device:
    """Ask a device what it is, and which of these paths are there."""
    raw: dict[str, Any] = connection.facts(paths)
    return Device(**raw)


def prepare(
    connection: Connection,
    device: Device,
    extras: Sequence[str],
    on_step: Callable[[str], None] = lambda text: None,
    root: str = CACHE,
) -> Environment:
    """Make the environment with these extras, or find it ready.

    The device's own pip configuration is tried first; where that leads nowhere, wheels are fetched on this
    machine and sent.

    Raises:
        UnfitDeviceError: too little room.
        RemoteError: the installation fails; says what pip said.
    """
    with tempfile.TemporaryDirectory() as scratch:
        wheel = pack_wheel(Path(scratch))
        constraints = wheels.constraints_for(device.platform)
        state = repr((hashlib.sha256(wheel.read_bytes()).hexdigest(), sorted(extras), device.python, constraints))
        folder = f"{root}/env-{hashlib.sha256(state.encode()).hexdigest()[:12]}"
        made = Environment(folder, tuple(extras), fresh=True)
        if examine(connection, [f"{folder}/ready"]).there:
            return Environment(folder, tuple(extras), fresh=False)
        _check_room(connection.host, device, extras)
        connection.remove(folder)  # of an installation that broke halfway
        try:
            _Installer(connection, device, made, wheel, constraints, on_step).install()
        except RemoteError:
            _try_to_remove(connection, folder)
            raise
        ready = Path(scratch) / "ready"
        ready.write_text("complete\n")
        connection.send([ready], folder)
    return made


def _check_room(host: str, device: Device, extras: Sequence[str]) -> None:
    needed = BASE_BYTES + EXTRA_BYTES * len(extras)
    if device.free_bytes < needed:
        raise UnfitDeviceError(
            f"{host}: its disk is full: {device.free_bytes >> 20} MB free below {device.home}, "
            f"{needed >> 20} MB are needed to install"
        )


def _try_to_remove(connection: Connection, folder: str) -> None:
    try:
        connection.remove(folder)
    except RemoteError:
        return  # what went wrong before is what the user is told


class _Installer:
    def __init__(
        self,
        connection: Connection,
        device: Device,
        environment: Environment,
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

    def install(self) -> None:
        self._on_step("sending digitrec-edge")
        (pip,) = wheels.fetch(["pip"], self._device.platform, self._cache())
        limits = self._wheel.with_name("constraints.txt")
        limits.write_text("".join(f"{line}\n" for line in self._constraints))
        self._connection.send([self._wheel, pip, limits], f"{self._folder}/wheels")
        options = ["--system-site-packages"] if self._device.shares_packages else []
        self._run("making the environment", "python3", "-m", "venv", "--without-pip", *options, "env")
        self._pip_path = f"wheels/{pip.name}/pip"
        self._install_packages()
        self._run("trying it", f"{self._environment.program}", "--version")
        self._connection.remove(f"{self._folder}/wheels")

    def _install_packages(self) -> None:
        asked = f"wheels/{self._wheel.name}[{','.join(self._environment.extras)}]"
        try:
            self._pip("installing from its package index", asked)
        except RemoteError as cause:
            if isinstance(cause, UnfitDeviceError) or not str(cause).startswith(f"{self._connection.host}: pip"):
                raise
            self._on_step("its package index cannot be used: fetching wheels here")
            self._connection.send(self._fetch(), f"{self._folder}/wheels")
            self._pip("installing what was sent", "--no-index", "--find-links", "wheels", asked)

    def _fetch(self) -> list[Path]:
        platform = self._device.platform
        needed = wheels.applicable(wheels.requires(self._wheel), platform, self._environment.extras)
        shared = self._device.installed if self._device.shares_packages else {}
        return wheels.fetch(needed, platform, self._cache(), installed=shared)

    def _cache(self) -> Path:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return home / "digitrec-edge" / "wheels" / f"{self._device.machine}-{self._device.platform.python_minor}"

    def _pip(self, step: str, *arguments: str) -> None:
        program = ["env/bin/python", self._pip_path, *_PIP_OPTIONS, "--constraint", "wheels/constraints.txt"]
        self._run(step, *program, *arguments)

    def _run(self, step: str, *argv: str) -> None:
        self._on_step(step)
        answer = self._connection.run(argv, self._folder, lock=f"{CACHE}/lock")
        if answer.done["status"]:
            if any("No space left on device" in line for line in answer.lines):
                raise UnfitDeviceError(f"{self._connection.host}: its disk is full; nothing was installed")
            said = next((line for line in reversed(answer.lines) if line.startswith("ERROR")), "")
            said = said or next(iter(answer.lines[-1:]), "nothing")
            what = "pip" if self._pip_path_in(argv) else argv[0]
            raise RemoteError(f"{self._connection.host}: {what} failed while {step}: {said[:300]}")

    def _pip_path_in(self, argv: Sequence[str]) -> bool:
        return getattr(self, "_pip_path", "") in argv
