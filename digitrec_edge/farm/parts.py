"""Parts: so many pictures that are read together, and whose answers are one file."""

from collections.abc import Iterable
from dataclasses import dataclass

from digitrec_edge.errors import DataError

LIMIT = 1_000_000
"""Parts; a damaged file may claim any number of rows."""


@dataclass(frozen=True)
class InputPart:
    """A part of the input.

    Attributes:
        number: from 0.
        source: file that the pictures are rows of, relative to the input's folder; empty for picture files.
        start, stop: rows of the file, or numbers of the picture files.
        files: the picture files, relative to the input's folder; empty for rows of a file.
    """

    number: int
    source: str
    start: int
    stop: int
    files: tuple[str, ...] = ()

    @property
    def pictures(self) -> int:
        """How many pictures it has."""
        return self.stop - self.start

    @property
    def name(self) -> str:
        """What the file of its answers is called."""
        return f"part-{self.number:06}.parquet"


def cut(groups: Iterable[int], rows: int, whole: int = 0) -> list[tuple[int, int]]:
    """Cut rows into parts of at most so many: groups of rows are put together up to there, and larger ones are cut.

    Args:
        groups: how many rows each has.
        rows: of a part.
        whole: groups of up to so many rows are not cut, even if a part is larger then.

    Raises:
        DataError: more than ``LIMIT`` parts.
    """
    found: list[tuple[int, int]] = []
    start, end, most = 0, 0, max(rows, whole)
    for size in groups:
        if end > start and end - start + size > rows:
            found.append((start, end))
            start = end
        end += size
        if (end - start) // most + len(found) > LIMIT:
            raise DataError(f"{end:,} rows are more than are read of one file")
        while end - start > most:
            found.append((start, start + most))
            start += most
    return [*found, (start, end)] if end > start else found
