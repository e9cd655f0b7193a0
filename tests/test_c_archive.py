"""The ZIP archive of a C library is an artifact: parted and joined byte for byte, and hostile ones refused."""

import dataclasses
import io
import json
import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from digitrec_edge import artifact, formats, mnist, pretrained
from digitrec_edge.artifact import sample
from digitrec_edge.artifact.card import Card, Requirements
from digitrec_edge.dense import c_archive
from digitrec_edge.dense.c_library import library
from digitrec_edge.dense.c_tables import TABLES_FILE, prepare, write_tables
from digitrec_edge.dense.packing import KERNELS, find_kernel
from digitrec_edge.dense.reading import network_of
from digitrec_edge.dense.rounding import ROUNDINGS, find_rounding
from digitrec_edge.dense.tflite import read_network
from digitrec_edge.errors import ArtifactError, ChangedError, DamagedError
from digitrec_edge.files import sha256
from digitrec_edge.formats import CARD_FILE, LABELS_FILE, MARK, SAMPLE_FILE
from digitrec_edge.formats.graph import MalformedError
from digitrec_edge.verification.inspection import inspect
from digitrec_edge.verification.selftest import self_test
from runtimes import load
from runtimes.table import find

DIGITS = tuple("0123456789")
IMAGES = mnist.load("test").images
FILES = {LABELS_FILE: b"0\n1\n", CARD_FILE: b"{}", SAMPLE_FILE: bytes(1000)}
needs_native = pytest.mark.skipif(not find("native").installed, reason="there are no native kernels here")


def payload_of(rounding: str = "litert", kernel: str = "portable") -> bytes:
    network = read_network(artifact.read(pretrained.DEFAULT).payload)
    tables = prepare(network, find_rounding(rounding), find_kernel(kernel), 120)
    return c_archive.pack(library(tables, DIGITS, mnist.load("train").images[:200]))


@pytest.fixture(scope="module")
def payload() -> bytes:
    return payload_of()


