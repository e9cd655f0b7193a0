"""Wheels for a device, chosen and fetched on this machine, so that the device needs no network.

uv resolves with the markers and the wheel tags of the device (``uv pip compile``), pip downloads the exact versions.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from digitrec_edge.errors import NotInstalledError, RemoteError
from digitrec_edge.installation.machine import Machine
from digitrec_edge.pip_lines import install_extra
from digitrec_edge.remote.index import pip_index

_UV_GLIBC = {"x86_64": (17, 28, *range(31, 41)), "aarch64": (17, 28, *range(31, 41))}
"""Minor versions of glibc 2 for which uv has a platform, by processor (uv 0.13: ``uv pip compile --help``)."""

_OPTIONS = (
    "pip", "compile", "--quiet", "--color", "never", "--no-header", "--no-annotate", "--no-build",
    "--no-progress", "--no-emit-package", "digitrec-edge",
)  # fmt: skip


def fetch(
    requirements: Sequence[str],
    machine: Machine,
    folder: Path,
    constraints: Sequence[str] = (),
    provided: Sequence[str] = (),
) -> list[Path]:
    """Resolve requirements and download wheels of all that they come to; see ``resolve`` and ``download``."""
    return download(resolve(requirements, machine, constraints, provided), machine, folder)


def resolve(
    requirements: Sequence[str], machine: Machine, constraints: Sequence[str] = (), provided: Sequence[str] = ()
) -> list[str]:
    """Choose versions for ``requirements`` and all that they require, of which there are wheels for the device.

    Args:
        requirements: as pip takes them; digitrec-edge itself is left out of what is returned.
        machine: the device's.
        constraints: limits in the same words; markers are those of the device.
        provided: distributions that the device has and the environment will see. Whether their versions will do
            is for the device's pip to say.

    Returns:
        Lines such as ``numpy==1.26.4``.

    Raises:
        NotInstalledError: uv is missing.
        RemoteError: no set of versions fits; says why.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        command = [find_uv(), *_OPTIONS, *_platform(machine, folder), "--python", sys.executable]
        command += ["--python-version", machine.python]
        for option, lines in (("--constraints", constraints), ("--excludes", provided), ("", requirements)):
            path = folder / f"{option.strip('-') or 'requirements'}.txt"
            path.write_text("".join(f"{line}\n" for line in lines))
            command += [option, str(path)] if option else [str(path)]
        index = pip_index()
        command += ["--no-index"] * index.no_index
        variables = {**os.environ, **index.uv_variables()}
        done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        text = " ".join(done.stderr.partition("\nhint:")[0].rpartition("cause: ")[2].split()) or "uv said nothing"
        raise RemoteError(f"no wheels for Python {machine.python} on {machine.machine}: {text[:400]}")
    return [line.partition(" ;")[0] for line in done.stdout.splitlines()]


def _platform(machine: Machine, folder: Path) -> list[str]:
    """Return uv's options for a machine; one that it has no name for is described in the project of ``folder``."""
    known = _UV_GLIBC.get(machine.machine)
    if known and machine.libc == "musl":
        return ["--python-platform", f"{machine.machine}-unknown-linux-musl"]
    if known and machine.libc == "glibc":
        minor = max((minor for minor in known if minor <= _libc_minor(machine)), default=known[0])
        return ["--python-platform", f"{machine.machine}-manylinux_2_{minor}"]
    kind = f"sys_platform == 'linux' and platform_machine == '{machine.machine}'"
    version = f"python_full_version == '{machine.python}'"
    (folder / "pyproject.toml").write_text(
        f'[tool.uv]\nenvironments = ["{kind} and {version}"]\nrequired-environments = ["{kind} and {version}"]\n'
    )
    return ["--universal"]


def download(pins: Sequence[str], machine: Machine, folder: Path) -> list[Path]:
    """Download the wheels of exact versions into an empty folder.

    Raises:
        RemoteError: pip fetched none of them; says why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--implementation", "cp", "--python-version", machine.python, "--dest", str(folder)]
    for tag in _tags(machine):
        command += ["--platform", tag]
    variables = {**os.environ, **pip_index().pip_variables()}
    variables["PIP_CONSTRAINT"] = os.devnull  # pip would read their markers for its own Python
    with tempfile.TemporaryDirectory() as elsewhere:  # where no file has a package's name
        done = subprocess.run(
            [*command, *pins], env=variables, cwd=elsewhere, capture_output=True, text=True, check=False
        )
    if done.returncode:
        reasons = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip said nothing"]
        raise RemoteError(f"no wheels for Python {machine.python} on {machine.machine}: {reasons[-1][:300]}")
    return sorted(folder.glob("*.whl"))


def _tags(machine: Machine) -> list[str]:
    """Return the platform tags of the wheels that a machine can take (PEP 600, PEP 656)."""
    newest = _libc_minor(machine)
    systems = {
        "glibc": ["manylinux2014", *(f"manylinux_2_{minor}" for minor in range(17, newest + 1))],
        "musl": [f"musllinux_1_{minor}" for minor in range(newest + 1)],
    }
    return [f"{system}_{machine.machine}" for system in ("linux", *systems.get(machine.libc, ()))]


def _libc_minor(machine: Machine) -> int:
    """Return the 36 of 2.36; -1 where the C library does not tell its version."""
    return int(machine.libc_version.split(".")[1]) if machine.libc_version else -1


def constraint_lines() -> list[str]:
    """Return what the constraint files in pip's configuration ask for.

    Raises:
        RemoteError: a file cannot be read, or has more than requirements in it.
    """
    lines: list[str] = []
    for path in pip_index().constraints:
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as cause:
            raise RemoteError(f"pip's constraint file {path} cannot be read: {cause.strerror}") from cause
        lines += [line.partition(" #")[0].strip() for line in text.splitlines() if not line.startswith("#")]
    for line in lines:
        if line.startswith("-"):
            raise RemoteError(f"pip's constraint files have an option in them, {line!r}; a device takes versions only")
    return [line for line in lines if line]


def find_uv() -> str:
    """Return the path of uv.

    Raises:
        NotInstalledError: it is missing.
    """
    try:
        from uv import find_uv_bin
    except ImportError as cause:
        raise NotInstalledError(f"choosing wheels for a device needs uv: {install_extra('remote')}") from cause
    return find_uv_bin()
