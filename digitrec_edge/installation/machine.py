"""The machine at hand: processor, system, C library and Python, read without numpy.

It is sent to devices as it is, so it imports the standard library only. Nothing here fails on a machine that does not
answer: what cannot be read is None or empty.
"""

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

_ROOT = Path("/")

_FEATURES = (
    ("neon", "NEON"), ("asimd", "NEON"), ("asimdhp", "fp16"), ("asimddp", "dotprod"), ("i8mm", "i8mm"),
    ("bf16", "bf16"), ("sve", "SVE"), ("sve2", "SVE2"), ("sme", "SME"),
    ("sse4_2", "SSE4.2"), ("avx", "AVX"), ("f16c", "F16C"), ("fma", "FMA"), ("avx2", "AVX2"),
    ("avx512f", "AVX512F"), ("avx512bw", "AVX512BW"), ("avx512_vnni", "AVX512_VNNI"),
    ("avx512_bf16", "AVX512_BF16"), ("avx512_fp16", "AVX512_FP16"), ("avx_vnni", "AVX_VNNI"),
    ("avx_vnni_int8", "AVX_VNNI_INT8"), ("amx_int8", "AMX_INT8"), ("amx_bf16", "AMX_BF16"),
)  # fmt: skip
"""(the Linux kernel's word, the field's word) of what matrix kernels choose by."""

_ARM_PARTS = {
    ("0x41", "0xb76"): "ARM1176", ("0x41", "0xc07"): "Cortex-A7", ("0x41", "0xc08"): "Cortex-A8",
    ("0x41", "0xc09"): "Cortex-A9", ("0x41", "0xc0f"): "Cortex-A15", ("0x41", "0xd03"): "Cortex-A53",
    ("0x41", "0xd04"): "Cortex-A35", ("0x41", "0xd05"): "Cortex-A55", ("0x41", "0xd07"): "Cortex-A57",
    ("0x41", "0xd08"): "Cortex-A72", ("0x41", "0xd09"): "Cortex-A73", ("0x41", "0xd0a"): "Cortex-A75",
    ("0x41", "0xd0b"): "Cortex-A76", ("0x41", "0xd0c"): "Neoverse-N1", ("0x41", "0xd0d"): "Cortex-A77",
    ("0x41", "0xd40"): "Neoverse-V1", ("0x41", "0xd41"): "Cortex-A78", ("0x41", "0xd42"): "Cortex-A78AE",
    ("0x41", "0xd49"): "Neoverse-N2", ("0x41", "0xd4f"): "Neoverse-V2",
}  # fmt: skip
"""(CPU implementer, CPU part) as /proc/cpuinfo has them."""

_SAME_MACHINE = {"amd64": "x86_64", "arm64": "aarch64", "armv8l": "armv7l", "i386": "i686", "i586": "i686"}
_IN_32_BITS = {"x86_64": "i686", "aarch64": "armv7l"}
_SYSTEMS = {"Linux": "linux", "Darwin": "macos", "Windows": "windows"}


@dataclass(frozen=True)
class Cpu:
    """A processor.

    Attributes:
        name: such as ``Cortex-A72``; empty when the system does not say.
        cores: how many this process may use.
        features: instruction set extensions that every core has; None where they cannot be read.
    """

    name: str
    cores: int
    features: tuple[str, ...] | None


@dataclass(frozen=True)
class Machine:
    """A machine and its Python, as far as installing and running a runtime depends on them.

    Attributes:
        system: ``linux``, ``macos``, ``windows``, or what Python calls it.
        os_version: of the distribution, of macOS or of Windows.
        os_family: names of the distribution and of those that it is like, such as ``("raspbian", "debian")``.
        machine: architecture that this Python's wheels need, in the words of Linux wheels; on a 64-bit kernel
            with a 32-bit userland it is the userland's.
        kernel_machine: what ``uname -m`` says.
        bits: of this Python, 32 or 64.
        libc: ``glibc``, ``musl`` or empty.
        python_tag: as wheels have it, such as ``cp311``; ``cp313t`` is free-threaded.
        python_command, pip_command: what to type to get this Python and its pip.
        in_venv: a virtual environment is in use.
        externally_managed: the system asks pip to keep out (PEP 668); means nothing in a virtual environment.
        has_venv: whether this Python can make virtual environments.
        numpy, pillow: installed versions, None when there is none.
    """

    system: str
    os: str
    os_version: str
    os_family: tuple[str, ...]
    kernel: str
    machine: str
    kernel_machine: str
    bits: int
    libc: str
    libc_version: str
    board: str | None
    cpu: Cpu
    memory_bytes: int | None
    python: str
    python_tag: str
    python_command: str
    pip_command: str
    in_venv: bool
    externally_managed: bool
    has_venv: bool
    numpy: str | None
    pillow: str | None


