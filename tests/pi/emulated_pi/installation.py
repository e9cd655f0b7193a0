"""The project installed on a board: its wheel and the extras asked for, in a virtual environment."""

import hashlib
import inspect
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from digitrec_edge.installation import machine as description
from digitrec_edge.records import parse
from digitrec_edge.remote.device import Device
from digitrec_edge.remote.pack import repack_wheel
from digitrec_edge.remote.resolve import download, resolve
from emulated_pi.boards import Board
from emulated_pi.locks import alone
from emulated_pi.machine import Machine
from emulated_pi.userland import BUILD, Userland, remove_old

ROOT = Path(__file__).parents[3]
PIP = "$(echo /usr/share/python-wheels/pip-*.whl)/pip"
TEST_TOOLS = ("pytest", "hypothesis")


@dataclass(frozen=True)
class Installation:
    """A machine with digitrec-edge on it.

    Attributes:
        extras: what was installed beside the base.
    """

    machine: Machine
    extras: tuple[str, ...]

    @property
    def packages(self) -> Path:
        """The environment's site-packages, seen from outside."""
        return self.machine.home / "env/lib" / f"python{self.machine.userland.python}" / "site-packages"

    def run(
        self, *arguments: str | Path, ok: bool = True, stdin: str = "", before: str = "", timeout_s: float = 560
    ) -> "subprocess.CompletedProcess[str]":
        """Run ``digitrec-edge`` there."""
        module = ("-m", "digitrec_edge")
        return self.python(*module, *arguments, ok=ok, stdin=stdin, before=before, timeout_s=timeout_s)

    def python(
        self, *arguments: str | Path, ok: bool = True, stdin: str = "", before: str = "", timeout_s: float = 560
    ) -> "subprocess.CompletedProcess[str]":
        """Run the environment's Python there; ``before`` is shell code, such as a variable's assignment."""
        quoted = " ".join("'" + str(argument).replace("'", "'\\''") + "'" for argument in arguments)
        line = f"{before} PYTHONSAFEPATH=1 env/bin/python {quoted}"
        return self.machine.run(line, ok=ok, stdin=stdin, timeout_s=timeout_s)


def build_wheel() -> Path:
    """Build the wheel for devices from the checkout; the same checkout gives the same bytes and the same path."""
    folder = BUILD / "dist"
    with alone(folder), tempfile.TemporaryDirectory(prefix=".building-", dir=BUILD) as scratch:
        shutil.rmtree(ROOT / "build" / "lib", ignore_errors=True)  # the build takes what an earlier one left there
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", scratch, str(ROOT)]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            raise RuntimeError(f"the wheel cannot be built:\n{done.stdout}{done.stderr}")
        (whole,) = Path(scratch).glob("*.whl")
        wheel = repack_wheel(whole, Path(scratch) / "device")
        final = folder / hashlib.sha256(wheel.read_bytes()).hexdigest()[:12] / wheel.name
        remove_old(folder, "*")
        final.parent.mkdir(parents=True, exist_ok=True)
        return wheel.replace(final)


def install(userland: Userland, board: Board, extras: tuple[str, ...], wheel: Path) -> Installation:
    """Return the board with the project installed; an environment with the same dependencies is used again."""
    constraints = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line[:1] not in ("", "#")]
    state = repr((userland.root().parent.name, _requires(wheel), constraints)).encode() + Path(__file__).read_bytes()
    name = f"{userland.name}-{'-'.join(extras) or 'base'}-{hashlib.sha256(state).hexdigest()[:12]}"
    installation = Installation(Machine(userland, board, BUILD / "homes" / name), extras)
    with alone(installation.machine.home):
        if not (installation.machine.home / "ready").exists():
            _install_dependencies(installation, wheel, constraints)
        _install_wheel(installation, wheel)
    return installation


def _requires(wheel: Path) -> list[str]:
    """Return what a wheel's metadata says of what it needs."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = archive.read(name).decode().splitlines()
    return [line for line in lines if line.startswith(("Requires-", "Provides-Extra"))]


def _install_dependencies(installation: Installation, wheel: Path, constraints: list[str]) -> None:
    machine = installation.machine
    shutil.rmtree(machine.home, ignore_errors=True)  # an installation that broke halfway
    remove_old(BUILD / "homes", f"{machine.home.name.rpartition('-')[0]}-*")
    print(f"installing on {machine.userland.name}: {' '.join(installation.extras)}", file=sys.stderr, flush=True)
    machine.home.mkdir(parents=True)
    device = describe(machine)
    provided = device.provided
    own = [line for line in constraints if not line.startswith(tuple(f"{name}==" for name in provided))]
    extras = f"[{','.join(installation.extras)}]" if installation.extras else ""
    itself = f"digitrec-edge{extras} @ {wheel.as_uri()}"
    machine.run(f"python3 -m venv --without-pip {'--system-site-packages' if provided else ''} env")
    for wanted, place in (((itself,), ""), (TEST_TOOLS, "--target tools")):
        folder = machine.home / "wheels"
        pins = resolve(wanted, device.machine, own, provided)
        download(pins, device.machine, folder)
        pip = f"env/bin/python {PIP} install -q --no-compile --no-index --find-links wheels {place}"
        machine.run(f"{pip} {' '.join(pins)}")
        shutil.rmtree(folder)
    (machine.home / "ready").touch()


def describe(machine: Machine) -> Device:
    """Return what the board says of itself, as it is asked over ssh."""
    code = inspect.getsource(description) + "\nimport dataclasses, json\nprint(json.dumps(dataclasses.asdict("
    done = machine.run(["python3", "-"], stdin=code + "describe_machine())))\n")
    return Device(parse(description.Machine, json.loads(done.stdout), "machine"), "/home/pi", 0, ())


def _install_wheel(installation: Installation, wheel: Path) -> None:
    machine = installation.machine
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    installed = machine.home / "wheel.sha256"
    if installed.exists() and installed.read_text() == digest:
        return
    installed.unlink(missing_ok=True)
    shutil.copyfile(wheel, machine.home / wheel.name)
    machine.run(f"env/bin/python {PIP} install -q --no-compile --no-index --no-deps --force-reinstall {wheel.name}")
    installed.write_text(digest)
