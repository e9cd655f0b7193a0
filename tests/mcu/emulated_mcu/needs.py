"""What the emulated microcontrollers need of the machine underneath, and what to type where it is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ARDUINO = Path("/usr/share/arduino/hardware/arduino/avr")
"""Arduino's own library for its boards with an AVR."""
PACKAGES = {
    "arm-none-eabi-gcc": "gcc-arm-none-eabi",
    "riscv64-unknown-elf-gcc": "gcc-riscv64-unknown-elf",
    "qemu-system-arm": "qemu-system-arm",
    "qemu-system-riscv32": "qemu-system-misc",
    "avr-gcc": "gcc-avr",
    "simavr": "simavr",
    "gcc": "gcc",
    "g++": "g++",
    "clang": "clang",
}
"""Programs, and the Debian packages that they are in."""
FILES = {
    Path("/usr/include/simavr/sim_avr.h"): "libsimavr-dev",
    Path("/usr/include/libelf.h"): "libelf-dev",
    Path("/usr/lib/avr/include/avr/io.h"): "avr-libc",
    ARDUINO: "arduino-core-avr",
}
"""What is no program, and where Debian puts it."""


def absent() -> list[str]:
    """Return the Debian packages that are not here."""
    programs = {PACKAGES[name] for name in PACKAGES if shutil.which(name) is None}
    return sorted(programs | {package for path, package in FILES.items() if not path.exists()})


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
