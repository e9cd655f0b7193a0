"""The C library as others build it: by other compilers and their options, in C++, for ARM and AVR, with CMake."""

import dataclasses
import itertools
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from digitrec_edge import mnist, pretrained
from digitrec_edge.dense.c_tables import answers
from digitrec_edge.dense.packing import find_kernel
from tests.c_host import READ_ALL, WARNINGS, can_compile, compile_program, read_pictures, tables_of, written

pytestmark = [
    pytest.mark.checkout,
    pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed: apt-get install gcc"),
]
TEST = mnist.load("test").images[:1000]
NEAR_HALVES = mnist.load("train").images[[9038, 15242, 19218, 26039, 29462]]
"""Pictures in which a product lies so near to a half that float32 rounds it to one."""
ARM = ["arm-none-eabi-gcc"] if shutil.which("arm-none-eabi-gcc") else ["clang", "--target=arm-none-eabi"]
if not shutil.which(ARM[0]):
    ARM = []
LEVELS = ("-O0", "-Os", "-O2", "-O3")


@pytest.fixture(scope="module")
def standard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library of the pretrained model."""
    return written(tables_of(pretrained.DEFAULT), tmp_path_factory.mktemp("digitrec"))


@pytest.mark.parametrize(
    ("compiler", "flags"),
    [
        ("gcc", ["-O0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]),
        ("gcc", ["-Ofast", "-march=native"]),
        ("gcc", ["-std=gnu11", "-O3", "-funsigned-char", "-ffp-contract=fast", "-march=native"]),
        ("clang", ["-O3", "-ffast-math", "-ffp-contract=fast", "-march=native"]),
        ("gcc", ["-std=gnu11", "-O2", "-mfpmath=387"]),
        ("gcc", ["-std=gnu11", "-O2", "-m32"]),
        ("clang", ["-O2", "-m32", "-mno-sse"]),
    ],
    ids=["sanitized", "Ofast", "as Arduino does", "clang", "x87", "32 bits", "clang for x87"],
)
def test_no_compiler_s_options_change_a_bit(standard: Path, tmp_path: Path, compiler: str, flags: list[str]) -> None:
    if shutil.which(compiler) is None or not can_compile(compiler, flags, tmp_path):
        pytest.skip(f"{compiler} {' '.join(flags)} cannot be had here")
    shutil.copytree(standard, tmp_path / "library")
    program = compile_program(tmp_path / "library", READ_ALL, "-std=c99", *flags, *WARNINGS, compiler=compiler)
    images = np.concatenate([TEST, NEAR_HALVES])
    read = read_pictures(program, images)
    assert np.array_equal(read.logits, answers(tables_of(pretrained.DEFAULT), images))
    assert read.self_test == 0


@pytest.mark.skipif(not ARM, reason="no compiler for ARM is installed: apt-get install gcc-arm-none-eabi")
@pytest.mark.parametrize(
    ("kernel", "cpu"),
    [
        ("portable", "cortex-m4"), ("portable", "cortex-m33"), ("portable", "arm1176jzf-s"),
        ("portable", "arm926ej-s"), ("dsp", "cortex-m4"), ("dsp", "cortex-m7"), ("dsp", "cortex-m33"),
    ],
)  # fmt: skip
def test_arm_needs_no_intrinsics_and_no_instructions_that_it_lacks(kernel: str, cpu: str, tmp_path: Path) -> None:
    """Arduino's cores have gcc 7, whose arm_acle.h has none of these; an ARM926 has the DSP of ARMv5, not of ARMv6."""
    tables = dataclasses.replace(tables_of(pretrained.DEFAULT), kernel=find_kernel(kernel))
    source = written(tables, tmp_path) / "src" / "digitrec.c"
    (tmp_path / "arm_acle.h").write_text("#error no intrinsics here\n")
    thumb = ["-mthumb"] if cpu.startswith("cortex-m") else []
    for flags in (["-std=gnu11", "-Os"], ["-std=c99", "-O3"]):
        command = [*ARM, f"-mcpu={cpu}", *thumb, *flags, "-ffreestanding", *WARNINGS, f"-I{tmp_path}", "-c"]
        done = subprocess.run(
            [*command, str(source), "-o", str(tmp_path / "o")], capture_output=True, text=True, check=False
        )
        assert not done.stderr


def test_cpp_takes_the_header_and_c_calls_nothing_of_a_library(standard: Path, tmp_path: Path) -> None:
    for compiler, level in itertools.product([name for name in ("clang", "gcc") if shutil.which(name)], LEVELS):
        for source in (standard / "src").glob("*.c"):
            command = [compiler, "-c", "-std=c99", level, str(source), "-o", str(tmp_path / f"{source.stem}.o")]
            subprocess.run(command, check=True)
        objects = [str(path) for path in sorted(tmp_path.glob("*.o"))]
        needed = subprocess.run(["nm", "-u", *objects], capture_output=True, text=True, check=True).stdout
        assert set(re.findall(r" U (\w+)", needed)) <= {
            "digitrec_classify", "digitrec_logits", "digitrec_tables_crc", "_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail",
        }, (compiler, level)  # fmt: skip
    if shutil.which("g++"):
        (tmp_path / "main.cpp").write_text(
            "#include <digitrec.h>\nint main() {\n"
            "static uint8_t image[DIGITREC_PIXELS]; int8_t logits[DIGITREC_LABELS];\n"
            "digitrec_logits(image, logits); return digitrec_self_test() + (digitrec_classify(image) > 9); }\n"
        )
        command = ["g++", "-Wall", "-Wextra", "-Werror", f"-I{standard / 'src'}", str(tmp_path / "main.cpp"), *objects]
        subprocess.run([*command, "-o", str(tmp_path / "cpp")], check=True)
        assert subprocess.run([str(tmp_path / "cpp")], check=False).returncode == 0


def test_cmake_builds_it_as_part_of_a_project(standard: Path, tmp_path: Path) -> None:
    if shutil.which("cmake") is None:
        pytest.skip("cmake is not installed")
    shutil.copytree(standard, tmp_path / "digitrec", ignore=shutil.ignore_patterns("main.c", "program"))
    (tmp_path / "main.c").write_text("#include <digitrec.h>\nint main(void) { return digitrec_self_test(); }\n")
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.13)\nproject(mine C)\nadd_subdirectory(digitrec)\n"
        "add_executable(mine main.c)\ntarget_link_libraries(mine digitrec)\n"
    )
    environment = {**os.environ, "CC": "gcc"}
    for command in (["cmake", "-S", ".", "-B", "build"], ["cmake", "--build", "build"]):
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert subprocess.run([str(tmp_path / "build" / "mine")], check=False).returncode == 0


@pytest.mark.skipif(not (shutil.which("cmake") and shutil.which("avr-gcc")), reason="no cmake, or no avr-gcc")
def test_cmake_builds_it_for_avr(tmp_path: Path) -> None:
    written(tables_of(pretrained.TINY), tmp_path)
    options = ["SYSTEM_NAME=Generic", "C_COMPILER=avr-gcc", "C_FLAGS=-mmcu=atmega328p"]
    for command in (["-S", ".", "-B", "build", *(f"-DCMAKE_{option}" for option in options)], ["--build", "build"]):
        done = subprocess.run(["cmake", *command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