@pytest.fixture(scope="module")
def sealed(payload: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pretrained artifact as C, with a card and a sample of its own."""
    found = artifact.read(pretrained.DEFAULT)
    assert found.card
    graph = c_archive.describe(payload)
    card = dataclasses.replace(
        found.card, format="c", requirements=Requirements("native", dict(graph.needs), {"native": "1.0"})
    )
    path = tmp_path_factory.mktemp("c") / "digitrec-int8-c.zip"
    artifact.write(path, payload, card, found.files[SAMPLE_FILE])
    return path


def test_what_is_joined_is_parted_byte_for_byte(payload: bytes) -> None:
    for files in (FILES, {}, {"one": b"1"}):
        data = c_archive.attach(payload, files)
        assert c_archive.split(data) == (payload, files)
    again = c_archive.attach(*c_archive.split(data))
    assert again == data


def test_the_archive_is_one_that_every_tool_reads(payload: bytes) -> None:
    data = c_archive.attach(payload, FILES)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert {name.split("/")[0] for name in names} == {"digitrec"}  # Arduino takes one folder at the top, no more
        assert names[0] == "digitrec/library.properties"
        assert archive.read(f"digitrec/extras/{LABELS_FILE}") == FILES[LABELS_FILE]
        for name in names:
            assert (archive.getinfo(name).external_attr >> 16) & 0o777 == 0o644
    assert payload == payload_of()


def test_it_is_told_from_other_archives_and_other_formats(payload: bytes) -> None:
    found = formats.recognise(payload)
    assert found
    assert (found.name, found.suffix) == ("c", "-c.zip")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("readme.txt", "digitrec/library.properties")
    assert formats.recognise(stream.getvalue()) is None
    assert formats.of_file_name("digitrec-int8-c.zip") is found
    assert formats.of_file_name("photographs.zip") is None


def test_the_graph_says_what_is_computed_and_whose_rounding_it_needs() -> None:
    graph = c_archive.describe(payload_of("tflite-micro", "mve"))
    assert [operator.name for operator in graph.operators] == ["DENSE"] * 4
    assert graph.needs == (("DENSE", 1), ("rounding tflite-micro", 1), ("kernel mve", 1))
    (image,), (logits,) = graph.inputs, graph.outputs
    assert (image.shape, image.dtype, image.zero_point) == ((1, 28, 28), "uint8", (0,))
    assert (logits.name, logits.shape, logits.dtype) == ("logits", (1, 10), "int8")
    remarks = dict(graph.remarks)
    assert remarks["rounding"].startswith("tflite-micro: as TFLite Micro")
    assert "computed; " in remarks["Cortex-M55 mve"]


def test_flash_and_boards_stand_in_the_remarks(sealed: Path) -> None:
    remarks = dict(inspect(artifact.read(sealed)).remarks)
    assert "flash 256," in remarks["Cortex-M4"]
    assert "measured; " in remarks["Cortex-M4"]
    assert "Raspberry Pi Pico" in remarks["fits"]
    assert remarks["fits without Arduino"] == "micro:bit v1, Arduino Zero, MKR, Arduino Uno R4, Black Pill F401"
    assert "Arduino Uno R3" in remarks["does not fit"]


def test_of_a_network_that_weighs_squares_of_pixels_the_weights_that_are_there_are_told() -> None:
    tables = prepare(read_network(artifact.read(pretrained.TINY).payload), ROUNDINGS[0], KERNELS[0], 0)
    graph = c_archive.describe(c_archive.pack(library(tables, DIGITS, IMAGES[:50])))
    first = next(tensor for tensor in graph.tensors if tensor.name == "layer_1/weights")
    assert (first.shape, first.stored_bytes) == ((64, 196), 64 * 98)
    remarks = dict(graph.remarks)
    assert "have one weight" in remarks["pooled"]
    assert "flash 15,098, RAM 772 + stack 87 bytes, measured; 309,019 clocks" in remarks["ATmega328P"]
    assert remarks["fits tightly"] == "Arduino Uno R3, Nano (15 KB left)"


@needs_native
@pytest.mark.parametrize(
    ("rounding", "kernel"),
    [("litert", "portable"), ("litert-reference", "dsp"), ("tflite-micro", "mve"), ("tflite-runtime-x86", "portable")],
)
def test_the_native_runtime_answers_with_the_bytes_of_its_rounding(rounding: str, kernel: str) -> None:
    data = payload_of(rounding, kernel)
    network, own = network_of(data)
    assert own is find_rounding(rounding)
    expected = network.run(IMAGES[:300], own).astype(np.int64) - 128
    with load(data, "native") as model:
        logits = (model.logits(IMAGES[:300]) / np.float32(network.output_scale)) + network.output_zero_point
        assert np.array_equal(np.rint(logits), expected)


@needs_native
def test_it_is_verified_run_inspected_and_stripped_as_any_artifact(
    sealed: Path, tmp_path: Path, cli: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    found = artifact.read(sealed)
    with load(sealed) as model:
        assert model.runtime == "native"
        assert self_test(found, model).passed
        assert model.classify(IMAGES[0]) == 7
    assert "32 of 32 images as at export" in cli("verify", sealed).stdout
    shown = json.loads(cli("inspect", sealed, "--json").stdout)
    assert shown["format"] == "c"
    assert ["kernel", "portable: every processor"] in shown["remarks"]
    assert "rounding      litert: as LiteRT" in cli("inspect", sealed).stdout
    refused = cli("verify", sealed, "--runtime", "litert", ok=False)
    assert "litert does not run .c files; native does" in refused.stderr
    cli("strip", sealed, "-o", tmp_path / "bare.zip")
    assert (tmp_path / "bare.zip").read_bytes() == found.payload
    assert artifact.read(tmp_path / "bare.zip").card is None


def test_a_damaged_or_changed_one_is_refused(sealed: Path, tmp_path: Path) -> None:
    data = sealed.read_bytes()
    random = np.random.default_rng(0)
    for at in random.integers(0, len(data), 100).tolist():
        (tmp_path / "x.zip").write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :])
        with pytest.raises((DamagedError, ArtifactError)):
            artifact.read(tmp_path / "x.zip")
    (tmp_path / "x.zip").write_bytes(data[:-100])
    with pytest.raises(DamagedError):
        artifact.read(tmp_path / "x.zip")
    (tmp_path / "x.zip").write_bytes(repacked(data, lambda name, content: content))
    with pytest.raises(ChangedError, match="digitrec-edge strip"):
        artifact.read(tmp_path / "x.zip")


def repacked(data: bytes, change: Callable[[str, bytes], bytes], **more: bytes) -> bytes:
    """The same archive, packed by somebody else."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as copy:
        for name in archive.namelist():
            copy.writestr(name, change(name, archive.read(name)))
        for name, content in more.items():
            copy.writestr(name, content)
    return stream.getvalue()


def only_tables(change: Callable[[bytes], bytes]) -> Callable[[str, bytes], bytes]:
    return lambda name, content: change(content) if name == f"digitrec/{TABLES_FILE}" else content


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda data: repacked(data, only_tables(lambda text: b"")), "cannot be read"),
        (lambda data: repacked(data, only_tables(lambda text: text[:5000])), "there are 0 layers"),
        (lambda data: repacked(data, only_tables(lambda text: bytes([200]) + text)), "cannot be read"),
        (lambda data: repacked(data, only_tables(lambda text: text + b" " * (40 << 20))), "at most .* are allowed"),
        (lambda data: repacked(data, only_tables(lambda text: text + b"\n" * (1 << 20))), "not written as"),
        (lambda data: repacked(data, lambda name, content: content, **{f"f{k}": b"" for k in range(40)}), "at most"),
        (lambda data: data[: len(data) // 2], "cannot be read: the archive has no end: cut short"),
        (lambda data: data.replace(b"/tables.h", b"/tablas.h"), "cannot be read"),
        (lambda data: data.replace(b"\x08\x00", b"\x0e\x00"), "cannot be read"),
        (lambda data: data[:30] + b"digitrec/library.properties", "cannot be read"),
    ],
    ids=["empty", "cut", "not ASCII", "bomb", "blank", "files", "half", "no tables", "LZMA", "no archive"],
)
def test_a_hostile_archive_is_one_line(payload: bytes, spoil: Callable[[bytes], bytes], reason: str) -> None:
    spoilt = spoil(payload)
    assert c_archive.recognise(spoilt)
    with pytest.raises(MalformedError, match=reason):
        c_archive.describe(spoilt)
    with pytest.raises(ArtifactError):
        artifact.parse(spoilt)


