"""The C library, compiled here: the bytes of its oracles, a self-test that sees every bit, "no digit" told exactly."""

import dataclasses
import itertools
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from digitrec_edge import artifact, mnist, no_digit, pretrained
from digitrec_edge.dense.c_library import library
from digitrec_edge.dense.c_reading import read_tables
from digitrec_edge.dense.c_tables import LARGEST_FIXED, Tables, answers, prepare, write_tables
from digitrec_edge.dense.java_library import library as java_library
from digitrec_edge.dense.known import KNOWN, NOISE, classify, noise, pack_picture
from digitrec_edge.dense.network import Dense, Network
from digitrec_edge.dense.packing import KERNELS, find_kernel
from digitrec_edge.dense.rounding import ROUNDINGS, find_rounding
from digitrec_edge.dense.tflite import read_network
from digitrec_edge.dense.threshold import whole_threshold
from digitrec_edge.formats.graph import MalformedError
from digitrec_edge.quantization import dequantize
from runtimes import load
from runtimes.table import find
from tests.c_host import FLIP, READ_ALL, WARNINGS, compile_program, read_pictures, write

pytestmark = [
    pytest.mark.checkout,
    pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed: apt-get install gcc"),
]
DIGITS = tuple("0123456789")
TEST = mnist.load("test").images
KNOWN_FROM = mnist.load("train").images[:500]
NEAR_HALVES = mnist.load("train").images[[9038, 15242, 19218, 26039, 29462]]
"""Pictures in which a product lies so near to a half that float32 rounds it to one."""
INT4 = Path(__file__).parent / "mcu" / "digitrec-int4.tflite"
MODELS = {"int8": pretrained.DEFAULT, "int4": INT4, "tiny": pretrained.TINY}
LITERT, PORTABLE = ROUNDINGS[0], KERNELS[0]
ARM = ["arm-none-eabi-gcc"] if shutil.which("arm-none-eabi-gcc") else ["clang", "--target=arm-none-eabi"]
if not shutil.which(ARM[0]):
    ARM = []
LEVELS = ("-O0", "-Os", "-O2", "-O3")
ARDUINO = """
#include <stdint.h>
struct {
    void begin(long);
    explicit operator bool();
    template <class T> void print(T);
    template <class T> void println(T);
} Serial;
#define F(text) text
unsigned long micros();
void delay(int);
"""
"""What the sketches use of Arduino."""


def tables_of(model: Path, rounding: str = "litert") -> Tables:
    found = artifact.read(model)
    assert found.card
    assert found.card.no_digit
    network = read_network(found.payload, found.graph)
    threshold = whole_threshold(found.card.no_digit.threshold, network.output_scale, len(DIGITS))
    return prepare(network, find_rounding(rounding), PORTABLE, threshold)


def written(tables: Tables, folder: Path, labels: tuple[str, ...] = DIGITS) -> Path:
    return write(library(tables, labels, KNOWN_FROM), folder)


