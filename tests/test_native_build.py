"""The libraries of the native runtime use nothing else, are made of the source that is here, and come out the same."""

import _ctypes
import ctypes
import importlib.util
import json
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from digitrec_edge import mnist, pretrained
from digitrec_edge.dense import block, build, library, tflite
from digitrec_edge.dense.library import FOLDER, open_library, processor
from digitrec_edge.dense.reading import network_of
from digitrec_edge.installation.machine import normalise_machine
from runtimes import load
from runtimes.native import NativeSession

IMAGES = mnist.load("test").images[:500]
LIBRARIES = sorted(FOLDER.glob("*.so"))
MACHINES = {"x86_64": 62, "aarch64": 183, "armv7": 40, "armv6": 40, "riscv64": 243}
"""e_machine of ELF."""
MOST_BYTES = 20_000
NEEDED, UNDEFINED, WEAK = 1, 0, 2


def sections(data: bytes, kind: int) -> list[bytes]:
    """Return the sections of one kind of an ELF file, of 32 or 64 bits."""
    wide = data[4] == 2
    (offset,) = struct.unpack_from("<Q" if wide else "<I", data, 0x28 if wide else 0x20)
    size, count = struct.unpack_from("<HH", data, 0x3A if wide else 0x2E)
    found = []
    for k in range(count):
        at = offset + k * size
        if struct.unpack_from("<I", data, at + 4)[0] == kind:
            start, length = struct.unpack_from("<QQ" if wide else "<II", data, at + (0x18 if wide else 0x10))
            found.append(data[start : start + length])
    return found


def needed(data: bytes) -> int:
    """Count the other libraries that a library names."""
    (dynamic,) = sections(data, 6)
    entries = struct.iter_unpack("<qQ" if data[4] == 2 else "<iI", dynamic)
    return sum(tag == NEEDED for tag, _ in entries)


def undefined(data: bytes) -> int:
    """Count the symbols that a library wants of others; the first entry of the table is none."""
    (symbols,) = sections(data, 11)
    layout = "<IBBHQQ" if data[4] == 2 else "<IIIBBH"
    places = [entry[3] if data[4] == 2 else entry[5] for entry in struct.iter_unpack(layout, symbols)]
    return sum(place == UNDEFINED for place in places[1:])


def test_there_is_a_library_for_each_processor_and_no_other() -> None:
    assert {path.stem.removeprefix("native-") for path in LIBRARIES} == {*MACHINES} == {*build.TARGETS}


@pytest.mark.parametrize("path", LIBRARIES, ids=lambda path: path.stem)
def test_a_library_is_small_and_uses_no_other(path: Path) -> None:
    data = path.read_bytes()
    assert struct.unpack_from("<H", data, 18)[0] == MACHINES[path.stem.removeprefix("native-")]
    assert len(data) < MOST_BYTES
    assert (needed(data), undefined(data)) == (0, 0)


def test_what_uses_another_library_is_noticed() -> None:
    data = Path(_ctypes.__file__).read_bytes()
    assert needed(data) > 0
    assert undefined(data) > 0


def test_the_libraries_and_the_sources_that_they_were_made_from_are_those_that_are_written_down() -> None:
    assert build.sums(FOLDER) == (FOLDER / library.SUMS).read_text(), "the C was changed: type make native"
    included = {
        name for path in build.SOURCES for name in re.findall(r'#include "(.*)"', (build.SOURCE / path).read_text())
    }
    assert included | {"native.c"} == {*build.SOURCES}


@pytest.mark.skipif(not importlib.util.find_spec("ziglang"), reason="ziglang is not installed: make native")
@pytest.mark.parametrize("name", build.TARGETS)
def test_a_library_that_is_built_again_has_the_same_bytes(tmp_path: Path, name: str) -> None:
    again = [build.build(name, tmp_path / f"{k}").read_bytes() for k in range(2)]
    assert again[0] == again[1] == library.library_path(name).read_bytes()


@pytest.mark.skipif(not shutil.which("cc") or not processor(), reason="needs a C compiler and Linux")
def test_the_compiler_of_this_machine_builds_one_that_answers_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "find_spec", lambda name: None)
    path = build.build(processor(), tmp_path)
    build.write_sums(tmp_path)
    opened = open_library(path)
    network, rounding = network_of(pretrained.DEFAULT.read_bytes())
    with load(pretrained.DEFAULT, "native") as model:
        assert model._session is not None
        for kernel in opened.kernels:
            session = NativeSession(network, rounding, library=opened, kernel=kernel.name)
            assert (session.run_batch(IMAGES) == model._session.run_batch(IMAGES)).all()


@pytest.mark.checkout
@pytest.mark.long
def test_an_installation_without_any_extra_predicts(tmp_path: Path, wheel_file: Path) -> None:
    """As on a board that no runtime has wheels for: a fresh virtual environment, the wheel, and a picture."""
    Image.fromarray(255 - IMAGES[0]).resize((200, 200)).save(tmp_path / "seven.png")
    subprocess.run([sys.executable, "-m", "virtualenv", "-q", str(tmp_path / "venv")], check=True)
    programs, constraints = tmp_path / "venv" / "bin", Path(__file__).parents[1] / "constraints.txt"
    install = [str(programs / "pip"), "install", "-q", "-c", str(constraints), str(wheel_file)]
    subprocess.run(install, check=True, capture_output=True)
    command = [str(programs / "digitrec-edge"), "predict", "seven.png", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (answer,) = json.loads(done.stdout)
    assert (answer["digit"], answer["runtime"]) == (7, "native")


def test_where_no_compiler_makes_a_library_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "find_spec", lambda name: None)
    with pytest.raises(OSError, match="no compiler for sparc: pip install ziglang"):
        build.build("sparc", tmp_path)
    monkeypatch.setattr(library, "FOLDER", tmp_path)
    monkeypatch.setattr(build, "TARGETS", {"sparc": ()})
    assert build.main(["--all"]) == 1
    assert "no compiler for sparc" in capsys.readouterr().err


def test_c_and_python_name_the_same_numbers() -> None:
    header = (build.SOURCE / "native.h").read_text()
    defined = {name: int(value) for name, value in re.findall(r"#define (NATIVE_\w+) +(\d+)", header)}
    assert defined == {
        "NATIVE_VERSION": library.VERSION,
        "NATIVE_MOST_LAYERS": tflite.MOST_LAYERS,
        "NATIVE_MOST_NUMBERS": tflite.MOST_NUMBERS,
        "NATIVE_LANES": block.LANES,
        "NATIVE_ALIGNED": block.ALIGNED,
    }
    fields = re.search(r"struct native_layer \{(.*?)\};", header, re.S)
    assert fields
    names = re.findall(r"(\w+)[,;]", re.sub(r"/\*.*?\*/", "", fields[1]))
    assert tuple(names) == block._LAYER.names
    assert block._LAYER.itemsize == ctypes.sizeof(ctypes.c_int32) * len(names)


@pytest.mark.parametrize(
    ("machine", "bits", "name"),
    [
        ("x86_64", 64, "x86_64"), ("aarch64", 64, "aarch64"), ("armv7l", 32, "armv7"), ("aarch64", 32, "armv7"),
        ("armv8l", 32, "armv7"), ("armv6l", 32, "armv6"), ("riscv64", 64, "riscv64"), ("x86_64", 32, ""),
        ("ppc64le", 64, ""), ("i686", 32, ""),
    ],
)  # fmt: skip
def test_the_library_of_a_machine_is_found_by_its_name(machine: str, bits: int, name: str) -> None:
    assert library.library_for(normalise_machine(machine, bits)) == (name if name else None)
