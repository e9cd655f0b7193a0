"""Arrays from a .npz file that may be anything, every way in which it can be wrong one kind of error; and into one."""

import io
import math
import zipfile
from collections.abc import Mapping, Sequence
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitrec_edge import archives

LIMIT_BYTES = 224 << 20
"""Of a data set's file and what it unpacks to, together: 240,000 pictures, four times MNIST, on a computer of 1 GB."""

_LIMITS = archives.Limits(files=1_024)
_KINDS = "biufSU"
_NAMED = 8


class MissingArrayError(ValueError):
    """A good .npz file without an array that is needed; the message names it and those that are there."""


def read_arrays(data: bytes, names: Sequence[str], *, limit_bytes: int = LIMIT_BYTES) -> list[NDArray[Any]]:
    """Read the named arrays of a .npz file; pickled objects are never loaded.

    Args:
        data: the file.
        names: of the arrays that are needed; others stay packed.
        limit_bytes: of the file and these arrays together.

    Returns:
        Arrays that cannot be written to.

    Raises:
        MissingArrayError: an array is not in the file.
        ValueError: truncated, damaged, too large, or no .npz file.
    """
    try:
        with archives.opened(data, _LIMITS) as archive:
            present = [name.removesuffix(".npy") for name in archive.namelist()]
            absent = [name for name in names if f"{name}.npy" not in archive.namelist()]
            if absent:
                there = ", ".join(name[:40] for name in present[:_NAMED]) + (", ..." if len(present) > _NAMED else "")
                raise MissingArrayError(f"lacks {' and '.join(absent)}; it has {there or 'nothing'}")
            members = [f"{name}.npy" for name in names]
            found = archives.read(archive, members, limit_bytes - len(data), _LIMITS)
            return [read_array(found[member]) for member in members]
    except MissingArrayError:
        raise
    except (*archives.WRONG, TokenError) as cause:
        raise ValueError(" ".join(str(cause).split())[:200] or type(cause).__name__) from cause


def read_optional(data: bytes, name: str, default: NDArray[Any], *, limit_bytes: int = LIMIT_BYTES) -> NDArray[Any]:
    """Read one array of a .npz file as :func:`read_arrays` does; ``default`` where the file lacks it."""
    try:
        return read_arrays(data, (name,), limit_bytes=limit_bytes)[0]
    except MissingArrayError:
        return default


def read_array(data: bytes) -> NDArray[Any]:
    """Read a .npy file; its header must fit its bytes before an array is made of them, which is not a copy.

    Raises:
        ValueError: or another error of ``archives.WRONG``, or TokenError: it is damaged or holds objects.
    """
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)  # type: ignore[no-untyped-call]
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"an array has version {version[0]}.{version[1]}, 1.0 and 2.0 are read")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran_order, dtype = read(stream)  # type: ignore[no-untyped-call]
    if dtype.kind not in _KINDS:
        raise ValueError(f"an array holds {dtype}, numbers or texts are read")
    if min(shape, default=0) < 0:
        raise ValueError(f"an array has shape {shape}")
    promised_bytes, found_bytes = math.prod(shape) * dtype.itemsize, len(data) - stream.tell()
    if promised_bytes != found_bytes:
        raise ValueError(f"an array has {found_bytes:,} bytes, its header promises {str(promised_bytes)[:40]}")
    return np.frombuffer(data, dtype, offset=stream.tell()).reshape(shape, order="F" if fortran_order else "C")


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
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy", archives.DATE), entry.getvalue(), zipfile.ZIP_DEFLATED, level
            )
    return stream.getvalue()
