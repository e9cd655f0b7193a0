"""The C library, compiled here: the bytes of its oracles, a self-test that sees every bit, "no digit" told exactly."""

import dataclasses
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from digitrec_edge import artifact, mnist, pretrained
from digitrec_edge.dense.c_library import library
from digitrec_edge.dense.c_reading import read_tables
from digitrec_edge.dense.c_tables import LARGEST_FIXED, Tables, answers, prepare, write_tables
from digitrec_edge.dense.java_library import library as java_library
from digitrec_edge.dense.known import KNOWN, NOISE, classify, noise, pack_picture
from digitrec_edge.dense.network import Dense, Network
from digitrec_edge.dense.packing import KERNELS, find_kernel
from digitrec_edge.dense.rounding import ROUNDINGS, find_rounding
from digitrec_edge.formats.graph import MalformedError
from digitrec_edge.quantization import dequantize
from runtimes import load
from runtimes.table import find
from tests.c_host import (
    DIGITS,
    FLIP,
    KNOWN_FROM,
    READ_ALL,
    WARNINGS,
    can_compile,
    compile_program,
    read_pictures,
    tables_of,
    written,
)

pytestmark = [
    pytest.mark.checkout,
    pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed: apt-get install gcc"),
]
TEST = mnist.load("test").images
INT4 = Path(__file__).parent / "mcu" / "digitrec-int4.tflite"
MODELS = {"int8": pretrained.DEFAULT, "int4": INT4, "tiny": pretrained.TINY}
LITERT, PORTABLE = ROUNDINGS[0], KERNELS[0]
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


def test_no_answer_of_no_digit_is_promised_where_the_network_gives_none(standard: Path) -> None:
    nothing = library(dataclasses.replace(tables_of(pretrained.DEFAULT), threshold=0), DIGITS, KNOWN_FROM)
    assert "never answers -1" in nothing["README.md"].decode()
    for name, told in (("library.properties", "tells what is no sign"), ("src/digitrec.h", "-1 where the picture")):
        assert told in (standard / name).read_text()
        assert told not in nothing[name].decode()


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
