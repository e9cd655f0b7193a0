"""What the emulated microcontrollers need of the machine underneath, and what to type where it is missing."""

import os
import shutil
import subprocess
import sys

PACKAGES = {
    "arm-none-eabi-gcc": "gcc-arm-none-eabi",
    "riscv64-unknown-elf-gcc": "gcc-riscv64-unknown-elf",
    "qemu-system-arm": "qemu-system-arm",
    "qemu-system-riscv32": "qemu-system-misc",
    "gcc": "gcc",
    "g++": "g++",
    "clang": "clang",
}
"""Programs, and the Debian packages that they are in."""


def absent() -> list[str]:
    """Return the Debian packages that are not here."""
    return sorted(PACKAGES[name] for name in PACKAGES if shutil.which(name) is None)


def install() -> None:
    """Install what is missing where that is possible: as root on Debian."""
    missing = absent()
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"installing {' '.join(missing)}", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", *missing]):
            subprocess.run(
                ["apt-get", *command], env=environment, stdout=subprocess.DEVNULL, check=command[0] != "update"
            )


def main() -> int:
    """Install if asked to, then say what is missing."""
    if "--install" in sys.argv[1:]:
        install()
    missing = absent()
    if missing:
        print(f"the emulated microcontrollers need: apt-get install {' '.join(missing)}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