def test_a_network_that_takes_no_picture_is_refused(payload: bytes) -> None:
    network = read_network(artifact.read(pretrained.DEFAULT).payload)
    small = prepare(dataclasses.replace(network, layers=network.layers[1:]), ROUNDINGS[0], KERNELS[0], 0)
    text = write_tables(small).encode()
    with pytest.raises(MalformedError, match="it takes 256 numbers, a picture has 784"):
        c_archive.describe(repacked(payload, only_tables(lambda _: text)))


@pytest.mark.parametrize("count", [3, 200])
def test_extras_between_the_files_or_without_end_are_refused(count: int) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("digitrec/library.properties", "")
        for k in range(count):
            archive.writestr(f"digitrec/extras/{k}", "x")
            archive.writestr(f"digitrec/{k}", "x")
    with pytest.raises(MalformedError, match="between those of the model|at most"):
        c_archive.split(stream.getvalue())


def test_a_directory_that_lies_is_refused(payload: bytes) -> None:
    data = bytearray(c_archive.attach(payload, FILES))
    end = data.rfind(b"PK\x05\x06")
    for at, value in ((end + 16, 5), (end + 12, 1 << 30), (end + 12, 7)):
        broken = bytearray(data)
        struct.pack_into("<I", broken, at, value)
        with pytest.raises(MalformedError):
            c_archive.split(bytes(broken))


def test_the_mark_is_in_every_artifact_and_in_no_payload(payload: bytes, sealed: Path) -> None:
    assert MARK not in payload
    assert MARK in sealed.read_bytes()
    found = artifact.read(sealed)
    assert found.card
    assert isinstance(found.card, Card)
    assert found.card.payload_sha256 == sha256(payload)
    assert sample.unpack(found.files[SAMPLE_FILE], 10).images.shape == (32, 28, 28)
