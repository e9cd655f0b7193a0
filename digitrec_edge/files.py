"""Files: read whole and bounded, written whole or not at all."""

import contextlib
import hashlib
import os
import platform
import re
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from digitrec_edge.errors import DigitrecError, OutputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


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
            return stream.read(min(limit_bytes, status.st_size))  # so much memory is taken, read or not
    except FileNotFoundError:
        raise error(f"no such file: {path}") from None
    except PermissionError:
        raise error(f"no permission to read {path}") from None
    except (OSError, ValueError) as cause:  # a name too long, a NUL in the name, a failing disk
        raise error(f"cannot read {str(path)!r}: {getattr(cause, 'strerror', None) or cause}") from cause


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path and move what is written there to ``path`` when the block succeeds.

    The old file stays whole until the new one is complete and on disk; when the block raises, the temporary file is
    removed and nothing has changed. A link stays, and the file that it leads to is replaced and keeps its owner and
    mode. A pipe or a device is written into and never replaced. Temporary files that a killed process left here
    are removed.

    Raises:
        OutputError: the folder cannot be made or written, the disk is full, or ``path`` is a folder.
    """
    import tempfile

    path = Path(path)
    if is_stream(path):
        with _into_stream(path) as temporary:
            yield temporary
        return
    target = _target(path)
    _remove_stale(target)
    try:
        descriptor, name = tempfile.mkstemp(prefix=_prefix(target), suffix=target.suffix[:100], dir=target.parent)
    except (OSError, ValueError) as cause:
        raise _not_written(path, cause) from cause
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        _take_over(target, temporary)
        temporary.replace(target)
    except OSError as cause:
        raise _not_written(path, cause) from cause
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def scratch_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield an empty folder beside ``path`` for the parts of what becomes it; it goes when the block ends.

    One that a killed process left is removed by the next one for ``path``, or the next write of it.

    Raises:
        OutputError: it cannot be made.
    """
    import tempfile

    target = _resolved(Path(path))
    _remove_stale(target)
    try:
        folder = tempfile.TemporaryDirectory(prefix=_prefix(target), suffix=target.suffix[:100], dir=target.parent)
    except OSError as cause:
        raise _not_written(Path(path), cause) from cause
    with folder as name:
        yield Path(name)


CANDIDATES = ".export-"
"""Folders of candidates begin so."""


@contextmanager
def candidate_for(path: Path) -> Iterator[Path]:
    """Yield a place of the same name for what is tried before it becomes ``path``, in a folder that goes afterwards.

    An error that is raised inside names ``path`` and not that place.

    Raises:
        OutputError: it cannot be made.
    """
    import tempfile

    try:
        folder = tempfile.TemporaryDirectory(prefix=CANDIDATES, dir=path.parent)
    except OSError as cause:
        raise _not_written(path, cause) from cause
    with folder as name:
        candidate = Path(name) / path.name
        try:
            yield candidate
        except DigitrecError as error:
            error.args = (str(error).replace(str(candidate), str(path)),)
            raise


