"""How much a model file may ask for: one budget for all formats, checked before anything is allocated.

A file is small and what it describes need not be: shapes, repeated offsets, compressed attachments and
operators whose output depends on data can all ask for any amount of memory or time. Every number here
follows from what a recogniser of 28 x 28 pictures needs; the largest network that people take to
MNIST, ResNet-18 with ten classes, is the yardstick.
"""

from typing import NoReturn

from digitrec_edge.formats.graph import MalformedError
from digitrec_edge.frozen import Frozen


class Budget(Frozen):
    """What one model file may ask for.

    Attributes:
        file_bytes: of a file on disk; ResNet-18 in float32 has 43 MiB of weights, the recogniser 1 MB.
        fields: tables (flatbuffers) or fields (protobuf) that are decoded; a quantised ResNet-18 has about 8,000.
        decoded_bytes: of names, shapes, scales and options; those of a ResNet-18 with a scale per channel are 0.2 MB.
        depth: of tables in tables; TFLite's schema needs 6.
        tensors: stored or computed; a quantised ResNet-18 has about 600.
        operators: of the graph; a quantised ResNet-18 has about 250.
        attached_files: that travel in one file; labels, card and sample are 3.
        attached_bytes: of these, unpacked, together; ours have 60 kB.
        attached_ratio: of unpacked to packed; text packs 10-fold, pictures of digits 8-fold.
        pictures: run at a time; the runtimes' sessions run batches of 256.
        arena_bytes: of activations that are alive at the same time when so many pictures are run; three maps
            of 28 x 28 x 64 float32, as ResNet-18's first stage has, are 147 MiB for 256 pictures.
        multiplications: for one picture; ResNet-18 on 28 x 28 needs 0.43 G, 0.1 to 1 s on a Raspberry Pi 4.
        values: of a small integer tensor that an operator reads a shape from.
    """

    file_bytes: int = 48 << 20
    fields: int = 50_000
    decoded_bytes: int = 4 << 20
    depth: int = 16
    tensors: int = 4_000
    operators: int = 2_000
    attached_files: int = 16
    attached_bytes: int = 4 << 20
    attached_ratio: int = 200
    pictures: int = 256
    arena_bytes: int = 192 << 20
    multiplications: int = 512 << 20
    values: int = 64


BUDGET = Budget()


def refuse(what: str, value: int, allowed: int) -> NoReturn:
    """Raise the MalformedError of everything that is over the budget."""
    raise MalformedError(f"{what}: {value:,}, at most {allowed:,} are allowed")


class Meter:
    """Counts what reading one file has decoded, so that no offset can be followed without end."""

    __slots__ = ("_bytes", "_fields")

    def __init__(self) -> None:
        self._fields = 0
        self._bytes = 0

    def count(self, fields: int = 1) -> None:
        """Count tables or fields before they are decoded."""
        self._fields += fields
        if self._fields > BUDGET.fields:
            refuse("tables or fields", self._fields, BUDGET.fields)

    def decode(self, size_bytes: int) -> None:
        """Count bytes of names, shapes and scales before they are decoded."""
        self._bytes += size_bytes
        if self._bytes > BUDGET.decoded_bytes:
            refuse("bytes of names, shapes and scales", self._bytes, BUDGET.decoded_bytes)
