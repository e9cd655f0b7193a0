"""Addresses of sources and brokers, which may hold passwords: these are used, and never shown."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from digitrec_edge.errors import DigitrecError, SourceError
from digitrec_edge.files import read_file

FILE_MARK = "@"
LIMIT_BYTES = 64 << 10


def shown(address: str) -> str:
    """Return an address without user, password, query and fragment; what is no address stays as it is.

    Whatever stands before the last @ goes: a password may hold a / that ought to be written as %2F.
    """
    if "://" not in address:
        return address
    scheme, rest = address.split("://", 1)
    before, _, place = rest.rpartition("@")
    left_out = "..." if "/" in before else ""
    return f"{scheme}://{left_out}{place.partition('?')[0].partition('#')[0]}"


def credentials(address: str) -> tuple[str, str] | None:
    """Return user and password of an address, decoded; None where it names no user."""
    parts = urlsplit(address)
    return None if parts.username is None else (unquote(parts.username), unquote(parts.password or ""))


def from_file(text: str) -> str:
    """Return the address itself: of ``@FILE`` the first line of the file, which no list of processes shows.

    Raises:
        SourceError: the file cannot be read, or is empty.
    """
    return secret(Path(text[1:]), SourceError) if text.startswith(FILE_MARK) else text


def secret(path: Path, error: type[DigitrecError]) -> str:
    """Return the first line of a file, without white space around it.

    Raises:
        error: it cannot be read, or the line is empty.
    """
    lines = read_file(path, limit_bytes=LIMIT_BYTES, error=error).decode(errors="replace").splitlines()
    if not lines or not lines[0].strip():
        raise error(f"the first line of {path} is empty")
    return lines[0].strip()
