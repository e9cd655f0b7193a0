"""The compiled kernels: which shared library is for this machine, and what it offers.

The libraries lie in lib/, one for each kind of processor, for glibc and musl alike: they use no other library.
``make native`` builds them from c/native.c (digitrec_edge/dense/build.py).
"""

import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

from digitrec_edge.files import sha256
from digitrec_edge.frozen import Frozen

VERSION = 1
"""Of the functions and of the block; the twin of NATIVE_VERSION in c/native.h."""

RELEASE = "1.0"
"""What results call the kernels: another number, other instructions."""

FOLDER = Path(__file__).with_name("lib")
SUMS = "SHA256SUMS"

_NAMES = {"x86_64": "x86_64", "aarch64": "aarch64", "armv7l": "armv7", "armv6l": "armv6", "riscv64": "riscv64"}
"""Of the libraries that ship, by the machines' names in Linux wheels."""

_SAME = {"amd64": "x86_64", "arm64": "aarch64", "armv8l": "armv7l"}
_IN_32_BITS = {"x86_64": "i686", "aarch64": "armv7l"}
_NEON = 1 << 12
"""Of AT_HWCAP on 32-bit ARM."""
_AT_HWCAP = 16


class Kernel(Frozen):
    """One way to compute a network on this CPU.

    Attributes:
        number: in the library.
        group: how many inputs it takes at a time.
        offset: what it wants added to every weight, 128 or 0.
    """

    name: str
    number: int
    group: int
    offset: int


class Library(Frozen):
    """A library that was loaded.

    Attributes:
        functions: as ctypes has them.
        kernels: that this CPU runs, the fastest first.
    """

    path: Path
    functions: Any
    kernels: tuple[Kernel, ...]


def processor() -> str:
    """Name this machine's processor as the libraries do, such as ``armv7``; empty where there is no such thing."""
    if sys.platform != "linux" or sys.byteorder != "little":
        return ""
    name = os.uname().machine.lower()
    name = _SAME.get(name, name)
    name = _IN_32_BITS.get(name, name) if sys.maxsize < 1 << 32 else name
    return _NAMES.get(name, name)


def library_for(machine: str) -> str | None:
    """Return the name of the library for a machine, named as Linux wheels name it; None where there is none."""
    name = _NAMES.get(machine, "")
    return name if name and library_path(name).exists() else None


def library_path(name: str) -> Path:
    """Return where the library for a processor lies, or would lie."""
    return FOLDER / f"native-{name}.so"


def is_here() -> bool:
    """Whether there is a library for this machine; says nothing about whether it works."""
    name = processor()
    return bool(name) and library_path(name).exists()


@cache
def load_library() -> Library:
    """Load the library for this machine.

    Raises:
        OSError: it is missing, damaged, or cannot be loaded.
    """
    import ctypes

    name, capabilities = processor(), 0
    if "arm" in name or name == "aarch64":
        ask = ctypes.CDLL(None).getauxval
        ask.argtypes, ask.restype = [ctypes.c_ulong], ctypes.c_ulong
        capabilities = ask(_AT_HWCAP)
    if name == "armv7" and not capabilities & _NEON:
        name = "armv6"
    return open_library(library_path(name), capabilities)


def open_library(path: Path, capabilities: int = 0) -> Library:
    """Load a library.

    Args:
        path: the file; where SHA256SUMS beside it names it, it must be as it was built.
        capabilities: of the CPU, AT_HWCAP of Linux on ARM.

    Raises:
        OSError: it is missing, damaged, or cannot be loaded.
    """
    import ctypes

    check_library(path)
    functions = ctypes.CDLL(str(path))
    functions.digitrec_native_kernel.argtypes = [ctypes.c_int32, ctypes.c_uint64]
    functions.digitrec_native_kernel.restype = ctypes.c_char_p
    functions.digitrec_native_check.argtypes = [ctypes.c_void_p, ctypes.c_uint64]
    functions.digitrec_native_run.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p]
    functions.digitrec_native_run.restype = None
    if (version := functions.digitrec_native_version()) != VERSION:
        raise OSError(f"{path.name} is of version {version}, {VERSION} is needed: install digitrec-edge again")
    kernels, number = [], 0
    while (name := functions.digitrec_native_kernel(number, capabilities)) is not None:
        layout = functions.digitrec_native_layout(number)
        if name:
            kernels.append(Kernel(name.decode(), number, layout & 255, layout >> 8 << 7))
        number += 1
    return Library(path, functions, tuple(kernels))


def check_library(path: Path) -> None:
    """Let pass a library that is as it was built: a cut or changed one would crash the process that loads it.

    Raises:
        OSError: it is missing or changed.
    """
    sums = path.with_name(SUMS)
    expected = dict(line.split()[::-1] for line in sums.read_text(encoding="utf-8").splitlines())
    if sha256(path.read_bytes()) != expected.get(path.name):
        raise OSError(f"{path.name} is damaged, or not the one that {SUMS} names: install digitrec-edge again")
