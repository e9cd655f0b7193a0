"""The machine: read from /proc, /sys and /etc of boards laid out in a folder, and never failing."""

import importlib.util
import os
import platform
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from digitrec_edge.installation.machine import cpu_features, cpu_name, describe_machine, normalise_machine, read_cpu

PI_4 = (
    "processor\t: {}\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd evtstrm crc32 cpuid\nCPU implementer\t: 0x41\n"
    "CPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd08\nCPU revision\t: 3\n\n"
)
PI_5 = PI_4.replace("0xd08", "0xd0b").replace("cpuid", "cpuid atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp")
PI_2 = (
    "processor\t: 0\nmodel name\t: ARMv7 Processor rev 5 (v7l)\nFeatures\t: half thumb fastmult vfp edsp neon vfpv3\n"
)
EPYC = (
    "processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n"
    "flags\t\t: fpu sse4_2 avx f16c fma avx2 avx512f avx512_vnni\n"
)


def board(cores: str, model: str, count: int = 4) -> str:
    return "".join(cores.format(k) for k in range(count)) + f"Revision\t: c03112\nModel\t\t: {model}\n"


def lay_out(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("cpuinfo", "name", "features"),
    [
        (board(PI_4, "Raspberry Pi 4 Model B Rev 1.4"), "Cortex-A72", ("NEON",)),
        (board(PI_5, "Raspberry Pi 5 Model B Rev 1.0"), "Cortex-A76", ("NEON", "fp16", "dotprod")),
        (PI_2, "ARMv7 Processor rev 5 (v7l)", ("NEON",)),
        (EPYC, "AMD EPYC", ("AVX", "F16C", "FMA", "AVX2", "AVX512F", "AVX512_VNNI")),
        (PI_4.replace("0xd08", "0xfff"), "Arm 0x41/0xfff", ("NEON",)),
        ("Features\t: asimd i8mm bf16 sve sve2\n", "", ("NEON", "i8mm", "bf16", "SVE", "SVE2")),
        ("Features\t: half thumb\n", "", ()),
        ("", "", None),
        ("no colon\n:\n\0", "", None),
    ],
    ids=["Pi 4", "Pi 5", "Pi 2", "EPYC", "unknown Arm", "Armv9", "no extension", "nothing", "garbage"],
)
def test_cpuinfo_gives_name_and_features(cpuinfo: str, name: str, features: tuple[str, ...] | None) -> None:
    found = cpu_features(cpuinfo)
    if features and "AVX" in features:
        features = ("SSE4.2", *features)
    assert (cpu_name(cpuinfo), found) == (name, features)


def test_a_feature_counts_only_when_every_core_has_it() -> None:
    both = PI_4.format(0) + PI_5.format(1)
    assert cpu_features(both) == ("NEON",)
    assert cpu_name(both) == "Cortex-A72 + Cortex-A76"


@pytest.mark.parametrize(
    ("kernel", "bits", "expected"),
    [
        ("aarch64", 64, "aarch64"),
        ("aarch64", 32, "armv7l"),
        ("armv7l", 32, "armv7l"),
        ("armv8l", 32, "armv7l"),
        ("armv6l", 32, "armv6l"),
        ("x86_64", 64, "x86_64"),
        ("x86_64", 32, "i686"),
        ("i586", 32, "i686"),
        ("amd64", 64, "x86_64"),
        ("AMD64", 64, "x86_64"),
        ("win32", 32, "i686"),
        ("arm64", 64, "aarch64"),
        ("riscv64", 64, "riscv64"),
    ],
)
def test_the_machine_is_named_as_wheels_name_it_and_by_the_bits_of_python(
    kernel: str, bits: int, expected: str
) -> None:
    assert normalise_machine(kernel, bits) == expected


def test_a_raspberry_pi_is_described(tmp_path: Path) -> None:
    root = lay_out(
        tmp_path,
        {
            "proc/cpuinfo": board(PI_5, "Raspberry Pi 5 Model B Rev 1.0"),
            "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.1\0",
            "etc/os-release": 'PRETTY_NAME="Raspbian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\n'
            "ID=raspbian\nID_LIKE=debian\n",
        },
    )
    found = describe_machine(root)
    assert found.board == "Raspberry Pi 5 Model B Rev 1.1"
    assert found.cpu.name == "Cortex-A76"
    assert found.cpu.features == ("NEON", "fp16", "dotprod")
    assert (found.os, found.os_version) == ("Raspbian GNU/Linux 12 (bookworm)", "12")
    assert found.os_family == ("raspbian", "debian")


