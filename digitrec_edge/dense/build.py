"""Builds the compiled kernels: ``python -m digitrec_edge.dense.build`` for this machine, ``--all`` those that ship.

Those that ship are built by zig's compiler (``pip install ziglang``), which has every target in itself and gives the
same bytes on every machine; ``make native`` does it. Without it the C compiler of this machine does for this machine.
"""

import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from digitrec_edge.dense import library
from digitrec_edge.files import sha256, write_file

SOURCE = Path(__file__).with_name("c")

SOURCES = ("native.c", "native.h", "native_arm.h", "native_layer.h", "native_x86.h", "requantize.h")

FLAGS = (
    "-std=gnu99", "-O3", "-ffp-contract=off", "-ffreestanding", "-fvisibility=hidden", "-fPIC", "-shared", "-nostdlib",
    "-fno-stack-protector", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables", "-Wall", "-Wextra", "-Wconversion",
    "-Werror", "-s",
)  # fmt: skip
"""No library is used, not even the compiler's: a call of one would be an undefined symbol, which a test looks for."""

TARGETS = {
    "x86_64": ("-target", "x86_64-linux-gnu"),
    "aarch64": ("-target", "aarch64-linux-gnu"),
    "armv7": ("-target", "arm-linux-gnueabihf", "-mcpu=cortex_a7"),
    "armv6": ("-target", "arm-linux-gnueabihf", "-mcpu=arm1176jzf_s"),
    "riscv64": ("-target", "riscv64-linux-gnu"),
}
"""What zig is told for each processor that there is a library for."""


def build(name: str, folder: Path) -> Path:
    """Compile the library for one processor.

    Args:
        name: as ``library.processor`` names it; zig is needed for another than this machine's.
        folder: where to.

    Raises:
        OSError: there is no compiler, or it fails; with its own words.
    """
    target = folder.resolve() / library.library_path(name).name
    if find_spec("ziglang") and name in TARGETS:
        command = [sys.executable, "-m", "ziglang", "cc", *TARGETS[name]]
    elif name == library.processor():
        command = [os.environ.get("CC", "cc")]
    else:
        raise OSError(f"no compiler for {name}: pip install ziglang")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as cache:  # zig's, which would otherwise grow in the home folder
        environment = {**os.environ, "ZIG_LOCAL_CACHE_DIR": cache, "ZIG_GLOBAL_CACHE_DIR": cache}
        command += [*FLAGS, "-o", str(target), "native.c"]
        done = subprocess.run(command, cwd=SOURCE, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return target


def write_sums(folder: Path) -> None:
    """Write down the hashes of all libraries in a folder, and of what they were made from, as sha256sum does."""
    write_file(folder / library.SUMS, sums(folder).encode())


def sums(folder: Path) -> str:
    """Return what SHA256SUMS of a folder of libraries should say."""
    sources = [SOURCE / name for name in SOURCES]
    named = [*((path, path.name) for path in sorted(folder.glob("*.so"))), *((p, f"../c/{p.name}") for p in sources)]
    return "".join(f"{sha256(path.read_bytes())}  {name}\n" for path, name in named)


def main(arguments: list[str]) -> int:
    """Build into the package."""
    names = [*TARGETS] if arguments == ["--all"] else [library.processor()]
    try:
        for name in names:
            path = build(name, library.FOLDER)
            print(f"{path.name}  {path.stat().st_size:,} bytes")
    except OSError as cause:
        print(f"native kernels: {cause}", file=sys.stderr)
        return 1
    write_sums(library.FOLDER)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
