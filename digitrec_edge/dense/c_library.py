"""The C library of a network: every file of it, as text."""

import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitrec_edge import __version__
from digitrec_edge.dense.c_readme import library_readme
from digitrec_edge.dense.c_tables import TABLES_FILE, Tables, table_bytes, write_tables
from digitrec_edge.dense.footprint import footprints
from digitrec_edge.dense.known import KNOWN, NOISE, NOISE_SEED, answers_crc, choose_known, classify, pack_pictures
from digitrec_edge.dense.library_archive import LICENSE

SOURCES = Path(__file__).with_name("c")


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
        "signs": str(2 * KNOWN),  # each is read twice, for its logits and for its label
        "noise": str(2 * NOISE),
        "bits": f"{8 * len(table_bytes(tables)):,}",
        "version": __version__.split("+")[0],
        "flash": str(-(-max((row.flash_bytes for row in rows), default=0) // 1024)),
        "ram": f"{max((row.ram_bytes for row in rows), default=0):,}",
        "architectures": tables.kernel.architectures,
        "tells": "tells what is no sign" if tables.threshold else "names a sign for anything",
        "none": "-1 where the picture shows none of them" if tables.threshold else "never -1, whatever it shows",
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
    return {**{name: text.encode() for name, text in files.items()}, "LICENSE": LICENSE.read_bytes()}


def _known(tables: Tables, images: NDArray[np.uint8]) -> str:
    """Write known.h: the pictures, and the checksums of tables and answers."""
    packed = pack_pictures(images)
    lines = ["".join(f"{value}," for value in packed[k : k + 30]) for k in range(0, len(packed), 30)]
    return (
        "/* What the self-test knows: pictures, and checksums of the tables and of the answers. */\n"
        f"#define DIGITREC_KNOWN {len(images)}\n"
        f"#define DIGITREC_NOISE {NOISE}\n"
        f"#define DIGITREC_NOISE_SEED {NOISE_SEED}\n"
        f"#define DIGITREC_TABLES_CRC UINT32_C(0x{zlib.crc32(table_bytes(tables)):08x})\n"
        f"#define DIGITREC_ANSWERS_CRC UINT32_C(0x{answers_crc(tables, images):08x})\n\n"
        f"static DIGITREC_FLASH uint8_t digitrec_known[{len(packed)}] = {{\n" + "\n".join(lines) + "\n};\n"
    )


def _drawn(image: NDArray[np.uint8]) -> str:
    return "\n".join("".join(f"{pixel:3d}," for pixel in row) for row in image.tolist())


def _text(name: str, values: Mapping[str, str] | None = None) -> str:
    text = (SOURCES / name).read_text(encoding="utf-8")
    for key, value in (values or {}).items():
        text = text.replace(f"@{key}@", value)
    return text
