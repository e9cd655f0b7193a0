"""Userlands: what is on a board's SD card, made once from Debian's packages and kept in ``build/pi``."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from emulated_pi import packages
from emulated_pi.locks import alone

BUILD = Path(__file__).parents[3] / "build" / "pi"
KEPT_S = 86_400.0

_TOOLS = (
    "base-files", "ca-certificates", "coreutils", "dash", "findutils", "grep", "gzip", "openssh-sftp-server", "procps",
    "sed", "tar",
)  # fmt: skip


@dataclass(frozen=True)
class Userland:
    """A root file system.

    Attributes:
        architecture: Debian's name of it.
        machine: the kernel's name of it, as ``uname -m`` and wheels have it.
        emulator: QEMU's name of it.
        elf_machine: two bytes of the ELF header, escaped for binfmt_misc.
        python: version, two parts.
        packages: of Debian, beyond the tools of every login.
    """

    name: str
    suite: str
    architecture: str
    machine: str
    emulator: str
    elf_machine: str
    python: str
    packages: tuple[str, ...]

    def root(self) -> Path:
        """Return the root file system, made first where it is not there yet."""
        final = BUILD / "userlands" / f"{self.name}-{self._key()}"
        if not final.exists():
            with alone(final):
                if not final.exists():
                    self._make(final)
        return final / "root"

    def _key(self) -> str:
        """Change whenever a userland would come out differently."""
        content = repr((self, _TOOLS)).encode() + Path(__file__).read_bytes() + Path(packages.__file__).read_bytes()
        return hashlib.sha256(content).hexdigest()[:12]

    def _make(self, final: Path) -> None:
        print(f"making the userland {self.name} (about a minute)", file=sys.stderr, flush=True)
        final.parent.mkdir(parents=True, exist_ok=True)
        remove_old(final.parent, f"{self.name}-*")
        with tempfile.TemporaryDirectory(prefix=".making-", dir=final.parent) as scratch:
            root = Path(scratch) / "made" / "root"
            root.mkdir(parents=True)
            wanted = (*_TOOLS, "libstdc++6", "python3-venv", *self.packages)
            packages.unpack(root, Path(scratch) / "apt", self.architecture, self.suite, wanted)
            _add_users(root)
            _configure(root)
            _compile(root)
            (Path(scratch) / "made").rename(final)


def remove_old(folder: Path, pattern: str) -> None:
    """Remove the folders that were made more than a day ago; younger things may be at work in another run."""
    for path in folder.glob(pattern):
        if path.is_dir() and time.time() - path.stat().st_mtime > KEPT_S:
            shutil.rmtree(path)


def _add_users(root: Path) -> None:
    for folder in ("tmp", "home/pi", "root", "proc", "sys", "dev", "etc"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "etc/passwd").write_text(
        "root:x:0:0:root:/home/pi:/bin/sh\npi:x:1000:1000:pi:/home/pi:/bin/sh\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/bin/sh\n"
    )
    (root / "etc/group").write_text("root:x:0:\npi:x:1000:\nnogroup:x:65534:\n")
    for name in ("hosts", "resolv.conf"):
        if (Path("/etc") / name).exists():
            shutil.copyfile(Path("/etc") / name, root / "etc" / name)


def _configure(root: Path) -> None:
    """Do what the packages' maintainer scripts, which do not run, would have done."""
    for library in ("libblas", "liblapack"):
        for path in root.glob(f"usr/lib/*/*/{library}.so.3"):
            (path.parent.parent / path.name).symlink_to(f"{path.parent.name}/{path.name}")
    authorities = sorted((root / "usr/share/ca-certificates").rglob("*.crt"))
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_bytes(b"".join(path.read_bytes() for path in authorities))


def _compile(root: Path) -> None:
    """Compile the standard library to bytecode where the machine has the same Python: imports start faster."""
    for library in root.glob("usr/lib/python3.*"):
        python = shutil.which(library.name)
        if python:
            environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
            prefix = ["-s", str(root), "-p", "/"]
            command = [python, "-m", "compileall", "-q", "-j", "2", *prefix, str(library)]
            subprocess.run(command, env=environment, capture_output=True, check=False)


BOOKWORM = Userland("bookworm-arm64", "bookworm", "arm64", "aarch64", "qemu-aarch64", r"\xb7\x00", "3.11", ())
TRIXIE = Userland("trixie-arm64", "trixie", "arm64", "aarch64", "qemu-aarch64", r"\xb7\x00", "3.13", ())
FORKY = Userland("forky-arm64", "forky", "arm64", "aarch64", "qemu-aarch64", r"\xb7\x00", "3.14", ())
"""The release after Trixie, still being made: the first with the newest Python that is supported."""

TRIXIE_RISCV = Userland(
    "trixie-riscv64", "trixie", "riscv64", "riscv64", "qemu-riscv64", r"\xf3\x00", "3.13",
    ("python3-numpy", "python3-pil"),
)  # fmt: skip
"""No runtime has wheels for it, and numpy and Pillow neither."""

BOOKWORM_32 = Userland(
    "bookworm-armhf", "bookworm", "armhf", "armv7l", "qemu-arm", r"\x28\x00", "3.11", ("python3-numpy", "python3-pil")
)
