"""TFLite's standard metadata: read back field by field as the usual tools read it, and labels for any unzip tool."""

import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import flatbuffers.table
import numpy as np
import pytest

from digitrec_edge.formats import CARD_FILE, LABELS_FILE, SAMPLE_FILE
from digitrec_edge.labels import DIGITS

NAMES = (
    "float32", "float16", "int8-dynamic", "int8", "int16x8", "int4", "float32-tflite-runtime",
    "int8-dynamic-tflite-runtime",
)  # fmt: skip
NORMALIZATION, FEATURE, TENSOR_AXIS_LABELS = 1, 1, 2
"""ProcessUnitOptions, ContentProperties and AssociatedFileType of metadata_schema.fbs."""


class Reader:
    """A table of a flatbuffer, through the flatbuffers package itself."""

    def __init__(self, data: bytes, position: int) -> None:
        self.table = flatbuffers.table.Table(data, position)

    @classmethod
    def root(cls, data: bytes) -> "Reader":
        return cls(data, flatbuffers.encode.Get(flatbuffers.packer.uoffset, data, 0))

    def _offset(self, slot: int) -> int:
        return int(self.table.Offset(4 + 2 * slot))

    def number(self, slot: int, kind: str) -> int:
        flags = getattr(flatbuffers.number_types, f"{kind}Flags")
        offset = self._offset(slot)
        return int(self.table.Get(flags, self.table.Pos + offset)) if offset else 0

    def text(self, slot: int) -> str:
        offset = self._offset(slot)
        return self.table.String(self.table.Pos + offset).decode() if offset else ""

    def inner(self, slot: int) -> "Reader":
        offset = self._offset(slot)
        assert offset, f"no table in slot {slot}"
        return Reader(self.table.Bytes, self.table.Indirect(self.table.Pos + offset))

    def inners(self, slot: int) -> "list[Reader]":
        offset = self._offset(slot)
        if not offset:
            return []
        start = self.table.Vector(offset)
        count = self.table.VectorLen(offset)
        return [Reader(self.table.Bytes, self.table.Indirect(start + 4 * k)) for k in range(count)]

    def numbers(self, slot: int, kind: str) -> list[float]:
        offset = self._offset(slot)
        flags = getattr(flatbuffers.number_types, f"{kind}Flags")
        return self.table.GetVectorAsNumpy(flags, offset).tolist() if offset else []


@pytest.fixture(params=NAMES)
def path(request: pytest.FixtureRequest, artifacts: Path, old_artifacts: Path) -> Path:
    folder = old_artifacts if request.param.endswith("tflite-runtime") else artifacts
    return folder / f"digitrec-{request.param}.tflite"


@pytest.fixture
def metadata(path: Path) -> Reader:
    """The metadata of a file, found as the usual tools find it: by its name in the model's list."""
    return Reader.root(metadata_bytes(path))


def metadata_bytes(path: Path) -> bytes:
    model = Reader.root(path.read_bytes())
    (entry,) = [entry for entry in model.inners(6) if entry.text(0) == "TFLITE_METADATA"]
    return bytes(np.array(model.inners(4)[entry.number(1, "Uint32")].numbers(0, "Uint8"), np.uint8))


def only(readers: "list[Reader]") -> Reader:
    (reader,) = readers
    return reader


def test_it_has_the_identifier_of_the_metadata_schema(path: Path) -> None:
    assert metadata_bytes(path)[4:8] == b"M001"


def test_the_model_is_described(metadata: Reader) -> None:
    texts: list[Any] = [metadata.text(slot) for slot in (0, 1, 4, 5, 7)]
    assert texts == ["digitrec", "Reads a hand-written digit.", "digitrec_edge", "MIT", "1.0.0"]


def test_the_input_is_a_grey_picture_scaled_by_255(metadata: Reader) -> None:
    image = only(only(metadata.inners(3)).inners(2))
    assert image.text(0) == "image"
    assert "0 is background, 255 is foreground" in image.text(1)
    assert image.inner(3).number(0, "Uint8") == FEATURE, "an image needs a dimension of channels, the task library says"
    unit = only(image.inners(4))
    assert unit.number(0, "Uint8") == NORMALIZATION
    assert (unit.inner(1).numbers(0, "Float32"), unit.inner(1).numbers(1, "Float32")) == ([0.0], [255.0])
    stats = image.inner(5)
    assert (stats.numbers(0, "Float32"), stats.numbers(1, "Float32")) == ([1.0], [0.0])


def test_the_output_is_ten_logits_with_labels_in_an_associated_file(metadata: Reader) -> None:
    logits = only(only(metadata.inners(3)).inners(3))
    assert logits.text(0) == "logits"
    assert logits.inner(3).number(0, "Uint8") == FEATURE
    labels = only(logits.inners(6))
    assert labels.text(0) == LABELS_FILE
    assert labels.number(2, "Int8") == TENSOR_AXIS_LABELS


def test_the_associated_file_is_in_the_zip_behind_the_model(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [LABELS_FILE, CARD_FILE, SAMPLE_FILE]
        assert archive.read(LABELS_FILE).decode().split() == list(DIGITS)
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


@pytest.mark.skipif(shutil.which("unzip") is None, reason="there is no unzip here")
def test_unzip_lists_and_prints_the_labels(artifacts: Path) -> None:
    path = artifacts / "digitrec-int8.tflite"
    listed = subprocess.run(["unzip", "-l", str(path)], capture_output=True, text=True, timeout=30)
    assert LABELS_FILE in listed.stdout
    printed = subprocess.run(["unzip", "-p", str(path), LABELS_FILE], capture_output=True, text=True, timeout=30)
    assert printed.stdout.split() == list(DIGITS)
