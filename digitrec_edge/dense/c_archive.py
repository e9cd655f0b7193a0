"""C libraries in ZIP archives, as Arduino takes them: the format of ``export --c``.

Files of other formats are looked at here, too: what those do not need is imported in functions.
"""

from typing import TYPE_CHECKING

from digitrec_edge.dense.library_archive import LibraryArchive, attach, read_file, split
from digitrec_edge.formats.graph import Graph, MalformedError

if TYPE_CHECKING:
    from digitrec_edge.dense.c_tables import Tables

__all__ = ["attach", "describe", "pack", "recognise", "split", "tables_of"]

_ARCHIVE = LibraryArchive("library.properties")
recognise, pack = _ARCHIVE.recognise, _ARCHIVE.pack


def tables_of(payload: bytes) -> "Tables":
    """Read the network out of a payload; its C is not run and not compiled.

    Raises:
        MalformedError: it is no such archive, holds more than the budget allows, or no network that is computed here.
    """
    from digitrec_edge.dense.c_reading import MOST_BYTES, read_tables
    from digitrec_edge.dense.c_tables import TABLES_FILE

    try:
        text = read_file(payload, TABLES_FILE, MOST_BYTES).decode("ascii")
    except UnicodeDecodeError as cause:
        raise MalformedError(f"its {TABLES_FILE} cannot be read: {cause}") from cause
    return read_tables(text)


def describe(payload: bytes) -> Graph:
    """Say what the network computes: a layer per operator; rounding and kernel are among what it needs."""
    from digitrec_edge.dense.c_readme import remarks
    from digitrec_edge.dense.description import graph_of

    tables = tables_of(payload)
    needs = (f"rounding {tables.rounding.name}", 1), (f"kernel {tables.kernel.name}", 1)
    return graph_of(tables, needs, remarks(tables))
