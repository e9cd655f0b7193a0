"""How runtimes look in figures: colours and labels of the table's rows, and neutral ones for names that it lacks."""

from digitrec_edge.errors import InputError
from digitrec_edge.report.style import MUTED
from runtimes.table import RuntimeRow, find


def _row(name: str) -> RuntimeRow | None:
    try:
        return find(name)
    except InputError:
        return None


def colour(name: str) -> str:
    """Return a runtime's colour; a neutral one for a name that this version does not know."""
    row = _row(name)
    return row.colour if row else MUTED


def label(name: str) -> str:
    """Return what to call a runtime; a name that this version does not know is marked as such."""
    return name if _row(name) else f"{name} (unknown runtime)"


def is_usual_format(name: str, format_name: str) -> bool:
    """Whether a file format is the one that goes without saying for a runtime."""
    row = _row(name)
    return row is not None and row.formats[0] == format_name
