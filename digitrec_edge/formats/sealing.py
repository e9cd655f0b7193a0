"""The seal: the last bytes of an artifact, the hash of all before them."""

from digitrec_edge.files import sha256
from digitrec_edge.formats import SEAL_BYTES


def sealed(data: bytes) -> bytes:
    """Return ``data``, whose end is room for the seal, with its seal."""
    body = data[:-SEAL_BYTES]
    return body + _seal(body)


def is_sealed(data: bytes) -> bool:
    """Whether a file ends with the hash of all that stands before."""
    return data[-SEAL_BYTES:] == _seal(memoryview(data)[:-SEAL_BYTES])


def _seal(body: bytes | memoryview) -> bytes:
    return f"sha256:{sha256(body)}".encode()
