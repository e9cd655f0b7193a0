"""The column of a table that holds the pictures: found by its type, and taken apart."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from digitrec_edge.errors import DataError
from digitrec_edge.quantization import SIDE

PIXELS = SIDE * SIDE
TAKEN = (
    "encoded pictures (binary, or a struct with bytes), and 28 x 28 pixels of uint8 (binary of 784 bytes each, "
    "a list of 784, or 28 lists of 28)"
)


@dataclass(frozen=True)
class PictureColumn:
    """The column that holds the pictures.

    Attributes:
        encoded: whether each is a picture file's bytes; else it is 28 x 28 pixels.
        sizes: of the lists in lists that the pixels are; empty where they are bytes.
    """

    name: str
    encoded: bool
    sizes: tuple[int, ...] = ()


def find_column(schema: pa.Schema, asked: str | None) -> PictureColumn:
    """Return the column of pictures: the one that is asked for, or the only one of such a type.

    Raises:
        DataError: there is none, or more than one, or the one that is asked for holds something else.
    """
    if asked is not None and schema.names.count(asked) != 1:
        raise DataError(f"no single column is called {asked!r}; there are {_listed(schema.names)}")
    fields = [field for field in schema if asked in (None, field.name)]
    found = [column for column in map(_column, fields) if column]
    if len(found) == 1:
        return found[0]
    if asked is not None:
        raise DataError(f"column {asked!r} is {fields[0].type}; {TAKEN} are read")
    if found:
        raise DataError(f"columns {_listed([column.name for column in found])} may hold pictures: name one by --column")
    types = _listed([f"{field.name} ({field.type})" for field in fields])
    raise DataError(f"no column holds pictures; {TAKEN} are read, and there are {types}")


def _listed(words: list[str]) -> str:
    return ", ".join(words[:20])[:500] or "none"


def _column(field: pa.Field) -> PictureColumn | None:
    kind = _storage(field.type)
    if pa.types.is_fixed_size_binary(kind):
        return PictureColumn(field.name, encoded=False) if kind.byte_width == PIXELS else None
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        return PictureColumn(field.name, encoded=True) if _is_binary(kind.field("bytes").type) else None
    if _is_binary(kind):
        return PictureColumn(field.name, encoded=True)
    depth = 0
    while _is_list(kind) and depth < 3:
        kind, depth = kind.value_type, depth + 1
    sizes = {1: (PIXELS,), 2: (SIDE, SIDE)}.get(depth, ())
    return PictureColumn(field.name, encoded=False, sizes=sizes) if sizes and pa.types.is_uint8(kind) else None


def _storage(kind: pa.DataType) -> pa.DataType:
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def pixels_of(values: pa.Array, column: PictureColumn) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the rows that are 28 x 28 pixels, nothing copied where all of them are.

    Returns:
        ``(M, 28, 28) uint8``, and the place ``(M,)`` of each among the rows.
    """
    values = values.storage if isinstance(values, pa.ExtensionArray) else values
    rows, width = np.arange(len(values)), 1
    for size in column.sizes:
        lengths = pc.fill_null(pc.list_value_length(values), -1).to_numpy(zero_copy_only=False)
        rows, values = _keep(rows, values, (lengths.reshape(-1, width) == size).all(axis=1), width)
        values, width = values.flatten(), width * size
    if values.null_count:
        valid = values.is_valid().to_numpy(zero_copy_only=False).reshape(-1, width).all(axis=1)
        rows, values = _keep(rows, values, valid, width)
    if column.sizes:
        flat = values.to_numpy()
    else:
        flat = np.frombuffer(values.buffers()[1] or b"", np.uint8)[values.offset * PIXELS :][: len(values) * PIXELS]
    return flat.reshape(-1, SIDE, SIDE), rows


def _keep(
    rows: NDArray[np.int64], values: pa.Array, fits: NDArray[np.bool_], width: int
) -> tuple[NDArray[np.int64], pa.Array]:
    """Drop the rows that do not fit, and their values, ``width`` for each row."""
    if fits.all():
        return rows, values
    return rows[fits], values.filter(pa.array(np.repeat(fits, width)))


def files_of(values: pa.Array) -> Iterator[tuple[str, bytes | None]]:
    """Yield what errors call each row's picture file, and its bytes; None where it has none."""
    struct = pa.types.is_struct(values.type)
    named = struct and values.type.get_field_index("path") >= 0
    contents = pc.struct_field(values, "bytes") if struct else values
    names = pc.struct_field(values, "path") if named else [None] * len(values)
    for name, content in zip(names, contents, strict=True):
        known = name.as_py() if name is not None else None
        yield str(known)[:200] if known else "the picture file", content.as_py()
