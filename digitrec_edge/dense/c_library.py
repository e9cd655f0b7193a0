"""The C library of a network: every file of it, as text."""

import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitrec_edge import __version__
from digitrec_edge.dense.c_readme import library_readme
from digitrec_edge.dense.c_tables import TABLES_FILE, Tables, answers, table_bytes, write_tables
from digitrec_edge.dense.footprint import footprints
from digitrec_edge.mnist import SIDE

SOURCES = Path(__file__).with_name("c")

KNOWN = 10
"""So many pictures are in the self-test, one for each of the first labels."""
NOISE = 30
"""... and so many of noise, which take no flash; docs/microcontrollers.md says what each sees."""
NOISE_SEED = 1

_MOST_RUN = 255


def library(tables: Tables, labels: tuple[str, ...], images: NDArray[np.uint8]) -> dict[str, bytes]:
    """Return the files of an Arduino library that is a CMake project, too.

    Args:
        tables: the network.
        labels: of its answers.
        images: ``(N, 28, 28)``, pictures such as the network was made for; some of them go into the self-test.

    Returns:
        Content by name, folders with slashes.
    """
    chosen = choose_known(tables, images)
    example = chosen[-1]
    number = classify(tables, example[None])[0]
    rows = footprints(tables)
    values = {
        "labels": str(len(labels)),
        "scale": f"{np.float32(tables.network.output_scale):.9g}f",
        "zero": str(tables.network.output_zero_point),
        "version": __version__.split("+")[0],
        "flash": str(-(-max((row.flash_bytes for row in rows), default=0) // 1024)),
        "ram": f"{max((row.ram_bytes for row in rows), default=0):,}",
        "picture": _drawn(example),
        "answer": "no sign" if number < 0 else f"number {number}",
    }
    files = {
        "library.properties": _text("library.properties", values),
        "CMakeLists.txt": _text("CMakeLists.txt"),
        "README.md": library_readme(tables, labels),
        "src/digitrec.h": _text("digitrec.h", values),
        "src/digitrec.c": _text("digitrec.c"),
        "src/digitrec_self_test.c": _text("digitrec_self_test.c"),
        "src/digitrec/internal.h": _text("internal.h"),
        "src/digitrec/kernel.h": _text(tables.kernel.file),
        "src/digitrec/known.h": _known(tables, chosen),
        "src/digitrec/layer.h": _text("layer.h"),
        "src/digitrec/requantize.h": _text("requantize.h"),
        TABLES_FILE: write_tables(tables),
        "examples/SelfTest/SelfTest.ino": _text("SelfTest.ino"),
        "examples/ReadDigit/ReadDigit.ino": _text("ReadDigit.ino", values),
    }
    return {name: text.encode() for name, text in files.items()}


def choose_known(tables: Tables, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Take the first picture that the network reads as each label, and the first ones where a label has none."""
    read = answers(tables, images).argmax(axis=1)
    first = [int(np.argmax(read == label)) for label in range(KNOWN) if (read == label).any()]
    rest = [k for k in range(len(images)) if k not in first]
    return images[sorted([*first, *rest][:KNOWN])]


def classify(tables: Tables, images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Compute what ``digitrec_classify`` gives, ``(N,)``: the number of a label, or -1."""
    logits = answers(tables, images).astype(np.int64)
    labels = logits.shape[1]
    return np.where(labels * logits.max(axis=1) - logits.sum(axis=1) < tables.threshold, -1, logits.argmax(axis=1))


def noise(count: int = NOISE) -> NDArray[np.uint8]:
    """Make the self-test's pictures of noise, ``(count, 28, 28)``, 1 to 64; the twin of ``fill_with_noise`` in C."""
    state, numbers = NOISE_SEED, []
    for _ in range(count * SIDE * SIDE):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        numbers.append((state >> 26) + 1)
    return np.array(numbers, np.uint8).reshape(count, SIDE, SIDE)


def _known(tables: Tables, images: NDArray[np.uint8]) -> str:
    """Write known.h: the pictures, and the checksums of tables and answers."""
    shown = np.concatenate([images, noise()])
    numbers = (classify(tables, shown) & 0xFF).astype(np.uint8)
    told = np.concatenate([answers(tables, shown).view(np.uint8), numbers[:, None]], axis=1)
    packed = [value for image in images for value in pack_picture(image)]
    lines = ["".join(f"{value}," for value in packed[k : k + 30]) for k in range(0, len(packed), 30)]
    return (
        "/* What the self-test knows: pictures, and checksums of the tables and of the answers. */\n"
        f"#define DIGITREC_KNOWN {len(images)}\n"
        f"#define DIGITREC_NOISE {NOISE}\n"
        f"#define DIGITREC_NOISE_SEED {NOISE_SEED}\n"
        f"#define DIGITREC_TABLES_CRC UINT32_C(0x{zlib.crc32(table_bytes(tables)):08x})\n"
        f"#define DIGITREC_ANSWERS_CRC UINT32_C(0x{zlib.crc32(told.tobytes()):08x})\n\n"
        f"static const uint8_t digitrec_known[{len(packed)}] = {{\n" + "\n".join(lines) + "\n};\n"
    )


def pack_picture(image: NDArray[np.uint8]) -> list[int]:
    """Write a picture as bytes: paper as 0 and how many pixels of it there are, at most 255; all else as it is."""
    packed: list[int] = []
    run = 0
    for pixel in [*image.reshape(-1).tolist(), None]:
        if run and (pixel != 0 or run == _MOST_RUN):
            packed += [0, run]
            run = 0
        if pixel == 0:
            run += 1
        elif pixel is not None:
            packed.append(pixel)
    return packed


def _drawn(image: NDArray[np.uint8]) -> str:
    return "\n".join("".join(f"{pixel:3d}," for pixel in row) for row in image.tolist())


def _text(name: str, values: Mapping[str, str] | None = None) -> str:
    text = (SOURCES / name).read_text(encoding="utf-8")
    for key, value in (values or {}).items():
        text = text.replace(f"@{key}@", value)
    return text