def test_the_board_is_looked_for_in_three_places(tmp_path: Path) -> None:
    lay_out(tmp_path, {"sys/class/dmi/id/product_name": "NUC11\n"})
    assert describe_machine(tmp_path).board == "NUC11"
    lay_out(tmp_path, {"proc/cpuinfo": board(PI_4, "Raspberry Pi 4 Model B Rev 1.4")})
    assert describe_machine(tmp_path).board == "Raspberry Pi 4 Model B Rev 1.4"
    lay_out(tmp_path, {"proc/device-tree/model": "Orange Pi\0"})
    assert describe_machine(tmp_path).board == "Orange Pi"


def test_a_machine_that_says_nothing_is_described_all_the_same(tmp_path: Path) -> None:
    found = describe_machine(tmp_path)
    assert found.board is None
    assert found.cpu.features is None
    assert found.os_family == ()
    assert found.os
    assert found.cpu.cores >= 1


def test_files_that_cannot_be_read_are_as_good_as_missing(tmp_path: Path) -> None:
    (tmp_path / "proc/cpuinfo").mkdir(parents=True)
    assert read_cpu(tmp_path).features is None
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_bytes(b"\xff\xfe\0=\n=\nID\n")
    assert describe_machine(tmp_path).os_version == ""


def test_this_machine_describes_itself_as_python_does() -> None:
    found = describe_machine()
    assert found.python == ".".join(map(str, sys.version_info[:3]))
    assert found.python_tag.startswith(f"cp{sys.version_info[0]}{sys.version_info[1]}")
    assert found.in_venv == (sys.prefix != sys.base_prefix)
    assert found.bits == (64 if sys.maxsize > 2**32 else 32)
    assert found.memory_bytes is None or found.memory_bytes > 1 << 20


def test_the_pip_command_is_that_of_this_python() -> None:
    if importlib.util.find_spec("pip") is None:
        pytest.skip("this Python has no pip")
    command = [*describe_machine().pip_command.split(), "--version"]
    answered = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"python {sys.version_info[0]}.{sys.version_info[1]}" in answered.stdout


def test_a_python_that_the_system_manages_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    assert not describe_machine().externally_managed
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    assert describe_machine().externally_managed


def deny(name: str) -> str:
    raise ValueError("unrecognized configuration name")


@pytest.mark.skipif(os.name != "posix", reason="the loader is a shell script here")
@pytest.mark.parametrize(
    ("loader", "version"),
    [
        ("#!/bin/sh\nprintf 'musl libc (aarch64)\\nVersion 1.2.5\\nDynamic Program Loader\\n' >&2\nexit 1\n", "1.2.5"),
        ("#!/bin/sh\nexit 1\n", ""),
        ("no program at all", ""),
    ],
)
def test_musl_tells_its_version_through_its_loader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loader: str, version: str
) -> None:
    monkeypatch.setattr(os, "confstr", deny)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    lay_out(tmp_path, {"lib/ld-musl-aarch64.so.1": loader})
    (tmp_path / "lib/ld-musl-aarch64.so.1").chmod(0o755)
    found = describe_machine(tmp_path)
    assert (found.libc, found.libc_version) == ("musl", version)


def test_glibc_is_asked_first_and_where_there_is_neither_nothing_is_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(os, "confstr", lambda name: "glibc 2.36")
    lay_out(tmp_path, {"lib/ld-musl-x86_64.so.1": "of another program"})
    assert (describe_machine(tmp_path).libc, describe_machine(tmp_path).libc_version) == ("glibc", "2.36")
    monkeypatch.setattr(os, "confstr", deny)
    assert describe_machine(tmp_path / "elsewhere").libc == ""


def test_machine_is_read_without_numpy() -> None:
    code = (
        "import sys; sys.modules['numpy'] = None; import digitrec_edge.installation.machine as m; m.describe_machine()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
