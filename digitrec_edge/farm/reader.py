"""The function that reads: a table of pictures in, a table of answers out, wherever it is called."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path

import pyarrow as pa

from digitrec_edge.errors import DataError, PictureError
from digitrec_edge.farm.answers import LOCATION, SCHEMA, answer_pictures, answer_pixels
from digitrec_edge.farm.columns import PictureColumn, files_of, find_column, pixels_of
from digitrec_edge.preprocess.reading import Picture, open_picture, read
from digitrec_edge.recognition import How
from runtimes import Model
from runtimes.origin import Origin

BATCH = 8192
"""Pictures of 28 x 28 pixels that a model is given at a time: 6 MB."""


@dataclass(frozen=True)
class Reader:
    """Reads the digit on each picture of a table; it can be pickled, and loads the model once in each process.

    Attributes:
        origin: of the model that reads: ``load(path).origin``.
        how: pictures are read; one digit on each.
        column: that holds the pictures; None is the only one whose type may.
        keep: columns that are passed through, before the answers.
    """

    origin: Origin
    how: How = field(default_factory=How)
    column: str | None = None
    keep: tuple[str, ...] = ()

    def __call__(self, pictures: pa.Table | pa.RecordBatch) -> pa.Table:
        """Return a row for each picture, in their order: the columns that are kept, and those of ``answers.SCHEMA``.

        Raises:
            DataError: no column of pictures, or none of a name in ``keep``.
            ArtifactError, RuntimeUnavailableError: the model cannot be loaded here.
            InferenceError: the model cannot be run.
        """
        column, schema = self.check(pictures.schema)
        batches = pictures.to_batches(max_chunksize=BATCH) if isinstance(pictures, pa.Table) else [pictures]
        made = [self._answer(batch, column, schema) for batch in batches]
        return pa.Table.from_batches(made, schema)

    def check(self, given: pa.Schema) -> tuple[PictureColumn, pa.Schema]:
        """Return the column of pictures and the schema of the answers to tables of this one.

        Raises:
            DataError: see :meth:`__call__`.
        """
        for name in self.keep:
            if given.names.count(name) != 1:
                raise DataError(f"no single column is called {name!r}; there are {', '.join(given.names)[:500]}")
            if name in [*LOCATION.names, *SCHEMA.names]:
                raise DataError(f"column {name!r} cannot be kept: an answer has one of that name")
        kept = [given.field(name) for name in self.keep]
        return find_column(given, self.column), pa.schema([*kept, *SCHEMA])

    def read_files(self, paths: Sequence[Path]) -> pa.Table:
        """Return a row of answers for each picture file."""
        answers = answer_pictures(self._model, self.how, [(str(path), partial(read, path)) for path in paths])
        return pa.Table.from_arrays(answers.columns(self._model.labels, self.how), schema=SCHEMA)

    @property
    def _model(self) -> Model:
        return _loaded(self.origin, os.getpid())

    def _answer(self, batch: pa.RecordBatch, column: PictureColumn, schema: pa.Schema) -> pa.RecordBatch:
        values = batch.column(column.name)
        if column.encoded:
            answers = answer_pictures(self._model, self.how, _decoders(values))
        else:
            answers = answer_pixels(self._model, *pixels_of(values, column), len(values))
        kept = [batch.column(name) for name in self.keep]
        return pa.RecordBatch.from_arrays([*kept, *answers.columns(self._model.labels, self.how)], schema=schema)


@lru_cache(maxsize=2)
def _loaded(origin: Origin, process: int) -> Model:
    """Load a model once per process; a fork may inherit one that it cannot use."""
    return origin.load()


def _decoders(values: pa.Array) -> "Iterator[tuple[str, partial[Picture]]]":
    for name, content in files_of(values):
        yield name, partial(_decode, content, name)


def _decode(content: bytes | None, name: str) -> Picture:
    if content is None:
        raise PictureError(f"{name} is null: its bytes are not in the table")
    return open_picture(content, name)
