"""Files that travel in a ZIP archive behind a flatbuffer, which is read from its start."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

from digitrec_edge.formats import SEAL_BYTES
from digitrec_edge.formats.budget import BUDGET, refuse
from digitrec_edge.formats.graph import MalformedError

_DATE = (1980, 1, 1, 0, 0, 0)
_END, _END_BYTES, _MAX_COMMENT_BYTES = b"PK\x05\x06", 22, 0xFFFF
_LOCATOR_64, _LOCATOR_64_BYTES = b"PK\x06\x07", 20
_ENTRY_BYTES = 512
"""Of the archive's directory, per file: 46 and its name."""

_WRONG = (
    zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError, ValueError, struct.error,
    OverflowError,
)  # fmt: skip


def split(data: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Part what stands before the archive from the archive's files.

    Raises:
        MalformedError: there is no archive, it cannot be read, or holds more than the budget allows.
    """
    try:
        _check_directory(data)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            start = min((entry.header_offset for entry in archive.infolist()), default=len(data))
            return data[: max(0, start)], read_members(archive)
    except _WRONG as cause:
        raise MalformedError(f"its ZIP archive cannot be read: {cause}") from cause


def _check_directory(data: bytes) -> None:
    """Refuse a directory too large to be that of a few files, before zipfile makes an object of each."""
    end = data.rfind(_END, max(0, len(data) - _END_BYTES - _MAX_COMMENT_BYTES))
    if end < 0 or len(data) - end < _END_BYTES:
        raise MalformedError("there is none")
    if data[max(0, end - _LOCATOR_64_BYTES) : end].startswith(_LOCATOR_64):
        raise MalformedError("it is one for more than 65,535 files or 4 GiB")
    size_bytes: int = struct.unpack_from("<I", data, end + 12)[0]
    if size_bytes > BUDGET.attached_files * _ENTRY_BYTES:
        refuse("bytes of its directory", size_bytes, BUDGET.attached_files * _ENTRY_BYTES)


def read_members(archive: zipfile.ZipFile) -> dict[str, bytes]:
    """Read all files of an archive, if they are within the budget: by what they say and by what comes out.

    Raises:
        MalformedError: too many, too large, or packed too tightly.
    """
    entries = archive.infolist()
    if len(entries) > BUDGET.attached_files:
        refuse("files", len(entries), BUDGET.attached_files)
    if (total := sum(entry.file_size for entry in entries)) > BUDGET.attached_bytes:
        refuse("bytes unpacked", total, BUDGET.attached_bytes)
    found = {}
    for entry in entries:
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise MalformedError(f"{entry.filename!r} is packed by method {entry.compress_type}, 0 or 8 are allowed")
        ratio = entry.file_size // max(1, entry.compress_size)
        if ratio > BUDGET.attached_ratio:
            refuse(f"times that {entry.filename!r} grows", ratio, BUDGET.attached_ratio)
        with archive.open(entry) as stream:
            found[entry.filename] = stream.read(entry.file_size + 1)  # in pieces of that size at the most
    return found


def attach(payload: bytes, files: Mapping[str, bytes]) -> bytes:
    """Append a ZIP archive with the files; its comment is room for the seal."""
    stream = io.BytesIO(payload)
    stream.seek(0, io.SEEK_END)
    with zipfile.ZipFile(stream, "a") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), content)
        archive.comment = bytes(SEAL_BYTES)
    return stream.getvalue()
