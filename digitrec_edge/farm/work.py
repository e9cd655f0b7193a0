"""The work on one part: read its pictures, write its answers; in whatever process it is called."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from digitrec_edge.farm.answers import LOCATION
from digitrec_edge.farm.inputs import Input, read_part
from digitrec_edge.farm.output import Manifest, Tally, write_part
from digitrec_edge.farm.parts import InputPart
from digitrec_edge.farm.reader import Reader
from digitrec_edge.files import readable


@dataclass(frozen=True)
class Work:
    """What is done with each part; done twice, it leaves the same file.

    Attributes:
        reader: that reads.
        kind, root: of the input.
        output: absolute folder of the answers.
        identity: of the manifest there.
        schema: of the answers.
    """

    reader: Reader
    kind: str
    root: Path
    output: Path
    identity: str
    schema: pa.Schema

    @classmethod
    def of(cls, given: Input, reader: Reader, output: Path, manifest: Manifest) -> "Work":
        """Return the work on the parts of an input."""
        schema = pa.schema([*LOCATION, *given.schema])
        return cls(reader, given.kind, given.root, output.absolute(), manifest.identity, schema)

    def __call__(self, part: InputPart) -> Tally:
        """Read a part and write its answers.

        Raises:
            DataError: the part cannot be read.
            OutputError: its answers cannot be written.
            DigitrecError: the model cannot be loaded or run.
        """
        return write_part(self.output, part, self.identity, self.schema, self._answers(part))

    def _answers(self, part: InputPart) -> Iterator[pa.Table]:
        done = 0
        for table in read_part(self.reader, self.kind, self.root, part):
            if part.files:
                names = map(readable, part.files[done : done + len(table)])
                files, rows = pa.array(names, pa.string()), np.zeros(len(table), np.int64)
            else:
                files, rows = pa.repeat(readable(part.source), len(table)), np.arange(len(table)) + part.start + done
            done += len(table)
            yield pa.Table.from_arrays([files, pa.array(rows), *table.columns], schema=self.schema)
