"""The Java class, compiled here: LiteRT's bytes over the whole test set, "no digit", and a self-test of every bit."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from digitrec_edge import mnist, pretrained
from digitrec_edge.dense.c_tables import Tables, answers, prepare
from digitrec_edge.dense.java_archive import CLASS_FILE, RESOURCE_FILE
from digitrec_edge.dense.java_library import library
from digitrec_edge.dense.known import classify
from digitrec_edge.dense.network import Dense, Network
from digitrec_edge.dense.packing import KERNELS
from digitrec_edge.dense.rounding import ROUNDINGS
from digitrec_edge.quantization import dequantize
from runtimes import load
from runtimes.table import find
from tests.c_host import DIGITS, KNOWN_FROM, tables_of
from tests.java_host import FLIP, MISSING, READ_ALL, compile_program, write

pytestmark = [
    pytest.mark.checkout,
    pytest.mark.skipif(bool(MISSING), reason=f"there is no JDK: {' '.join(MISSING)}"),
]
TEST = mnist.load("test").images
READ = ("ReadAll", READ_ALL)


@pytest.fixture(scope="module")
def standard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library of the pretrained model."""
    return write(library(tables_of(pretrained.DEFAULT), DIGITS, KNOWN_FROM), tmp_path_factory.mktemp("java"))