def readable(name: str | os.PathLike[str]) -> str:
    """Return a name that UTF-8 can hold: bytes that are none are shown as Python writes them."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def is_stream(path: Path) -> bool:
    """Whether something is there that takes bytes and is no file: a pipe, a device, a socket, an open descriptor."""
    if path.is_relative_to("/dev") or path.is_relative_to("/proc"):
        return path.exists() and not path.is_dir()
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


@contextmanager
def _into_stream(path: Path) -> Iterator[Path]:
    import tempfile

    try:
        with tempfile.TemporaryDirectory() as folder:
            temporary = Path(folder) / path.name
            yield temporary
            with path.open("ab") as stream:
                stream.write(temporary.read_bytes())
    except OSError as cause:
        raise _not_written(path, cause) from cause


def _resolved(path: Path) -> Path:
    try:
        return path.resolve() if path.is_symlink() else path
    except (OSError, RuntimeError, ValueError) as cause:  # a circle of links
        raise _not_written(path, cause) from cause


def _target(path: Path) -> Path:
    """Return the file that is written for a path, in a folder that there is."""
    target = _resolved(path)
    make_folder(target.parent)
    if target.is_dir():
        raise OutputError(f"cannot write {str(path)!r}: it is a folder")
    return target


def _take_over(old: Path, new: Path) -> None:
    """Give a new file the mode and the owner of the old one; without an old one, what the umask says."""
    try:
        before = old.stat()
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        new.chmod(0o666 & ~umask)
        return
    with contextlib.suppress(PermissionError, AttributeError):  # only root gives files away; Windows has no owners
        os.chown(new, before.st_uid, before.st_gid)
    new.chmod(stat.S_IMODE(before.st_mode))


STALE_AFTER_S = 86_400.0
"""A temporary file this old belongs to no writer any more, whichever machine it was on."""


def _host() -> str:
    return re.sub(r"\W", "", platform.node())[:20]


def _prefix(path: Path) -> str:
    return f".{path.stem[:60]}-{_host()}-{os.getpid()}-"


def _remove_stale(path: Path) -> None:
    """Remove temporary files and folders for ``path`` whose writer is dead."""
    pattern = re.compile(rf"\.{re.escape(path.stem[:60])}-(?P<host>\w*)-(?P<pid>\d+)-\w+{re.escape(path.suffix[:100])}")
    with contextlib.suppress(OSError):
        for entry in os.scandir(path.parent):
            match = pattern.fullmatch(entry.name)
            if not match:
                continue
            with contextlib.suppress(OSError):
                old = time.time() - entry.stat().st_mtime > STALE_AFTER_S
                if old or (match["host"] == _host() and not _alive(int(match["pid"]))):
                    _remove(Path(entry.path))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _alive(process: int) -> bool:
    if os.name == "nt":  # where a signal of 0 would not ask but interrupt
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


POLL_S = 0.005


@contextmanager
def locked(folder: Path, purpose: str, wait_s: float = 0.0) -> Iterator[None]:
    """Hold a folder for oneself while the block runs; the lock goes with the process, whatever ends it.

    Args:
        folder: made when it is missing.
        purpose: what is done to it, for the message.
        wait_s: so long it waits for another process, in seconds.

    Raises:
        OutputError: another process holds it, or it cannot be opened.
    """
    make_folder(folder)
    if fcntl is None:  # Windows: no two processes can open the files that are being replaced anyway
        yield
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as cause:
        raise _not_written(folder, cause) from cause
    try:
        end = time.monotonic() + wait_s
        while not _flocked(descriptor):
            if time.monotonic() >= end:
                raise OutputError(f"another process is {purpose} {str(folder)!r}: wait for it or use another")
            time.sleep(POLL_S)
        yield
    finally:
        os.close(descriptor)


def _flocked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are missing.

    Raises:
        OutputError: it cannot be made, or a file is in the way.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise OutputError(f"cannot write {str(path)!r}: it is a file, and a folder is needed") from None
    except (OSError, ValueError) as cause:
        raise _not_written(path, cause) from cause


def _not_written(path: Path, cause: Exception) -> OutputError:
    return OutputError(f"cannot write {str(path)!r}: {getattr(cause, 'strerror', None) or cause}")


def check_writable(path: Path) -> None:
    """Find out before long work whether its result can be written to ``path``.

    Raises:
        OutputError: it cannot.
    """
    import tempfile

    if is_stream(path):
        if not os.access(path, os.W_OK):
            raise OutputError(f"cannot write {str(path)!r}: no permission")
        return
    target = _target(path)
    try:
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except OSError as cause:
        raise _not_written(path, cause) from cause


def write_file(path: str | os.PathLike[str], data: bytes) -> None:
    """Write ``data`` to ``path`` atomically, making the folder when it is missing."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)
