"""Raw samples as text: nanoseconds as little-endian integers, deflated, in base64; one string per round."""

import base64
import binascii
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.errors import BenchmarkError

_LIMIT_BYTES = 256 << 20


def pack(samples: NDArray[Any]) -> str:
    """Turn ``(N,)`` nanoseconds, 0 to 2**63 - 1, into text."""
    return base64.b64encode(zlib.compress(samples.astype("<u8").tobytes(), 1)).decode()


def unpack(text: str) -> NDArray[np.int64]:
    """Turn the text back into ``(N,) int64`` nanoseconds.

    Raises:
        BenchmarkError: the text was not made by :func:`pack`.
    """
    try:
        stream = zlib.decompressobj()
        data = stream.decompress(base64.b64decode(text, validate=True), _LIMIT_BYTES)
        if not stream.eof:
            raise ValueError("cut off, or too many")
        return np.frombuffer(data, "<u8").astype(np.int64)
    except (binascii.Error, zlib.error, ValueError) as cause:
        raise BenchmarkError(f"raw samples cannot be read: {cause}; measure again") from cause