def read_pictures(
    command: list[str], images: NDArray[np.uint8], labels: int = 10
) -> tuple[NDArray[np.int16], NDArray[np.int8]]:
    """Return the numbers and the logits of pictures; the self-test must have passed."""
    done = subprocess.run(command, input=images.tobytes(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    rows = np.frombuffer(done.stdout, [("number", ">i2"), ("logits", "i1", labels)])
    assert len(rows) == len(images)
    return rows["number"].astype(np.int16), rows["logits"]


@pytest.mark.skipif(not find("litert").installed, reason="LiteRT is not installed here")
def test_every_byte_and_every_no_digit_is_litert_s(standard: Path) -> None:
    numbers, logits = read_pictures(compile_program(standard, *READ), TEST)
    tables = tables_of(pretrained.DEFAULT)
    with load(pretrained.DEFAULT, "litert") as model:
        scale, zero_point = tables.network.output_scale, tables.network.output_zero_point
        assert np.array_equal(dequantize(logits, scale, zero_point), model.logits(TEST))
        told = model.predict(TEST)
    assert np.array_equal(numbers >= 0, told.accepted)
    assert np.array_equal(numbers[told.accepted], told.digits[told.accepted])
    assert 0 < (~told.accepted).sum() < 400


def network_of(labels: int) -> Tables:
    """A random network of odd widths, whose sums reach both limits of the rounding."""
    random = np.random.default_rng(labels)
    sizes = (784, 33, labels)
    layers = tuple(
        Dense(
            random.integers(-127, 128, (outputs, inputs)).astype(np.int8), 8,
            random.integers(-3000, 3000, outputs).astype(np.int32), factors := random.uniform(1e-4, 5e-3, outputs),
            factors.astype(np.float32), zero, low,
        )
        for inputs, outputs, zero, low in zip(sizes, sizes[1:], (7, 120), (7, 0), strict=False)
    )  # fmt: skip
    return prepare(Network(layers, "uint8", 1 / 255, 0, "int8", 0.1, -8), ROUNDINGS[0], KERNELS[0], 40 * labels)


@pytest.mark.parametrize("labels", [2, 1000])
def test_other_labels_and_widths(labels: int, tmp_path: Path) -> None:
    tables = network_of(labels)
    folder = write(library(tables, tuple(f"sign {k}" for k in range(labels)), KNOWN_FROM), tmp_path)
    numbers, logits = read_pictures(compile_program(folder, *READ), TEST[:300], labels)
    expected = answers(tables, TEST[:300])
    assert {expected.min(), expected.max()} >= {-128, 127}
    assert np.array_equal(logits, expected)
    assert np.array_equal(numbers, classify(tables, TEST[:300]))


def test_every_flipped_bit_is_refused_when_opened_and_seen_by_the_self_test(standard: Path) -> None:
    size = (standard / RESOURCE_FILE).stat().st_size
    random = np.random.default_rng(0)
    flips = [*range(0, 8 * 120, 7), *random.integers(0, 8 * size, 100).tolist(), 8 * size - 1]
    command = compile_program(standard, "Flip", FLIP)
    done = subprocess.run(
        [*command, str(standard / RESOURCE_FILE), *map(str, flips)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["1 digitrec.bin is damaged"] * len(flips)


HOSTILE = """
import digitrec.Digitrec;
import java.io.ByteArrayInputStream;

public class Hostile {
    static void refused(Runnable call) {
        try {
            call.run();
            System.out.println("taken");
        } catch (IllegalArgumentException | IllegalStateException cause) {
            System.out.println(cause.getMessage());
        }
    }

    public static void main(String[] arguments) throws InterruptedException {
        Digitrec digitrec = new Digitrec();
        refused(() -> digitrec.classify(new byte[783]));
        refused(() -> digitrec.logits(new byte[784], new byte[9]));
        refused(() -> new Digitrec(null));
        refused(() -> new Digitrec(new ByteArrayInputStream(new byte[10])));
        Thread[] threads = new Thread[8];
        int[] wrong = new int[1];
        for (int k = 0; k < threads.length; k++) {
            threads[k] = new Thread(() -> {
                int result = digitrec.selfTest();
                synchronized (wrong) {
                    wrong[0] += result;
                }
            });
            threads[k].start();
        }
        for (Thread thread : threads)
            thread.join();
        System.out.println("threads " + wrong[0]);
    }
}
"""


def test_what_is_no_picture_is_refused_in_words_and_threads_share_one_object(standard: Path) -> None:
    command = compile_program(standard, "Hostile", HOSTILE)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "a picture has 784 bytes, this one 783",
        "there are 10 logits, room is for 9",
        "digitrec.bin is not beside the class Digitrec",
        "digitrec.bin is damaged",
        "threads 0",
    ]


def test_the_readme_s_jar_is_made_and_tests_itself(standard: Path) -> None:
    text = (standard / "README.md").read_text()
    assert not re.search(r"@\w+@", text)
    assert f"is below {tables_of(pretrained.DEFAULT).threshold}." in text
    (row,) = re.findall(r"^\| a jar \| `(.*)`, then `(.*)` \|$", text, re.M)
    (run,) = re.findall(r"^`(java -cp .*)` says", text, re.M)
    for command in (*row, run):
        done = subprocess.run(command, shell=True, cwd=standard, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), command
    assert done.stdout == "digitrec: self-test passed\n"
    (standard / RESOURCE_FILE).rename(standard / "away")
    alone = ["java", "-cp", "classes", "digitrec.Digitrec"]
    done = subprocess.run(alone, cwd=standard, capture_output=True, text=True, check=False)
    (standard / "away").rename(standard / RESOURCE_FILE)
    assert done.returncode == 1
    assert "digitrec.bin is not beside the class Digitrec" in done.stderr


@pytest.mark.skipif(shutil.which("javap") is None, reason="javap is not installed")
def test_compiled_for_java_8_by_a_newer_compiler_it_calls_what_java_8_has(standard: Path, tmp_path: Path) -> None:
    """Since Java 9 ByteBuffer has a position(int) of its own, which -target 8 without --release takes."""
    command = ["javac", "-source", "8", "-target", "8", "-d", str(tmp_path), str(standard / CLASS_FILE)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this compiler makes nothing for Java 8")
    shown = ["javap", "-c", "-p", "-cp", str(tmp_path), "digitrec.Digitrec"]
    text = subprocess.run(shown, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"Method (java/nio/\S+)\.position:\(I\)", text)) == {"java/nio/Buffer"}


def test_the_class_needs_nothing_but_the_core(standard: Path) -> None:
    text = (standard / CLASS_FILE).read_text()
    assert {*re.findall(r"^import ([\w.]+)\.\w+;", text, re.M)} == {"java.io", "java.nio", "java.util.zip"}
