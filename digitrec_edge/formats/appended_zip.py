"""Files that travel in a ZIP archive behind a flatbuffer, which is read from its start."""

import io
import zipfile
from collections.abc import Mapping

from digitrec_edge import archives
from digitrec_edge.formats import SEAL_BYTES
from digitrec_edge.formats.budget import BUDGET
from digitrec_edge.formats.graph import MalformedError

_LIMITS = archives.Limits(files=BUDGET.attached_files, ratio=BUDGET.attached_ratio)


def split(data: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Part what stands before the archive from the archive's files.

    Raises:
        MalformedError: there is no archive, it cannot be read, or holds more than the budget allows.
    """
    try:
        with archives.opened(data, _LIMITS) as archive:
            start = min((entry.header_offset for entry in archive.infolist()), default=len(data))
            files = archives.read(archive, archive.namelist(), BUDGET.attached_bytes, _LIMITS)
            return data[: max(0, start)], files
    except archives.WRONG as cause:
        raise MalformedError(f"its ZIP archive cannot be read: {' '.join(str(cause).split())}") from cause


def attach(payload: bytes, files: Mapping[str, bytes]) -> bytes:
    """Append a ZIP archive with the files; its comment is room for the seal."""
    stream = io.BytesIO(payload)
    stream.seek(0, io.SEEK_END)
    with zipfile.ZipFile(stream, "a") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, archives.DATE), content)
        archive.comment = bytes(SEAL_BYTES)
    return stream.getvalue()
