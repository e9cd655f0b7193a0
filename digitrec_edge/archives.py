"""ZIP archives that may be anything: read within limits that are checked before anything is unpacked."""

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from digitrec_edge.frozen import Frozen

WRONG = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, ValueError, TypeError, LookupError, EOFError, OSError,
    ArithmeticError, MemoryError, SyntaxError,
    RuntimeError,  # encrypted, packed in a way that zipfile does not know, nested too deeply
)  # fmt: skip
"""What zipfile raises for damaged archives, and numpy for what is in them."""

DATE = (1980, 1, 1, 0, 0, 0)
"""Of every file that is put into an archive, the first that there can be: the same content gives the same bytes."""
_END, _END_BYTES, _MAX_COMMENT_BYTES = b"PK\x05\x06", 22, 0xFFFF
_LOCATOR_64, _LOCATOR_64_BYTES = b"PK\x06\x07", 20
_ENTRY_BYTES = 512
"""Of the archive's directory, per file: 46 and its name."""


class Limits(Frozen):
    """What an archive may hold.

    Attributes:
        files: how many.
        ratio: of unpacked to packed bytes, per file; deflate reaches 1032.
    """

    files: int
    ratio: int = 1_032


@contextmanager
def opened(data: bytes, limits: Limits) -> Iterator[zipfile.ZipFile]:
    """Open an archive, if its directory is within the limits.

    Raises:
        ValueError: there is none, it is damaged, or it lists too many files or one twice.
    """
    _check_directory(data, limits)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        if len(names) > limits.files:
            raise over("files", len(names), limits.files)
        if len(set(names)) < len(names):
            raise ValueError(f"{max(names, key=names.count)[:100]!r} is there twice")
        yield archive


def _check_directory(data: bytes, limits: Limits) -> None:
    """Refuse a directory too large to be that of a few files, before zipfile makes an object of each."""
    end = data.rfind(_END, max(0, len(data) - _END_BYTES - _MAX_COMMENT_BYTES))
    if end < 0 or len(data) - end < _END_BYTES:
        raise ValueError("the archive has no end: cut short, or none at all")
    if data[max(0, end - _LOCATOR_64_BYTES) : end].startswith(_LOCATOR_64):
        raise ValueError("it is one for more than 65,535 files or 4 GiB")
    size_bytes: int = struct.unpack_from("<I", data, end + 12)[0]
    if size_bytes > limits.files * _ENTRY_BYTES:
        raise over("bytes of its directory", size_bytes, limits.files * _ENTRY_BYTES)


def read(archive: zipfile.ZipFile, names: list[str], limit_bytes: int, limits: Limits) -> dict[str, bytes]:
    """Unpack files, if they are within the limits together: by what they say and by what comes out.

    Raises:
        ValueError: too large, packed too tightly or by another method, or damaged.
    """
    entries = [archive.getinfo(name) for name in names]
    if (total := sum(entry.file_size for entry in entries)) > limit_bytes:
        raise over("bytes unpacked", total, limit_bytes)
    found = {}
    for entry in entries:
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{entry.filename!r} is packed by method {entry.compress_type}, 0 or 8 are allowed")
        ratio = entry.file_size // max(1, entry.compress_size)
        if ratio > limits.ratio:
            raise over(f"times that {entry.filename!r} grows", ratio, limits.ratio)
        with archive.open(entry) as stream:
            found[entry.filename] = stream.read(entry.file_size + 1)  # in pieces of that size at the most
    return found


def over(what: str, value: int, allowed: int) -> ValueError:
    """The error of everything that is over a limit."""
    return ValueError(f"{what}: {value:,}, at most {allowed:,} are allowed")
