"""The folder of answers: a Parquet file for each part, written whole or not at all, and what they are answers to."""

import dataclasses
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from digitrec_edge import records
from digitrec_edge.errors import OutputError
from digitrec_edge.farm.answers import LOCATION
from digitrec_edge.farm.inputs import Input
from digitrec_edge.farm.parts import InputPart
from digitrec_edge.farm.reader import Reader
from digitrec_edge.files import check_writable, read_file, replacing, sha256, write_file
from digitrec_edge.records import Count, Share, Text

MANIFEST = "_digitrec.json"
DONE = "_SUCCESS"
"""An empty file that is there once all parts are; readers of folders pass over names that start like these."""

ANEW = "--restart reads anew"

_MARK = "digitrec"
_LIMIT_BYTES = 1 << 20
_ROWS, _BYTES = 1 << 16, 32 << 20
"""Rows, or bytes, of answers that wait in memory for becoming a group of rows."""

_OPTIONS: dict[str, Any] = {
    "use_dictionary": ["file", "digit", "label", "candidate", "error"],  # few values come again and again
    "write_statistics": LOCATION.names,
}


@dataclass(frozen=True)
class Manifest:
    """What a folder holds answers to; all of them, or those to the parts that are there already."""

    version: Literal[1]
    input: Text
    fingerprint: Text
    artifact: Text
    artifact_sha256: Text
    runtime: Text
    column: Text | None
    keep: tuple[Text, ...]
    min_confidence: Share
    accept_anything: bool
    pictures: Count
    parts: Count

    @classmethod
    def of(cls, given: Input, reader: Reader, artifact: str) -> "Manifest":
        """Return that of answers which a reader gives to an input."""
        origin, how = reader.origin, reader.how
        return cls(
            1, str(given.root), given.fingerprint, artifact, origin.sha256, origin.runtime, reader.column, reader.keep,
            how.min_confidence, how.accept_anything, given.pictures, len(given.parts),
        )  # fmt: skip

    def to_json(self) -> bytes:
        """Return it as a text to be read."""
        return json.dumps(dataclasses.asdict(self), indent=1).encode()

    @property
    def identity(self) -> str:
        """What each part carries, so that one of another manifest is told."""
        return sha256(self.to_json())


@dataclass(frozen=True)
class Tally:
    """What was read of so many pictures.

    Attributes:
        refused: could not be read.
        cpu_s: seconds of work; of several parts, of all of them.
    """

    pictures: Count = 0
    digits: Count = 0
    no_digit: Count = 0
    refused: Count = 0
    cpu_s: float = 0.0

    def __add__(self, other: "Tally") -> "Tally":
        sums = (a + b for a, b in zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True))
        return Tally(*sums)

    @classmethod
    def of(cls, answers: pa.Table) -> "Tally":
        """Count answers."""
        refused = len(answers) - answers.column("error").null_count
        digits = len(answers) - answers.column("digit").null_count
        return cls(len(answers), digits, len(answers) - refused - digits, refused)


@dataclass(frozen=True)
class _Mark:
    """What a file of answers says of itself."""

    identity: Text
    part: Count
    tally: Tally


def begin(
    folder: Path, manifest: Manifest, parts: Iterable[InputPart], *, restart: bool = False
) -> dict[InputPart, Tally]:
    """Make a folder ready for answers, and return the parts that are finished there.

    Args:
        folder: new, empty, or with answers.
        manifest: of the answers that it is to hold.
        parts: all there are.
        restart: whether the answers that it holds are thrown away.

    Raises:
        OutputError: it cannot be written, holds other files, or answers to something else.
    """
    check_writable(folder / MANIFEST)
    try:
        names = {entry.name for entry in folder.iterdir()}
    except OSError as cause:
        raise OutputError(f"cannot read {folder}: {cause.strerror}") from None
    others = [name for name in sorted(names) if name not in (MANIFEST, DONE) and not name.startswith((".", "part-"))]
    if others or (names and MANIFEST not in names and any(name.startswith("part-") for name in names)):
        what = others[0] if others else "part-..."
        raise OutputError(f"{folder} holds other files than answers ({what}): name a new or an empty folder")
    if MANIFEST in names and not restart:
        _compare(folder, manifest)
    (folder / DONE).unlink(missing_ok=True)
    if restart:
        for path in folder.glob("part-*.parquet"):
            path.unlink()
    write_file(folder / MANIFEST, manifest.to_json())
    return {part: tally for part in parts if (tally := _finished(folder / part.name, manifest, part))}


def _compare(folder: Path, manifest: Manifest) -> None:
    raw = read_file(folder / MANIFEST, limit_bytes=_LIMIT_BYTES, error=OutputError)
    try:
        found = records.parse(Manifest, records.load_json(raw), "manifest")
    except ValueError as cause:
        raise OutputError(f"{folder / MANIFEST} cannot be read ({cause}): {ANEW}") from cause
    for field in dataclasses.fields(Manifest):
        before, now = getattr(found, field.name), getattr(manifest, field.name)
        if before != now:
            what = field.name.replace("_", " ")
            values = f"{str(before)[:60]} and not {str(now)[:60]}"
            raise OutputError(f"{folder} holds answers with another {what}, {values}: name a new folder, or {ANEW}")


def _finished(path: Path, manifest: Manifest, part: InputPart) -> Tally | None:
    """Return what was read of a part, if its file is whole and of this manifest."""
    try:
        with path.open("rb") as stream:
            raw = pq.read_metadata(stream).metadata or {}
        mark = records.parse(_Mark, records.load_json(raw[_MARK.encode()]), "mark")
    except (pa.ArrowException, OSError, ValueError, LookupError):
        return None
    fits = (mark.identity, mark.part, mark.tally.pictures) == (manifest.identity, part.number, part.pictures)
    return mark.tally if fits else None


def finish(folder: Path) -> None:
    """Mark that all parts are there."""
    write_file(folder / DONE, b"")


def write_part(folder: Path, part: InputPart, identity: str, schema: pa.Schema, answers: Iterable[pa.Table]) -> Tally:
    """Write the answers to a part; its file is there when all of them are in it.

    Args:
        folder: of the answers.
        part: that is answered.
        identity: of the manifest.
        schema: of the answers.
        answers: in the order of the pictures.

    Raises:
        OutputError: it cannot be written.
    """
    start, tally = time.process_time(), Tally()
    with (
        replacing(folder / part.name) as temporary,
        temporary.open("wb") as stream,
        pq.ParquetWriter(stream, schema, **_OPTIONS) as file,
    ):
        for table in _gathered(answers):
            tally += Tally.of(table)
            file.write_table(table)
        tally = dataclasses.replace(tally, cpu_s=time.process_time() - start)
        mark = _Mark(identity, part.number, tally)
        file.add_key_value_metadata({_MARK: json.dumps(dataclasses.asdict(mark))})
    return tally


def _gathered(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Put small tables together: each becomes a group of rows."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(map(len, waiting)) >= _ROWS or sum(one.nbytes for one in waiting) >= _BYTES:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)
