"""The token: made once, kept where only its owner reads it, and shown as a link and a QR code."""

import contextlib
import io
import os
import re
import secrets
import socket
import stat
from pathlib import Path

from digitrec_edge.errors import OutputError, ServiceError
from digitrec_edge.files import make_folder, read_file

BYTES = 32
FILE = "~/.config/digitrec-edge/serve-token"
_WELL_FORMED = re.compile(r"[A-Za-z0-9_-]{22,256}")
"""22 letters of 64 kinds are 132 bits."""

_LIMIT_BYTES = 4096
_ELSEWHERE = ("192.0.2.1", 9)
"""An address for documentation (RFC 5737): nothing is sent there, but the way there starts at an address of ours."""


def default_file() -> Path:
    """Return where the token is kept unless another file is named."""
    return Path(os.path.expanduser(FILE))  # noqa: PTH111  where there is no home, it stays as it is


def read_token(path: Path) -> str:
    """Return the token of a file; one that is missing is made, readable for its owner alone.

    Raises:
        ServiceError: others may read it, or it holds no token of 128 bits or more.
        OutputError: it cannot be made.
    """
    if not os.path.lexists(path):
        _make(path)
    text = read_file(path, limit_bytes=_LIMIT_BYTES, error=ServiceError).decode("ascii", "replace").strip()
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise ServiceError(f"{path} may be read by others (mode {mode:04o}): chmod 600 {path}")
    if not _WELL_FORMED.fullmatch(text):
        raise ServiceError(f"{path} holds no token: 22 or more of A-Z a-z 0-9 _ - in one line; delete it for a new one")
    return text


def _make(path: Path) -> None:
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(secrets.token_urlsafe(BYTES) + "\n")
            stream.flush()
            os.fsync(descriptor)
        temporary.rename(path)
    except OSError as cause:
        temporary.unlink(missing_ok=True)
        raise OutputError(f"cannot write {str(path)!r}: {cause.strerror}") from cause


def addresses() -> list[str]:
    """Return the addresses by which others of the network may reach this machine, the likeliest first."""
    found: list[str] = []
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(_ELSEWHERE)  # fails where there is no network
        found.append(probe.getsockname()[0])
    with contextlib.suppress(OSError):
        found += [str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    return [one for one in dict.fromkeys(found) if not one.startswith("127.")]


def qr_code(link: str) -> str:
    """Draw a link in half blocks, for a terminal of any colours."""
    import segno

    stream = io.StringIO()
    segno.make(link, error="l", micro=False).terminal(stream, compact=True)
    return stream.getvalue()
