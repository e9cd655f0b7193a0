"""Files: read whole and bounded, written whole or not at all."""

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from digitrec_edge.errors import DigitrecError, OutputError


def sha256(data: bytes | memoryview) -> str:
    """Return the SHA-256 of ``data`` as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def read_file(path: str | os.PathLike[str], *, limit_bytes: int, error: type[DigitrecError]) -> bytes:
    """Read a regular file of at most ``limit_bytes`` bytes.

    Raises:
        error: no such file, a directory, a pipe or device, no permission, empty, or larger than the limit.
            A pipe is never opened: opening one would wait for a writer.
    """
    path = Path(path)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise error(f"{path} is a directory, not a file")
        if not stat.S_ISREG(status.st_mode):
            raise error(f"{path} is a pipe or a device, not a regular file")
        if status.st_size > limit_bytes:
            raise error(f"{path} is {status.st_size:,} bytes; at most {limit_bytes:,} are read")
        if status.st_size == 0:
            raise error(f"{path} is empty (0 bytes)")
        with path.open("rb") as stream:
            return stream.read(limit_bytes)
    except FileNotFoundError:
        raise error(f"no such file: {path}") from None
    except PermissionError:
        raise error(f"no permission to read {path}") from None
    except (OSError, ValueError) as cause:  # a name too long, a NUL in the name, a failing disk
        raise error(f"cannot read {str(path)!r}: {getattr(cause, 'strerror', None) or cause}") from cause


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path in the folder of ``path`` and move it there when the block succeeds.

    The old file stays whole until the new one is complete and on disk; when the block raises, the
    temporary file is removed and nothing has changed.

    Raises:
        OutputError: the folder cannot be made or written, the disk is full, or ``path`` is a folder.
    """
    path = Path(path)
    make_folder(path.parent)
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.stem[:100]}-", suffix=path.suffix[:100], dir=path.parent)
    except (OSError, ValueError) as cause:
        raise _not_written(path, cause) from cause
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except OSError as cause:
        raise _not_written(path, cause) from cause
    finally:
        temporary.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are missing.

    Raises:
        OutputError: it cannot be made, or a file is in the way.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as cause:
        raise _not_written(path, cause) from cause


def _not_written(path: Path, cause: Exception) -> OutputError:
    return OutputError(f"cannot write {str(path)!r}: {getattr(cause, 'strerror', None) or cause}")


def check_writable(path: Path) -> None:
    """Find out before long work whether its result can be written to ``path``.

    Raises:
        OutputError: it cannot.
    """
    make_folder(path.parent)
    if path.is_dir():
        raise OutputError(f"cannot write {str(path)!r}: it is a folder")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as cause:
        raise _not_written(path, cause) from cause


def write_file(path: str | os.PathLike[str], data: bytes) -> None:
    """Write ``data`` to ``path`` atomically, making the folder when it is missing."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)
