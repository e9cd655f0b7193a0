"""Arrays from a .npz file that may be anything, every way in which it can be wrong one kind of error; and into one."""

import io
import lzma
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DATE = (1980, 1, 1, 0, 0, 0)
_WRONG = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, ValueError, TypeError, KeyError, EOFError, OSError, SyntaxError,
    RuntimeError,  # encrypted, or packed in a way that zipfile does not know
    MemoryError,  # a header that promises more than any machine holds
)  # fmt: skip


class MissingArrayError(ValueError):
    """A good .npz file without an array that is needed; the message names it and those that are there."""


def read_arrays(data: bytes, names: Sequence[str]) -> list[NDArray[Any]]:
    """Read the named arrays of a .npz file; pickled objects are never loaded.

    Raises:
        MissingArrayError: an array is not in the file.
        ValueError: truncated, damaged, or no .npz file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            present = [name.removesuffix(".npy") for name in archive.namelist()]
            absent = [name for name in names if name not in present]
            if absent:
                raise MissingArrayError(f"lacks {' and '.join(absent)}; it has {', '.join(present) or 'nothing'}")
            return [np.load(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False) for name in names]
    except MissingArrayError:
        raise
    except _WRONG as cause:
        raise ValueError(" ".join(str(cause).split())[:200] or type(cause).__name__) from cause


def write_arrays(arrays: Mapping[str, Any], *, level: int | None = None) -> bytes:
    """Return a .npz file, the same bytes for the same arrays: no date, no pickled object.

    Args:
        arrays: by name; texts become arrays of one.
        level: of deflate, 0 to 9; None is zlib's own.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, array in arrays.items():
            entry = io.BytesIO()
            np.save(entry, np.asarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _DATE), entry.getvalue(), zipfile.ZIP_DEFLATED, level)
    return stream.getvalue()