@pytest.fixture(scope="module")
def standard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library of the pretrained model."""
    return written(tables_of(pretrained.DEFAULT), tmp_path_factory.mktemp("digitrec"))


@pytest.mark.skipif(not find("litert").installed, reason="LiteRT is not installed here")
@pytest.mark.parametrize("name", MODELS)
def test_every_byte_and_every_no_digit_is_litert_s(name: str, tmp_path: Path) -> None:
    program = compile_program(written(tables_of(MODELS[name]), tmp_path), READ_ALL, "-std=c99", "-O2", *WARNINGS)
    read = read_pictures(program, TEST)
    with load(MODELS[name], "litert") as model:
        assert np.array_equal(dequantize(read.logits, *output_of(MODELS[name])), model.logits(TEST))
        told = model.predict(TEST)
    assert read.self_test == 0
    assert np.array_equal(read.numbers >= 0, told.accepted)
    assert np.array_equal(read.numbers[told.accepted], told.digits[told.accepted])
    assert 0 < (~told.accepted).sum() < 400


def output_of(path: Path) -> tuple[float, int]:
    (output,) = artifact.read(path).graph.outputs
    return output.scale[0], output.zero_point[0]


@pytest.mark.parametrize("name", [row.name for row in ROUNDINGS[1:]])
def test_the_other_roundings_are_numpy_s(name: str, tmp_path: Path) -> None:
    tables = tables_of(pretrained.DEFAULT, name)
    program = compile_program(written(tables, tmp_path), READ_ALL, "-std=c99", "-O2", *WARNINGS)
    read = read_pictures(program, TEST[:3000])
    assert np.array_equal(read.logits, answers(tables, TEST[:3000]))
    assert read.self_test == 0


def test_tflite_micro_s_own_interpreter_gives_the_bytes_of_its_rounding() -> None:
    runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime", reason="tflite-micro: CPython 3.11 alone")
    interpreter = runtime.Interpreter.from_bytes(artifact.read(pretrained.DEFAULT).payload)
    expected = answers(tables_of(pretrained.DEFAULT, "tflite-micro"), TEST[:2000])
    for image, row in zip(TEST, expected, strict=False):
        interpreter.set_input(image[None], 0)
        interpreter.invoke()
        assert np.array_equal(interpreter.get_output(0)[0], row)


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
    images = np.concatenate([TEST[:1000], NEAR_HALVES])
    read = read_pictures(program, images)
    assert np.array_equal(read.logits, answers(tables_of(pretrained.DEFAULT), images))
    assert read.self_test == 0


def can_compile(compiler: str, flags: list[str], folder: Path) -> bool:
    (folder / "try.c").write_text('#include <stdio.h>\nint main(void) { return puts("") < 0; }\n')
    command = [compiler, *flags, str(folder / "try.c"), "-o", str(folder / "try")]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


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


def flipped(folder: Path, tables: Tables, flips: list[tuple[int, int, int, int]]) -> list[int]:
    """What the self-test says of each flipped bit: layer, table, byte, bit."""
    program = compile_program(written(tables, folder), FLIP, "-O2", whole=False)
    lines = "".join(f"{' '.join(map(str, flip))}\n" for flip in flips)
    done = subprocess.run([str(program)], input=lines, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [int(line) for line in done.stdout.split()]


def test_every_flipped_bit_is_seen_and_pictures_alone_see_most(tmp_path: Path) -> None:
    tables, random = tables_of(pretrained.DEFAULT), np.random.default_rng(0)
    sizes = np.array([layer.weights.size for layer in tables.network.layers])
    flips = []
    for layer in random.choice(4, 100, p=sizes / sizes.sum()).tolist():
        flips.append((layer, 1, int(random.integers(sizes[layer])), int(random.integers(8))))
    for table in (2, 3):
        flips += [
            (int(random.integers(4)), table, int(random.integers(40)), int(random.integers(8))) for _ in range(10)
        ]
    flips += [(0, 0, at, bit) for at in (4, 5) for bit in (0, 7)]  # zero and low of the first layer
    seen = flipped(tmp_path, tables, flips)
    assert all(code & 1 for code in seen)
    assert np.mean([code >> 1 for code in seen[:100]]) > 0.3


def test_what_self_test_pictures_are(standard: Path) -> None:
    text = (standard / "src/digitrec/known.h").read_text()
    assert f"#define DIGITREC_KNOWN {KNOWN}\n" in text
    assert f"#define DIGITREC_NOISE {NOISE}\n" in text
    assert noise().min() == 1
    assert len({image.tobytes() for image in noise()}) == NOISE
    assert (
        f"as long as {2 * KNOWN} pictures of\n * signs and {2 * NOISE} of noise"
        in (standard / "src/digitrec.h").read_text()
    )
    packed = [int(word) for word in re.findall(r"(\d+),", text.partition("{")[2])]
    assert len(packed) < 3000  # with its code it fits a micro:bit beside the network
    shown = unpack(packed)
    read = classify(tables_of(pretrained.DEFAULT), shown)
    assert len(shown) == KNOWN
    assert len({*read.tolist()} - {-1}) >= 9
    assert pack_picture(np.zeros((28, 28), np.uint8)) == [0, 255, 0, 255, 0, 255, 0, 19]


def unpack(packed: list[int]) -> np.ndarray:  # type: ignore[type-arg]
    pixels: list[int] = []
    values = iter(packed)
    for value in values:
        pixels += [0] * next(values) if value == 0 else [value]
    return np.array(pixels, np.uint8).reshape(-1, 28, 28)


@pytest.mark.parametrize("name", [row.name for row in ROUNDINGS[1:]])
def test_the_largest_sums_that_are_taken_overflow_nothing(name: str, tmp_path: Path) -> None:
    bias = np.array([1, -1, 1, -1], np.int32) * (LARGEST_FIXED - 255 * 784)
    factors = np.array([0.999, 0.999, 0.999 * 2.0**-30, 0.999 * 2.0**-30])
    weights = np.ones((4, 784), np.int8)
    layer = Dense(weights, 8, bias, factors, factors.astype(np.float32), 255, 0)
    network = Network((layer,), "uint8", 1 / 255, 0, "int8", 0.1, -8)
    tables = prepare(network, find_rounding(name), PORTABLE, 0)
    flags = ["-fsanitize=undefined", "-fno-sanitize-recover=all"]
    if not can_compile("gcc", flags, tmp_path):
        pytest.skip("gcc has no sanitizers here")
    program = compile_program(written(tables, tmp_path / "library", tuple("abcd")), READ_ALL, *flags)
    read = read_pictures(program, TEST[:100], 4)
    assert np.array_equal(read.logits, answers(tables, TEST[:100]))
    larger = dataclasses.replace(network, layers=(dataclasses.replace(layer, bias=bias + np.sign(bias)),))
    with pytest.raises(
        ValueError, match=f"a sum may be larger than {LARGEST_FIXED:,}, the most for the rounding {name}"
    ):
        prepare(larger, find_rounding(name), PORTABLE, 0)
    assert prepare(larger, LITERT, PORTABLE, 0)
    assert all(tables_of(model, name) for model in MODELS.values())  # one has a bias of -2**30
    with pytest.raises(MalformedError, match=f"a sum may be {LARGEST_FIXED + 1:,}, "):
        read_tables(write_tables(dataclasses.replace(tables, network=larger)))


@pytest.mark.parametrize("labels", [2, 26, 1000])
def test_other_labels_and_widths(labels: int, tmp_path: Path) -> None:
    random = np.random.default_rng(labels)
    sizes = (784, 33, labels)
    layers = tuple(
        Dense(
            random.integers(-127, 128, (outputs, inputs)).astype(np.int8), 8,
            random.integers(-3000, 3000, outputs).astype(np.int32), factors := random.uniform(1e-4, 5e-4, outputs),
            factors.astype(np.float32), zero, 0,
        )
        for inputs, outputs, zero in zip(sizes, sizes[1:], (0, 120), strict=False)
    )  # fmt: skip
    network = Network(layers, "uint8", 1 / 255, 0, "int8", 0.1, -8)
    tables = prepare(network, LITERT, PORTABLE, 40 * labels)
    folder = written(tables, tmp_path, tuple(f"sign {k}" for k in range(labels)))
    read = read_pictures(compile_program(folder, READ_ALL, "-std=c99", "-O2", *WARNINGS), TEST[:300], labels)
    assert np.array_equal(read.logits, answers(tables, TEST[:300]))
    assert np.array_equal(read.numbers, classify(tables, TEST[:300]))
    assert read.self_test == 0
    assert f"int8_t logits[{labels}]" in (folder / "README.md").read_text()


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


def test_it_is_laid_out_as_arduino_wants(standard: Path, tmp_path: Path) -> None:
    """The library specification of Arduino: a flat list of names and values, sources in src, a sketch per folder."""
    lines = (standard / "library.properties").read_text().splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    assert properties.keys() >= {
        "name",
        "version",
        "author",
        "maintainer",
        "sentence",
        "paragraph",
        "category",
        "url",
        "architectures",
    }
    assert re.fullmatch(r"\d+\.\d+\.\d+", properties["version"])
    assert "@" not in "".join(lines)
    assert (standard / "src" / properties["includes"]).exists()
    assert re.search(r"about 25\d KB of flash, 2,\d{3} bytes of RAM", properties["paragraph"])
    for sketch in ("SelfTest", "ReadDigit"):
        text = (standard / "examples" / sketch / f"{sketch}.ino").read_text()
        assert "void setup()" in text
        assert "void loop()" in text
        if shutil.which("g++"):
            (tmp_path / "sketch.cpp").write_text(ARDUINO + text)
            command = ["g++", "-fsyntax-only", f"-I{standard / 'src'}", str(tmp_path / "sketch.cpp")]
            subprocess.run(command, check=True)


def test_the_sketch_s_picture_is_read_as_it_says(standard: Path) -> None:
    text = (standard / "examples/ReadDigit/ReadDigit.ino").read_text()
    pixels = [int(word) for word in re.findall(r"\d+", text.partition("{")[2].partition("}")[0])]
    told = re.search(r"This one is read as number (\d)\.", text)
    assert told
    image = np.array(pixels, np.uint8).reshape(1, 28, 28)
    assert classify(tables_of(pretrained.DEFAULT), image)[0] == int(told[1])


def test_the_readme_s_program_outside_arduino_compiles_and_reads(standard: Path, tmp_path: Path) -> None:
    program = re.search(r"`main\.c`.*?```c\n(.*?)```", (standard / "README.md").read_text(), re.DOTALL)
    assert program
    shutil.copytree(standard / "src", tmp_path / "src")
    compiled = compile_program(tmp_path, program[1], "-std=c99", *WARNINGS)
    done = subprocess.run([str(compiled)], stdout=subprocess.PIPE, check=True)
    assert done.stdout == b"self-test 0, label -1\n"


def test_the_text_of_its_licence_goes_with_the_code(standard: Path) -> None:
    text = (Path(__file__).parents[1] / "LICENSE").read_bytes()
    assert (standard / "LICENSE").read_bytes() == text
    assert java_library(tables_of(pretrained.DEFAULT), DIGITS, KNOWN_FROM)["LICENSE"] == text


def test_readme_says_what_is_true(standard: Path) -> None:
    text = (standard / "README.md").read_text()
    tables = tables_of(pretrained.DEFAULT)
    assert not re.search(r"@\w+@", text)
    assert f"is below {tables.threshold}." in text
    assert "784-256-128-128-10" in text
    for path in re.findall(r"`((?:examples|src)/[\w./*]+)`", text):
        assert list(standard.glob(path)), path
    for name in ("digitrec_classify", "digitrec_logits", "digitrec_self_test"):
        assert name in text
        assert name in (standard / "src/digitrec.h").read_text()
    assert re.search(r"\| Cortex-M0 \| 258,\d{3} \|", text)
    assert re.search(r"\| micro:bit v1 \|.*\| bare \|", text)
    assert re.search(r"\| Arduino Zero, MKR \| SAMD21 \| 256 \(248\), 32 \| bare \| 0 \|", text)
    assert re.search(r"\| Arduino Uno R3, Nano \|.*\| no, not measured \|", text)
    nothing = dataclasses.replace(tables, threshold=0)
    assert "never answers -1" in library(nothing, DIGITS, KNOWN_FROM)["README.md"].decode()


@pytest.mark.parametrize(
    ("name", "listed"),
    [("dsp", r"\| micro:bit v2 \|.*\| yes \|.*\| \d+\.\d \|"), ("mve", r"None of the boards .* runs this code\.")],
    ids=["dsp", "mve"],
)
def test_what_a_kernel_does_not_run_on_is_not_promised(name: str, listed: str) -> None:
    tables = dataclasses.replace(tables_of(pretrained.DEFAULT), kernel=find_kernel(name))
    files = library(tables, DIGITS, KNOWN_FROM)
    text = files["README.md"].decode()
    assert re.search(listed, text)
    assert not re.search(r"^\| (ESP32|Arduino Due|Raspberry Pi Pico \||Arduino Uno R3)", text, re.M)
    assert "every processor" not in text
    assert b"architectures=*" not in files["library.properties"]


def test_the_whole_threshold_is_float32_s_for_every_pair_of_logits() -> None:
    pairs = np.stack(np.meshgrid(np.arange(-128, 128), np.arange(-128, 128)), axis=-1).reshape(-1, 2)
    for threshold, scale in ((2.7476, 0.2282), (0.31, 0.0123), (17.3, 0.4567), (1.0, 0.3)):
        compare(pairs, threshold, scale, -11)


def test_the_whole_threshold_is_float32_s_for_logits_on_either_side_of_it() -> None:
    random = np.random.default_rng(1)
    for threshold, scale, zero in ((2.7476, 0.22820200026035309, -12), (5.1234, 0.15992194, 3), (0.9, 0.0333, 60)):
        whole = whole_threshold(threshold, scale, 10)
        for steps in range(whole - 2, whole + 3):
            below = random.multinomial(steps, random.dirichlet(np.ones(9), 40_000))
            logits = random.integers(-128, 128, 40_000)[:, None] - np.pad(below, ((0, 0), (1, 0)))
            compare(logits[(logits >= -128).all(axis=1)], threshold, scale, zero)


def compare(logits: np.ndarray, threshold: float, scale: float, zero: int) -> None:  # type: ignore[type-arg]
    labels = logits.shape[1]
    by_float = no_digit.score(dequantize(logits.astype(np.int8), scale, zero)) >= np.float32(threshold)
    whole = labels * logits.max(axis=1) - logits.sum(axis=1) >= whole_threshold(threshold, scale, labels)
    assert np.array_equal(by_float, whole)


def test_a_threshold_on_a_step_is_refused_and_none_is_nothing() -> None:
    assert whole_threshold(None, 0.1, 10) == 0
    for threshold in (2.0, np.nextafter(2.0, 3), 2.00001):
        with pytest.raises(ValueError, match="lies on a step of the logits"):
            whole_threshold(float(threshold), 0.25, 10)
    assert whole_threshold(2.01, 0.25, 10) == 81


@pytest.mark.parametrize("scale", [1e-6, 1e-40])
def test_a_threshold_of_more_steps_than_an_int32_has_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="is not between 0 and 2,147,483,647 steps"):
        whole_threshold(1000.0, scale, 10)
