"""The kinds of files that hold tables of pictures, one row each: how they are cut into parts, and read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from digitrec_edge.errors import DataError
from digitrec_edge.farm.columns import PIXELS
from digitrec_edge.farm.parts import InputPart, cut
from digitrec_edge.farm.reader import BATCH, Reader
from digitrec_edge.quantization import SIDE

ENCODED_BATCH = 16
"""Picture files in memory at a time; each may have 48 MB."""

BUFFER_BYTES = 1 << 20
"""Of a column of Parquet that are in memory at a time, so that a group of rows may have any size."""

ENCODED_PER_PART, LISTS_PER_PART, BYTES_PER_PART = 1024, 1 << 18, 1 << 17
"""Pictures: seconds of work each."""

WHOLE_GROUP = 1 << 20
"""Rows of pixels; a group of up to so many is never cut. Its rows can only be skipped by decoding, which costs half of
what reading the digits costs, and more than that where they are lists; pyarrow writes groups of this size."""

DAMAGED = (pa.ArrowException, OSError, ValueError, TypeError, SyntaxError, EOFError, MemoryError, OverflowError)
"""What pyarrow and numpy raise for damaged files."""


@dataclass(frozen=True)
class TableKind:
    """A kind of files.

    Attributes:
        suffix: of their names.
        cut: gives the ends of the parts of a file, and the schema of its rows.
        batches: yields the rows of a part of a file, in bounded batches.
    """

    name: str
    suffix: str
    cut: Callable[[Path, Reader], tuple[list[tuple[int, int]], pa.Schema]]
    batches: Callable[[Path, Reader, InputPart], Iterator[pa.RecordBatch]]


def damaged(path: Path, cause: BaseException) -> DataError:
    """Return what is said of a file that cannot be read."""
    return DataError(f"{path} cannot be read: {' '.join(str(cause).split())[:200] or type(cause).__name__}")


def _cut_parquet(path: Path, reader: Reader) -> tuple[list[tuple[int, int]], pa.Schema]:
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        sizes = [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)]
    if min(sizes, default=0) < 0:
        raise DataError(f"{path} cannot be read: it has a group of {min(sizes)} rows")
    column, _ = reader.check(schema)
    if column.encoded:
        return cut(sizes, ENCODED_PER_PART), schema
    return cut(sizes, LISTS_PER_PART if column.sizes else BYTES_PER_PART, WHOLE_GROUP), schema


def _parquet_batches(path: Path, reader: Reader, part: InputPart) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER_BYTES) as file:
        column, _ = reader.check(file.schema_arrow)
        ends = np.cumsum([0, *(file.metadata.row_group(k).num_rows for k in range(file.num_row_groups))]).tolist()
        groups = [k for k in range(file.num_row_groups) if ends[k] < part.stop and ends[k + 1] > part.start]
        place = ends[groups[0]] if groups else 0
        wanted = list(dict.fromkeys([column.name, *reader.keep]))
        size = ENCODED_BATCH if column.encoded else BATCH
        for batch in file.iter_batches(size, row_groups=groups, columns=wanted, use_threads=False):
            first, last = max(part.start - place, 0), min(part.stop - place, len(batch))
            if first < last:
                yield batch.slice(first, last - first)
            place += len(batch)
            if place >= part.stop:
                return


_SHAPES = ((SIDE, SIDE), (PIXELS,))
_NUMPY_SCHEMA = pa.schema([("image", pa.binary(PIXELS))])


def _open_numpy(path: Path) -> NDArray[np.uint8]:
    """Map an array of pictures into memory."""
    images: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")  # type: ignore[no-untyped-call]
    if images.dtype != np.uint8 or images.shape[1:] not in _SHAPES:
        what = f"{images.dtype} of shape {images.shape}"
        raise DataError(f"{path} is {what}; uint8 of shape (N, {SIDE}, {SIDE}) or (N, {PIXELS}) is read")
    return images


def _cut_numpy(path: Path, reader: Reader) -> tuple[list[tuple[int, int]], pa.Schema]:
    reader.check(_NUMPY_SCHEMA)
    return cut([len(_open_numpy(path))], BYTES_PER_PART), _NUMPY_SCHEMA


def _numpy_batches(path: Path, reader: Reader, part: InputPart) -> Iterator[pa.RecordBatch]:
    images = _open_numpy(path)
    for start in range(part.start, min(part.stop, len(images)), BATCH):
        rows = np.ascontiguousarray(images[start : min(start + BATCH, part.stop)])
        values = pa.FixedSizeBinaryArray.from_buffers(pa.binary(PIXELS), len(rows), [None, pa.py_buffer(rows)])
        yield pa.RecordBatch.from_arrays([values], schema=_NUMPY_SCHEMA)


KINDS = (
    TableKind("parquet", ".parquet", _cut_parquet, _parquet_batches),
    TableKind("numpy", ".npy", _cut_numpy, _numpy_batches),
)


def by_name(name: str) -> TableKind:
    """Return the row of this name."""
    return next(kind for kind in KINDS if kind.name == name)
