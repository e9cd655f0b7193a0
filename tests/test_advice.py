"""The advice: the exact line for every kind of machine."""

from dataclasses import replace

import pytest

from digitrec_edge.installation import pythons
from digitrec_edge.installation.advice import advise
from digitrec_edge.installation.machine import Cpu, Machine

BOOKWORM_PI = Machine(
    system="linux",
    os="Debian GNU/Linux 12 (bookworm)",
    os_version="12",
    os_family=("debian",),
    kernel="6.12.47+rpt-rpi-2712",
    machine="aarch64",
    kernel_machine="aarch64",
    bits=64,
    libc="glibc",
    libc_version="2.36",
    board="Raspberry Pi 5 Model B Rev 1.0",
    cpu=Cpu("Cortex-A76", 4, ("NEON", "fp16", "dotprod")),
    memory_bytes=8 << 30,
    python="3.11.2",
    python_tag="cp311",
    python_command="python3",
    pip_command="pip",
    in_venv=False,
    externally_managed=True,
    has_venv=True,
    numpy=None,
    pillow=None,
)
TRIXIE_PI = replace(
    BOOKWORM_PI, os="Debian GNU/Linux 13 (trixie)", os_version="13", libc_version="2.41", python="3.13.5",
    python_tag="cp313",
)  # fmt: skip
BOOKWORM_32 = replace(
    BOOKWORM_PI, os="Raspbian GNU/Linux 12 (bookworm)", os_family=("raspbian", "debian"), machine="armv7l", bits=32
)
TRIXIE_32 = replace(TRIXIE_PI, os_family=("raspbian", "debian"), machine="armv7l", bits=32)
DESKTOP = replace(
    BOOKWORM_PI, machine="x86_64", kernel_machine="x86_64", board=None, externally_managed=False,
    cpu=Cpu("AMD EPYC", 8, ("AVX", "AVX2")),
)  # fmt: skip
ALPINE = replace(
    TRIXIE_PI, os="Alpine Linux v3.21", os_version="3.21.0", os_family=("alpine",), libc="musl", libc_version="1.2.5",
    machine="x86_64", kernel_machine="x86_64", board=None, python="3.12.10", python_tag="cp312",
)  # fmt: skip
WINDOWS = replace(
    DESKTOP, system="windows", os="Windows-11", os_version="10.0.26100", os_family=(), libc="", libc_version="",
    kernel_machine="AMD64", cpu=Cpu("Intel64 Family 6", 8, None), python="3.12.4", python_tag="cp312",
)  # fmt: skip
MAC = replace(
    DESKTOP, system="macos", os="macOS-15.1", os_version="15.1", os_family=(), libc="", libc_version="",
    machine="aarch64", kernel_machine="arm64", python="3.13.1", python_tag="cp313", externally_managed=True,
    cpu=Cpu("arm", 8, None),
)  # fmt: skip

VENV = "python3 -m venv ~/digitrec"
SHARED_VENV = "python3 -m venv --system-site-packages ~/digitrec"
APT = "sudo apt install python3-numpy python3-pil"
IN_VENV = "~/digitrec/bin/pip install"
NEWEST = pythons.name_version(pythons.NEWEST)
WHEEL = "digitrec_edge-1.2.3-py3-none-any.whl"


def python(version: str, machine: Machine) -> Machine:
    return replace(machine, python=f"{version}.1", python_tag="cp" + version.replace(".", ""))


