"""The exported C on this machine: written, compiled by its own compiler, run over pictures."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitrec_edge import artifact, mnist
from digitrec_edge.dense.c_library import library
from digitrec_edge.dense.c_tables import Tables, prepare
from digitrec_edge.dense.packing import KERNELS
from digitrec_edge.dense.rounding import find_rounding
from digitrec_edge.dense.tflite import read_network
from digitrec_edge.dense.threshold import whole_threshold

DIGITS = tuple("0123456789")
KNOWN_FROM = mnist.load("train").images[:500]
WARNINGS = (
    "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Wshadow", "-Wstrict-prototypes", "-Wundef", "-Werror",
)  # fmt: skip

READ_ALL = """
#include <stdio.h>
#include "digitrec.h"
int main(void)
{
    static uint8_t image[DIGITREC_PIXELS];
    static int8_t logits[DIGITREC_LABELS];
    while (fread(image, 1, sizeof image, stdin) == sizeof image) {
        int16_t label = (int16_t)digitrec_classify(image);
        digitrec_logits(image, logits);
        fwrite(&label, sizeof label, 1, stdout);
        fwrite(logits, 1, sizeof logits, stdout);
    }
    return digitrec_self_test();
}
"""
"""Pictures from standard input; a label and logits of each to standard output; the self-test is the exit status."""

FLIP = """
#include <stdio.h>
#define const
#include "digitrec.c"
#include "digitrec_self_test.c"
int main(void)
{
    unsigned layer, table, byte, bit;
    while (scanf("%u %u %u %u", &layer, &table, &byte, &bit) == 4) {
        struct digitrec_layer *l = &digitrec_layers[layer];
        uint8_t *tables[] = {(uint8_t *)l, (uint8_t *)l->weights, (uint8_t *)l->bias, (uint8_t *)l->factors, l->shifts};
        tables[table][byte] ^= (uint8_t)(1 << bit);
        printf("%d\\n", digitrec_self_test());
        tables[table][byte] ^= (uint8_t)(1 << bit);
    }
    return digitrec_self_test();
}
"""
"""Flips the bits that standard input names, one at a time, and prints what the self-test says of each."""


@dataclass(frozen=True)
class Read:
    """What the program read.

    Attributes:
        numbers: ``(N,)``, of labels, or -1.
        logits: ``(N, labels) int8``.
        self_test: what it returned.
    """

    numbers: NDArray[np.int16]
    logits: NDArray[np.int8]
    self_test: int


def write(files: dict[str, bytes], folder: Path) -> Path:
    """Write files, and the folders that they are in."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def compile_program(library: Path, program: str, *flags: str, compiler: str = "gcc", whole: bool = True) -> Path:
    """Compile a program with a library's sources, as people would.

    Raises:
        AssertionError: the compiler has something to say.
    """
    source = library / "main.c"
    source.write_text(program)
    sources = sorted(str(path) for path in (library / "src").glob("*.c")) if whole else []
    output = library / "program"
    command = [compiler, *flags, f"-I{library / 'src'}", *sources, str(source), "-o", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"
    assert not done.stderr
    return output


def read_pictures(program: Path, images: NDArray[np.uint8], labels: int = 10) -> Read:
    """Run a program of ``READ_ALL``."""
    done = subprocess.run([str(program)], input=images.tobytes(), capture_output=True, check=False)
    assert not done.stderr, done.stderr.decode()
    rows = np.frombuffer(done.stdout, [("number", "<i2"), ("logits", "i1", (labels,))])
    assert len(rows) == len(images)
    return Read(rows["number"], rows["logits"], done.returncode)


def tables_of(model: Path, rounding: str = "litert") -> Tables:
    """Return the tables of an artifact's network and its "no digit", for the portable kernel."""
    found = artifact.read(model)
    assert found.card
    assert found.card.no_digit
    network = read_network(found.payload, found.graph)
    threshold = whole_threshold(found.card.no_digit.threshold, network.output_scale, len(DIGITS))
    return prepare(network, find_rounding(rounding), KERNELS[0], threshold)


def written(tables: Tables, folder: Path, labels: tuple[str, ...] = DIGITS) -> Path:
    """Write the library of these tables to a folder."""
    return write(library(tables, labels, KNOWN_FROM), folder)


def can_compile(compiler: str, flags: list[str], folder: Path) -> bool:
    """Whether a compiler takes these options, and its C library is here for them."""
    (folder / "try.c").write_text('#include <stdio.h>\nint main(void) { return puts("") < 0; }\n')
    command = [compiler, *flags, str(folder / "try.c"), "-o", str(folder / "try")]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
