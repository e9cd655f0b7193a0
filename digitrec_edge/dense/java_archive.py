"""Java in ZIP archives, laid out as Gradle and Maven want it: the format of ``export --java``.

Files of other formats are looked at here, too: what those do not need is imported in functions.
"""

from typing import TYPE_CHECKING

from digitrec_edge.dense.library_archive import LibraryArchive, attach, read_file, split
from digitrec_edge.formats.graph import Graph

if TYPE_CHECKING:
    from digitrec_edge.dense.c_tables import Tables

__all__ = ["attach", "describe", "pack", "recognise", "split", "tables_of"]

CLASS_FILE = "src/main/java/digitrec/Digitrec.java"
RESOURCE_FILE = "src/main/resources/digitrec/digitrec.bin"

_ARCHIVE = LibraryArchive(CLASS_FILE)
recognise, pack = _ARCHIVE.recognise, _ARCHIVE.pack


def tables_of(payload: bytes) -> "Tables":
    """Read the network out of a payload; its Java is not run and not compiled.

    Raises:
        MalformedError: it is no such archive, holds more than the budget allows, or no network that is computed here.
    """
    from digitrec_edge.dense.java_resource import MOST_BYTES, read_resource

    return read_resource(read_file(payload, RESOURCE_FILE, MOST_BYTES))


def describe(payload: bytes) -> Graph:
    """Say what the network computes: a layer per operator; the rounding is among what it needs."""
    from digitrec_edge.dense.description import graph_of

    tables = tables_of(payload)
    remarks = (
        ("rounding", f"{tables.rounding.name}: as {tables.rounding.kernels}"),
        ("java", "8 and later, Android; no library"),
    )
    return graph_of(tables, ((f"rounding {tables.rounding.name}", 1),), remarks)