@pytest.mark.parametrize(
    ("machine", "extra", "lines"),
    [
        pytest.param(machine, extra, lines, id=name)
        for name, machine, extra, lines in (
            ("Bookworm, 64 bits", BOOKWORM_PI, "tflite", [VENV, f"{IN_VENV} '{WHEEL}[tflite]'"]),
            ("Trixie, 64 bits", TRIXIE_PI, "litert", [VENV, f"{IN_VENV} '{WHEEL}[litert]'"]),
            ("Bookworm, 32 bits", BOOKWORM_32, "tflite",
             [APT, SHARED_VENV, f"{IN_VENV} '{WHEEL}[tflite]'"]),
            ("Trixie, 32 bits", TRIXIE_32, "",
             [APT, SHARED_VENV, f"{IN_VENV} '{WHEEL}'"]),
            ("Pi Zero", replace(BOOKWORM_32, machine="armv6l"), "",
             [APT, SHARED_VENV, f"{IN_VENV} '{WHEEL}'"]),
            ("Bookworm without python3-venv", replace(BOOKWORM_PI, has_venv=False), "tflite",
             ["sudo apt install python3-venv", VENV, f"{IN_VENV} '{WHEEL}[tflite]'"]),
            ("Bookworm, in a venv", replace(BOOKWORM_PI, in_venv=True), "tflite",
             [f"pip install '{WHEEL}[tflite]'"]),
            ("32 bits, in a venv that sees Debian's numpy", replace(BOOKWORM_32, in_venv=True, numpy="1.24.2"),
             "tflite", [f"pip install '{WHEEL}[tflite]'"]),
            ("32 bits, in a venv with numpy 2", replace(BOOKWORM_32, in_venv=True, numpy="2.2.6"), "tflite",
             [APT, SHARED_VENV, f"{IN_VENV} '{WHEEL}[tflite]'"]),
            ("32 bits, a distribution without apt", replace(BOOKWORM_32, os_family=("arch",)), "tflite",
             [SHARED_VENV, f"{IN_VENV} '{WHEEL}[tflite]'"]),
            ("glibc of Bullseye", replace(BOOKWORM_PI, libc_version="2.31"), "litert",
             [VENV, f"{IN_VENV} '{WHEEL}[litert]'"]),
            ("desktop, Python 3.11", DESKTOP, "tflite", [f"pip install '{WHEEL}[tflite]'"]),
            ("desktop, Python 3.12", python("3.12", DESKTOP), "litert",
             [f"pip install '{WHEEL}[litert]'"]),
            ("desktop, Python 3.13", python("3.13", DESKTOP), "litert",
             [f"pip install '{WHEEL}[litert]'"]),
            ("desktop, Python 3.14", python("3.14", DESKTOP), "litert",
             [f"pip install '{WHEEL}[litert]'"]),
            ("free-threaded Python", replace(TRIXIE_PI, python_tag="cp313t"), "",
             [VENV, f"{IN_VENV} '{WHEEL}'"]),
            ("RISC-V", replace(TRIXIE_PI, machine="riscv64"), "",
             [APT, SHARED_VENV, f"{IN_VENV} '{WHEEL}'"]),
            ("Alpine", ALPINE, "", [VENV, f"{IN_VENV} '{WHEEL}'"]),
            ("Alpine on a Pi, Python 3.11", replace(python("3.11", ALPINE), machine="aarch64"), "",
             [VENV, f"{IN_VENV} '{WHEEL}'"]),
            ("Alpine on another processor", replace(ALPINE, machine="s390x"), None,
             [SHARED_VENV, f"{IN_VENV} '{WHEEL}'"]),
            ("Windows", WINDOWS, "litert", [f'pip install "{WHEEL}[litert]"']),
            ("Windows, Python 3.11", python("3.11", WINDOWS), "litert",
             [f'pip install "{WHEEL}[litert]"']),
            ("Windows on Arm", replace(WINDOWS, machine="aarch64"), "onnx",
             [f'pip install "{WHEEL}[onnx]"']),
            ("Windows, 32 bits", replace(WINDOWS, machine="i686", bits=32), None,
             [f'pip install "{WHEEL}"']),
            ("Windows, a managed Python", replace(WINDOWS, externally_managed=True, python_command=r"C:\py\python.exe"),
             "litert", [r"C:\py\python.exe -m venv %USERPROFILE%\digitrec",
                        rf'%USERPROFILE%\digitrec\Scripts\pip install "{WHEEL}[litert]"']),
            ("Mac", MAC, "litert", [VENV, f"{IN_VENV} '{WHEEL}[litert]'"]),
            ("Mac with Intel", replace(MAC, machine="x86_64"), None,
             [VENV, f"{IN_VENV} '{WHEEL}'"]),
            ("Mac before macOS 12", replace(MAC, os_version="11.7"), None,
             [VENV, f"{IN_VENV} '{WHEEL}'"]),
        )
    ],
)  # fmt: skip
def test_each_kind_of_machine_gets_its_line(machine: Machine, extra: str | None, lines: list[str]) -> None:
    advice = advise(machine, "1.2.3")
    assert advice.extra == extra
    assert [*advice.before, advice.pip_line] == lines