def describe_machine(root: Path = _ROOT) -> Machine:
    """Read what this machine says of itself; ``root`` is where /proc, /sys, /etc and /lib are looked for."""
    system = _SYSTEMS.get(platform.system(), platform.system().lower())
    release = _os_release(root) if system == "linux" else {}
    libc, libc_version = _libc(root) if system == "linux" else ("", "")
    bits = 64 if sys.maxsize > 2**32 else 32
    kernel_machine = sysconfig.get_platform().rpartition("-")[2] if system == "windows" else platform.machine()
    versions = {"linux": release.get("VERSION_ID", ""), "macos": platform.mac_ver()[0], "windows": platform.version()}
    cpuinfo = _text(root / "proc/cpuinfo")
    return Machine(
        system=system,
        os=release.get("PRETTY_NAME") or platform.platform(),
        os_version=versions.get(system, ""),
        os_family=tuple(f"{release.get('ID', '')} {release.get('ID_LIKE', '')}".split()),
        kernel=platform.release(),
        machine=normalise_machine(kernel_machine, bits),
        kernel_machine=platform.machine(),
        bits=bits,
        libc=libc,
        libc_version=libc_version,
        board=_board(root, cpuinfo),
        cpu=read_cpu(root),
        memory_bytes=_memory_bytes(),
        python=platform.python_version(),
        python_tag=_python_tag(),
        python_command=_python_command(system),
        pip_command=_pip_command(system),
        in_venv=sys.prefix != sys.base_prefix,
        externally_managed=(Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED").exists(),
        has_venv=find_spec("venv") is not None and find_spec("ensurepip") is not None,
        numpy=_version("numpy"),
        pillow=_version("pillow"),
    )


def read_cpu(root: Path) -> Cpu:
    """Read the processor's name, cores and features."""
    cpuinfo = _text(root / "proc/cpuinfo")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Cpu(cpu_name(cpuinfo) or platform.processor(), cores, cpu_features(cpuinfo))


def cpu_features(cpuinfo: str) -> tuple[str, ...] | None:
    """Name the extensions in the text of /proc/cpuinfo that every core has; None when it lists none at all."""
    cores = [set(words.split()) for words in _values(cpuinfo, "flags", "Features")]
    if not cores:
        return None
    common = set.intersection(*cores)
    return tuple(dict.fromkeys(name for word, name in _FEATURES if word in common))


def cpu_name(cpuinfo: str) -> str:
    """Name the processor in the text of /proc/cpuinfo; empty when it does not say."""
    parts = list(zip(_values(cpuinfo, "CPU implementer"), _values(cpuinfo, "CPU part"), strict=False))
    if parts:
        return " + ".join(dict.fromkeys(_ARM_PARTS.get(part, f"Arm {part[0]}/{part[1]}") for part in parts))
    return next(iter(_values(cpuinfo, "model name", "uarch", "cpu model")), "")


def normalise_machine(kernel_machine: str, bits: int) -> str:
    """Say in the words of Linux wheels what a Python of that many bits runs on: ``armv7l`` in 32 bits on arm64."""
    name = kernel_machine.lower()
    name = _SAME_MACHINE.get(name, name)
    if name == "win32":
        return "i686"
    return _IN_32_BITS.get(name, name) if bits == 32 else name


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _values(cpuinfo: str, *keys: str) -> list[str]:
    pairs = (line.partition(":") for line in cpuinfo.splitlines())
    return [value.strip() for key, _, value in pairs if key.strip() in keys and value.strip()]


def _board(root: Path, cpuinfo: str) -> str | None:
    named = _text(root / "proc/device-tree/model").strip("\0 \n")
    dmi = _text(root / "sys/class/dmi/id/product_name").strip()
    return named or next(iter(_values(cpuinfo, "Model")), "") or dmi or None


def _os_release(root: Path) -> dict[str, str]:
    text = _text(root / "etc/os-release") or _text(root / "usr/lib/os-release")
    pairs = (line.partition("=") for line in text.splitlines())
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs if value}


def _libc(root: Path) -> tuple[str, str]:
    """Ask the C library of this process; musl does not answer, but its loader tells its version."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (AttributeError, ValueError, OSError):
        name = version = ""
    if name == "glibc":
        return name, version
    for loader in sorted((root / "lib").glob("ld-musl-*.so.1")):
        try:
            done = subprocess.run([loader], capture_output=True, text=True, errors="replace", timeout=10, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return "musl", ""
        found = re.search(r"^Version (\d+(?:\.\d+)+)", done.stderr + done.stdout, re.MULTILINE)
        return "musl", found[1] if found else ""
    return "", ""


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _python_tag() -> str:
    implementation = {"cpython": "cp", "pypy": "pp"}.get(sys.implementation.name, sys.implementation.name)
    threaded = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    return f"{implementation}{sys.version_info[0]}{sys.version_info[1]}{threaded}"


def _python_command(system: str) -> str:
    """Return ``python3`` when that is this Python, else its whole path."""
    found = shutil.which("python3")
    same = found is not None and Path(found).resolve() == Path(sys.executable).resolve()
    return "python3" if same else _quoted(sys.executable, system)


def _pip_command(system: str) -> str:
    """Return ``pip`` when that is this Python's, else the whole path of one that is."""
    folder = Path(sys.executable).parent
    found = shutil.which("pip")
    if found is not None and Path(found).parent == folder:
        return "pip"
    pip = folder / ("pip.exe" if system == "windows" else "pip")
    return _quoted(str(pip), system) if pip.exists() else f"{_quoted(sys.executable, system)} -m pip"


def _quoted(path: str, system: str) -> str:
    if system == "windows":
        return f'"{path}"' if " " in path else path
    return shlex.quote(path)


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
