"""The project installed on a board: its wheel and the extras asked for, in a virtual environment."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from digitrec_edge.remote import resolve as wheels
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
    """Build the project's wheel from the checkout; the same checkout gives the same bytes and the same path."""
    folder = BUILD / "dist"
    with alone(folder), tempfile.TemporaryDirectory(prefix=".building-", dir=BUILD) as scratch:
        shutil.rmtree(ROOT / "build" / "lib", ignore_errors=True)  # the build takes what an earlier one left there
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", scratch, str(ROOT)]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            raise RuntimeError(f"the wheel cannot be built:\n{done.stdout}{done.stderr}")
        (wheel,) = Path(scratch).glob("*.whl")
        final = folder / hashlib.sha256(wheel.read_bytes()).hexdigest()[:12] / wheel.name
        remove_old(folder, "*")
        final.parent.mkdir(parents=True, exist_ok=True)
        return wheel.replace(final)


def install(userland: Userland, board: Board, extras: tuple[str, ...], wheel: Path) -> Installation:
    """Return the board with the project installed; an environment with the same dependencies is used again."""
    platform = describe(userland)
    needed = wheels.applicable(wheels.requires(wheel), platform, extras)
    constraints = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line[:1] not in ("", "#")]
    state = repr((userland.root().parent.name, needed, constraints)).encode() + Path(__file__).read_bytes()
    name = f"{userland.name}-{'-'.join(extras)}-{hashlib.sha256(state).hexdigest()[:12]}"
    installation = Installation(Machine(userland, board, BUILD / "homes" / name), extras)
    with alone(installation.machine.home):
        if not (installation.machine.home / "ready").exists():
            _install_dependencies(installation, needed, platform, constraints)
        _install_wheel(installation, wheel)
    return installation


def describe(userland: Userland) -> wheels.Platform:
    """Return what decides which wheels fit."""
    library = next((userland.root() / "usr/lib").glob("*-linux-gnu*/libc.so.6"))
    with library.open("rb") as stream:
        (_, _, rest) = stream.read().partition(b"stable release version ")
    return wheels.Platform(userland.machine, f"{userland.python}.0", rest[:4].decode())


def _install_dependencies(
    installation: Installation, needed: list[str], platform: wheels.Platform, constraints: list[str]
) -> None:
    machine = installation.machine
    shutil.rmtree(machine.home, ignore_errors=True)  # an installation that broke halfway
    remove_old(BUILD / "homes", f"{machine.home.name.rpartition('-')[0]}-*")
    print(f"installing on {machine.userland.name}: {' '.join(installation.extras)}", file=sys.stderr, flush=True)
    system = _debian_packages(machine)
    cache = BUILD / "wheels" / machine.userland.name
    wheels.fetch([*needed, *TEST_TOOLS], platform, cache, constraints=constraints, installed=system)
    shutil.copytree(cache, machine.home / "wheels")
    options = "--system-site-packages" if system else ""
    machine.run(f"python3 -m venv --without-pip {options} env")
    pip = f"env/bin/python {PIP} install -q --no-compile --no-index --find-links wheels"
    own = [line for line in constraints if not line.startswith(tuple(f"{name}==" for name in system))]
    (machine.home / "constraints.txt").write_text("".join(f"{line}\n" for line in own))
    quoted = " ".join(f"'{line}'" for line in needed)
    machine.run(f"{pip} -c constraints.txt {quoted}")
    machine.run(f"{pip} -c constraints.txt --target tools {' '.join(TEST_TOOLS)}")
    shutil.rmtree(machine.home / "wheels")
    (machine.home / "ready").touch()


def _debian_packages(machine: Machine) -> dict[str, str]:
    """Return what the board's own Python has of numpy and Pillow: on 32 bits there are no wheels of them."""
    if not machine.userland.packages:
        return {}
    code = "import numpy, PIL; print(numpy.__version__, PIL.__version__)"
    numpy, pillow = machine.run(["python3", "-c", code]).stdout.split()
    return {"numpy": numpy, "pillow": pillow}


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
