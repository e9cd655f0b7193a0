"""What the emulation needs of the machine underneath, and what to type where it is missing."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = {
    "qemu-aarch64": "qemu-user",
    "qemu-aarch64-static": "qemu-user-static",
    "unshare": "util-linux",
    "setarch": "util-linux",
    "dpkg-deb": "dpkg",
    "apt-get": "apt",
    "cc": "gcc",
    "sshd": "openssh-server",
    "ssh": "openssh-client",
}
"""Programs, and the Debian packages that they are in."""

HEADER = Path("/usr/include/stdio.h")
"""Of libc6-dev, which gcc only recommends."""

_SBIN = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def program(name: str) -> str:
    """Return the path of a program of ``PACKAGES``, looked for in sbin, too."""
    found = shutil.which(name, path=_SBIN)
    if found is None:
        raise RuntimeError(f"{name} is not installed: apt-get install {PACKAGES[name]}")
    return found


def _absent() -> list[str]:
    """Return the Debian packages that are not here."""
    packages = {PACKAGES[name] for name in PACKAGES if shutil.which(name, path=_SBIN) is None}
    return sorted(packages if HEADER.exists() else {*packages, "libc6-dev"})


def missing() -> list[str]:
    """Return what is missing here, one line each; nothing when the emulation can run."""
    lines = []
    if not shutil.which("apt-get"):
        lines.append("a Debian machine (12 or later): the boards' packages come through its own apt sources")
        return lines
    absent = _absent()
    if absent:
        lines.append(f"apt-get install {' '.join(absent)}")
    release = tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2])
    if release < (6, 7):
        lines.append(
            f"Linux 6.7 or later, where a namespace has a binfmt_misc of its own (this is {platform.release()})"
        )
    elif shutil.which("unshare"):
        done = subprocess.run(
            ["unshare", "--user", "--map-root-user", "--mount", "true"], capture_output=True, text=True
        )
        if done.returncode:
            lines.append(f"user namespaces: unshare --user --map-root-user --mount says {done.stderr.strip()!r}")
    return lines


def install() -> None:
    """Install what is missing where that is possible: as root on Debian."""
    absent = _absent()
    if absent and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"installing {' '.join(absent)}", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        quiet = {"env": environment, "stdout": subprocess.DEVNULL}
        subprocess.run(["apt-get", "update", "-q"], **quiet, check=False)  # type: ignore[call-overload]
        subprocess.run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *absent], **quiet, check=True)  # type: ignore[call-overload]


def main() -> int:
    """Install if asked to, then say what is missing."""
    if "--install" in sys.argv[1:]:
        install()
    lines = missing()
    for line in lines:
        print(f"the emulated Raspberry Pi needs: {line}")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
