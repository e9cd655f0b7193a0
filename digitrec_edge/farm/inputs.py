"""What there is to read: files of tables, or pictures, cut into parts."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from digitrec_edge.errors import DataError
from digitrec_edge.farm.answers import SCHEMA
from digitrec_edge.farm.kinds import DAMAGED, ENCODED_BATCH, ENCODED_PER_PART, KINDS, TableKind, by_name, damaged
from digitrec_edge.farm.parts import LIMIT, InputPart, cut
from digitrec_edge.farm.reader import Reader

PICTURES = "pictures"
"""The kind of an input of picture files; those of tables are the names in ``KINDS``."""


@dataclass(frozen=True)
class Input:
    """What there is to read.

    Attributes:
        kind: of the files.
        root: absolute folder that they are in, or below.
        schema: of the answers.
        fingerprint: changes when a file is changed, added or taken away, or the parts are cut in another way.
    """

    kind: str
    root: Path
    parts: tuple[InputPart, ...]
    schema: pa.Schema
    fingerprint: str

    @property
    def pictures(self) -> int:
        """How many there are."""
        return sum(part.pictures for part in self.parts)


def find_tables(path: Path) -> tuple[TableKind, list[Path]] | None:
    """Return the files of tables that a path names, or that lie in or below it; None when there are none.

    Hidden files and folders, and those that start with ``_``, are passed over.

    Raises:
        DataError: files of more than one kind.
    """
    if not path.is_dir():
        return next(((kind, [path]) for kind in KINDS if path.suffix.lower() == kind.suffix), None)
    found = [(kind, files) for kind in KINDS if (files := _below(path, kind.suffix))]
    if len(found) > 1:
        raise DataError(f"{path} holds {' and '.join(kind.suffix for kind, _ in found)} files: name those of one kind")
    return found[0] if found else None


def _below(folder: Path, suffix: str) -> list[Path]:
    files = (path for path in folder.rglob(f"*{suffix}") if path.is_file())
    return sorted(file for file in files if not any(name[0] in "._" for name in file.relative_to(folder).parts))


def plan_tables(path: Path, kind: TableKind, files: Sequence[Path], reader: Reader) -> Input:
    """Cut files of tables into parts.

    Args:
        path: the folder that they are in or below, or the only file.
        kind: of the files.
        files: at least one.
        reader: that will read them; each file must have the columns that it needs, of the types that the first has.

    Raises:
        DataError: a file that cannot be read, or has other columns.
    """
    folder = path if path.is_dir() else path.parent
    parts: list[InputPart] = []
    schema: pa.Schema | None = None
    for file in files:
        ends, answers = _cut(kind, file, reader)
        schema = schema or answers
        if answers != schema:
            raise DataError(f"{file} has columns of other types than {files[0]}: name files of one kind")
        if len(parts) + len(ends) > LIMIT:
            raise DataError(f"{path} has more than {LIMIT:,} parts: name fewer files")
        source = file.relative_to(folder).as_posix()
        parts += [InputPart(len(parts) + k, source, *rows) for k, rows in enumerate(ends)]
    assert schema
    return Input(kind.name, _absolute(folder), tuple(parts), schema, _fingerprint(files, parts))


def _cut(kind: TableKind, file: Path, reader: Reader) -> tuple[list[tuple[int, int]], pa.Schema]:
    try:
        ends, given = kind.cut(file, reader)
        return ends, reader.check(given)[1]
    except DataError as error:
        text = str(error)
        raise DataError(text if text.startswith(str(file)) else f"{file}: {text}") from None
    except DAMAGED as cause:
        raise damaged(file, cause) from cause


def plan_pictures(path: Path, files: Sequence[Path], reader: Reader) -> Input:
    """Cut picture files into parts; see :func:`plan_tables`."""
    if reader.column or reader.keep:
        raise DataError(f"{path} holds picture files, which have no columns")
    folder = path if path.is_dir() else path.parent
    names = [file.relative_to(folder).as_posix() for file in files]
    ends = cut([len(names)], ENCODED_PER_PART)
    parts = [InputPart(k, "", start, stop, tuple(names[start:stop])) for k, (start, stop) in enumerate(ends)]
    return Input(PICTURES, _absolute(folder), tuple(parts), SCHEMA, _fingerprint(files, parts))


def _absolute(folder: Path) -> Path:
    return Path(os.path.abspath(folder))  # noqa: PTH100  links stay as they are


def _fingerprint(files: Sequence[Path], parts: Sequence[InputPart]) -> str:
    digest = hashlib.sha256()
    for file in files:
        try:
            status = file.stat()
        except OSError as cause:
            raise DataError(f"cannot read {file}: {cause.strerror}") from None
        digest.update(f"{status.st_size} {status.st_mtime_ns}\n".encode())
    for part in parts:
        digest.update(f"{part!r}\n".encode())
    return digest.hexdigest()


def read_part(reader: Reader, kind: str, root: Path, part: InputPart) -> Iterator[pa.Table]:
    """Read a part in batches; yields the answers in the order of the pictures.

    Raises:
        DataError: the file cannot be read, or has fewer rows than when it was cut.
    """
    if kind == PICTURES:
        for start in range(0, len(part.files), ENCODED_BATCH):
            yield reader.read_files([root / name for name in part.files[start : start + ENCODED_BATCH]])
        return
    path, count = root / part.source, 0
    for batch in _whole(by_name(kind).batches(path, reader, part), path):
        yield reader(batch)
        count += len(batch)
    if count != part.pictures:
        raise DataError(f"{path} has fewer rows than it had: {count:,} of {part.pictures:,} from {part.start:,} on")


def _whole(batches: Iterator[pa.RecordBatch], path: Path) -> Iterator[pa.RecordBatch]:
    while True:
        try:
            batch = next(batches, None)
        except DAMAGED as cause:
            raise damaged(path, cause) from cause
        if batch is None:
            return
        yield batch
