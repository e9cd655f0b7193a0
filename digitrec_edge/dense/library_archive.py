"""Libraries of code in ZIP archives: a payload is a whole archive, to which card, labels and sample are added.

All is in one folder, and what travels with the model in ``extras/`` there. The payload comes back byte for byte,
without packing anything again: what zlib makes of a text differs from version to version, and hashes must not.
Files of other formats are looked at here, too: what those do not need is imported in functions.
"""

import io
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from digitrec_edge import archives
from digitrec_edge.formats import SEAL_BYTES
from digitrec_edge.formats.budget import BUDGET
from digitrec_edge.formats.graph import MalformedError

TOP = "digitrec/"
EXTRAS = f"{TOP}extras/"
STORED = ".bin"
"""What ends so is not packed: weights have nothing to pack."""
LICENSE = Path(__file__).with_name("LICENSE")
"""Of the code: it must go wherever that goes."""

_LIMITS = archives.Limits(files=32, ratio=BUDGET.attached_ratio)
_LOCAL, _ENTRY, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_LOCAL_BYTES, _ENTRY_BYTES = 30, 46


@dataclass(frozen=True)
class LibraryArchive:
    """A kind of such archives.

    Attributes:
        first_file: stands first in every one, by which the format is told from other archives.
    """

    first_file: str

    def recognise(self, data: bytes) -> bool:
        """Whether the first file of an archive is the one of these."""
        first = f"{TOP}{self.first_file}".encode()
        return data[:4] == _LOCAL and data[_LOCAL_BYTES : _LOCAL_BYTES + len(first)] == first

    def pack(self, files: Mapping[str, bytes]) -> bytes:
        """Make a payload of a library's files."""
        ordered = {self.first_file: files[self.first_file], **files}
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for name, content in ordered.items():
                _add(archive, TOP + name, content)
        return stream.getvalue()


def read_file(payload: bytes, name: str, most_bytes: int) -> bytes:
    """Read one file of a library.

    Raises:
        MalformedError: it is no such archive, or holds more than the budget allows.
    """
    try:
        with archives.opened(payload, _LIMITS) as archive:
            return archives.read(archive, [TOP + name], most_bytes, _LIMITS)[TOP + name]
    except archives.WRONG as cause:
        raise MalformedError(f"its {name} cannot be read: {' '.join(str(cause).split())}") from cause


def attach(payload: bytes, files: Mapping[str, bytes]) -> bytes:
    """Add files to the archive; its comment is room for the seal."""
    stream = io.BytesIO(payload)
    with zipfile.ZipFile(stream, "a") as archive:
        for name, content in files.items():
            _add(archive, EXTRAS + name, content)
        archive.comment = bytes(SEAL_BYTES)
    return stream.getvalue()


def split(data: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Part the library's archive from the files that were added.

    Raises:
        MalformedError: it is no archive, has more than the budget allows, or nothing was added where it should be.
    """
    try:
        with archives.opened(data, _LIMITS) as archive:
            names = archive.namelist()
            added = [name for name in names if name.startswith(EXTRAS)]
            kept = len(names) - len(added)
            if names[kept:] != added:
                raise ValueError("files were added between those of the model")
            files = archives.read(archive, added, BUDGET.attached_bytes, _LIMITS)
            start = archive.getinfo(added[0]).header_offset if added else archive.start_dir
            return _cut(data, start, archive.start_dir, kept), {name[len(EXTRAS) :]: files[name] for name in added}
    except archives.WRONG as cause:
        raise MalformedError(f"its ZIP archive cannot be read: {' '.join(str(cause).split())}") from cause


def _cut(data: bytes, files_end: int, directory: int, kept: int) -> bytes:
    """Return an archive of the first files alone: their bytes, their part of the directory, and an end of its own."""
    at = directory
    for _ in range(kept):
        if data[at : at + 4] != _ENTRY:
            raise ValueError("its directory is cut short")
        at += _ENTRY_BYTES + sum(struct.unpack_from("<3H", data, at + 28))
    entries = data[directory:at]
    end = struct.pack("<4s4H2LH", _END, 0, 0, kept, kept, len(entries), files_end, 0)
    return data[:files_end] + entries + end


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, archives.DATE)
    entry.compress_type = zipfile.ZIP_STORED if name.endswith(STORED) else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content, compresslevel=9)
