"""The model file formats: one file each, and this table.

A format module offers four functions::

    recognise(data) -> bool            by content, never by name
    describe(payload) -> Graph         tensors and operators, read without any runtime and checked:
                                       a runtime may believe all that it reads in such a payload
    split(data) -> payload, files      the model as converted, and the files that travel with it
    attach(payload, files) -> data     the other way; the last bytes are room for the seal
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Protocol, cast

from digitrec_edge.errors import ArtifactError
from digitrec_edge.formats.graph import Graph
from digitrec_edge.frozen import Frozen


class FormatModule(Protocol):
    """What every format module offers."""

    def recognise(self, data: bytes) -> bool: ...
    def describe(self, payload: bytes) -> Graph: ...
    def split(self, data: bytes) -> tuple[bytes, dict[str, bytes]]: ...
    def attach(self, payload: bytes, files: Mapping[str, bytes]) -> bytes: ...


class Format(Frozen):
    """A row of the table.

    Attributes:
        suffix: that the names of its files end in.
        module: with the functions above.
        envelope_of: the format whose artifacts its files hold, and whose models a runtime is given; empty for a model's
            own format. The card in it says that one.
        measured: whether a benchmark of a folder measures its files; not what is compiled for somewhere else, or holds
            an artifact that is measured as such.
    """

    name: str
    suffix: str
    module: str
    envelope_of: str = ""
    measured: bool = True

    @property
    def model(self) -> str:
        """The format of the model."""
        return self.envelope_of or self.name

    def load(self) -> FormatModule:
        """Import the functions of this format."""
        return cast(FormatModule, import_module(self.module))


FORMATS = (
    Format("tflite", ".tflite", "digitrec_edge.formats.tflite"),
    Format("ort", ".ort", "digitrec_edge.formats.ort"),
    Format("c", "-c.zip", "digitrec_edge.dense.c_archive", measured=False),
    Format("java", "-java.zip", "digitrec_edge.dense.java_archive", measured=False),
    Format("html", ".html", "digitrec_edge.formats.html", envelope_of="tflite", measured=False),
    Format("onnx", ".onnx", "digitrec_edge.formats.onnx"),
)
"""Those with a magic number first: ONNX has none."""

SEAL_BYTES = len("sha256:") + 64
"""Every artifact ends with ``sha256:`` and 64 hexadecimal digits: the hash of all bytes before."""

CARD_FILE = "digitrec_edge.card.json"
SAMPLE_FILE = "digitrec_edge.sample.npz"
LABELS_FILE = "labels.txt"

MARK = b"digitrec_edge"
"""Stands in every artifact several times; a file that holds it without a valid seal is damaged."""


def sealed(data: bytes) -> bytes:
    """Return a file, whose end is room for the seal, with its seal."""
    body = data[:-SEAL_BYTES]
    return body + _seal(body)


def is_sealed(data: bytes) -> bool:
    """Whether a file ends with the hash of all that stands before."""
    return data[-SEAL_BYTES:] == _seal(memoryview(data)[:-SEAL_BYTES])


def _seal(body: bytes | memoryview) -> bytes:
    from digitrec_edge.files import sha256  # not needed for the table

    return f"sha256:{sha256(body)}".encode()


def recognise(data: bytes) -> Format | None:
    """Return the format of a file by its content, or None."""
    return next((row for row in FORMATS if row.load().recognise(data)), None)


def of_file_name(name: str) -> Format | None:
    """Return the format that a file has by its name, or None; what is in it may be another."""
    return next((row for row in FORMATS if name.endswith(row.suffix)), None)


def by_name(name: str) -> Format:
    """Return the format called ``name``.

    Raises:
        ArtifactError: this version does not know it.
    """
    for row in FORMATS:
        if row.name == name:
            return row
    raise ArtifactError(
        f"format {name!r} is not known to this digitrec-edge (it knows {', '.join(row.name for row in FORMATS)}): "
        "update digitrec-edge"
    )
