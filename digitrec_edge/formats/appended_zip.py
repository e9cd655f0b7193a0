"""Files that travel in a ZIP archive behind a flatbuffer, which is read from its start."""

import io
import zipfile
import zlib
from collections.abc import Mapping

from digitrec_edge.formats import SEAL_BYTES
from digitrec_edge.formats.graph import MalformedError

_DATE = (1980, 1, 1, 0, 0, 0)


def split(data: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Part what stands before the archive from the archive's files.

    Raises:
        MalformedError: there is no archive, or it cannot be read.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            start = min((entry.header_offset for entry in archive.infolist()), default=len(data))
            return data[:start], {entry.filename: archive.read(entry) for entry in archive.infolist()}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError) as cause:
        raise MalformedError(f"its ZIP archive cannot be read: {cause}") from cause


def attach(payload: bytes, files: Mapping[str, bytes]) -> bytes:
    """Append a ZIP archive with the files; its comment is room for the seal."""
    stream = io.BytesIO(payload)
    stream.seek(0, io.SEEK_END)
    with zipfile.ZipFile(stream, "a") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), content)
        archive.comment = bytes(SEAL_BYTES)
    return stream.getvalue()