@pytest.mark.parametrize(("version", "word"), [("3.10", "old"), ("3.15", "new"), ("2.7", "old")])
def test_a_python_that_the_package_does_not_run_on_gets_no_line_but_the_next_step(version: str, word: str) -> None:
    advice = advise(python(version, TRIXIE_PI))
    assert (advice.extra, advice.before, advice.pip_line) == (None, (), None)
    (note,) = advice.notes
    assert f"Python {version}.1 is too {word}: CPython {pythons.RANGE} is needed" in note
    assert f"python{NEWEST} -m venv ~/digitrec" in note
    assert f"py -{NEWEST} -m venv" in advise(python(version, WINDOWS)).notes[0]


def test_another_implementation_of_python_is_told_so() -> None:
    advice = advise(replace(DESKTOP, python_tag="pp311"))
    assert advice.pip_line is None
    assert advice.notes[0].startswith("This Python (pp311) is not CPython")


def notes(machine: Machine) -> str:
    return " ".join(advise(machine).notes)


def test_a_system_that_manages_its_python_is_named_as_the_reason_for_a_virtual_environment() -> None:
    assert "PEP 668" in notes(BOOKWORM_PI)
    assert "PEP 668" not in notes(replace(BOOKWORM_PI, in_venv=True))
    assert "PEP 668" not in notes(DESKTOP)


def test_where_no_runtime_has_wheels_it_is_said_why_and_what_works() -> None:
    other = notes(replace(ALPINE, machine="s390x"))
    assert "tflite-runtime: no wheels for musl Linux on s390x" in other
    assert "ai-edge-litert: no wheels for musl Linux on s390x" in other
    assert "base installation works" in other


def test_where_our_own_kernels_are_all_there_is_no_extra_is_named() -> None:
    for machine in (ALPINE, TRIXIE_32, replace(TRIXIE_PI, machine="riscv64"), replace(TRIXIE_PI, python_tag="cp313t")):
        assert "No extra is needed: digitrec-edge's own kernels" in notes(machine)
    assert "No extra is needed" not in notes(BOOKWORM_PI)
    assert "no wheels for armv7l on the index" in notes(BOOKWORM_32)


def test_a_machine_with_onnx_runtime_alone_is_told_that_the_pretrained_artifact_does_not_run() -> None:
    assert "--model digitrec-int8.onnx" in notes(replace(WINDOWS, machine="aarch64"))
    assert "--model" not in notes(MAC)


def test_where_litert_would_install_too_it_is_named() -> None:
    assert "The extra litert installs here too" in notes(BOOKWORM_PI)
    assert "The extra litert" not in notes(BOOKWORM_32)
    assert "The extra litert" not in notes(TRIXIE_PI)


def test_training_is_offered_to_desktops_with_tensorflow_wheels_only() -> None:
    assert "extra convert" in notes(DESKTOP)
    assert "extra convert" in notes(MAC)
    for device in (BOOKWORM_PI, BOOKWORM_32, ALPINE, replace(MAC, machine="x86_64")):
        assert "extra convert" not in notes(device)
