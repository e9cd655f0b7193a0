"""The Java library of a network: every file of it."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.dense.c_readme import values_of
from digitrec_edge.dense.c_tables import Tables
from digitrec_edge.dense.java_archive import CLASS_FILE, RESOURCE_FILE
from digitrec_edge.dense.java_resource import write_resource
from digitrec_edge.dense.library_archive import LICENSE

SOURCES = Path(__file__).with_name("java")


def library(tables: Tables, labels: tuple[str, ...], images: NDArray[np.uint8]) -> dict[str, bytes]:
    """Return the files, by their names in the layout of Gradle and Maven.

    Args:
        tables: the network, rounded as LiteRT does.
        labels: of its answers.
        images: ``(N, 28, 28)``, pictures such as the network was made for; some of them go into the self-test.
    """
    text = (SOURCES / "library.md").read_text(encoding="utf-8")
    for key, value in values_of(tables, labels).items():
        text = text.replace(f"@{key}@", value)
    return {
        CLASS_FILE: (SOURCES / "Digitrec.java").read_bytes(),
        RESOURCE_FILE: write_resource(tables, images),
        "README.md": text.encode(),
        "LICENSE": LICENSE.read_bytes(),
    }
