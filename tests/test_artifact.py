"""Artifacts: whole or refused, whatever bit was flipped and wherever the file was cut."""

import dataclasses
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from digitrec_edge.artifact import container, read, write
from digitrec_edge.errors import ArtifactError, ChangedError, DamagedError, OutputError
from digitrec_edge.files import sha256
from digitrec_edge.formats import CARD_FILE, MARK, SAMPLE_FILE, SEAL_BYTES
from digitrec_edge.labels import DIGITS

NAMES = ("digitrec-float32.tflite", "digitrec-int8.tflite", "digitrec-float32.onnx", "digitrec-int8.onnx")
FLIPS = 150
LENGTHS = 150


def one_line(error: BaseException) -> str:
    text = str(error)
    assert text
    assert "\n" not in text
    return text


@pytest.mark.parametrize("name", NAMES)
def test_an_exported_artifact_is_read_with_its_card(trained: Path, artifacts: Path, name: str) -> None:
    found = read(artifacts / name)
    assert found.card is not None
    assert found.name == found.card.name == Path(name).stem
    assert found.card.format == found.format.name == Path(name).suffix[1:]
    assert found.card.labels == DIGITS
    assert found.card.source_sha256 == sha256((trained / "model.keras").read_bytes())
    assert found.card.payload_sha256 == sha256(found.payload)
    assert found.data == (artifacts / name).read_bytes()
    assert found.data.startswith(found.payload[:1000])


@pytest.mark.parametrize("name", NAMES)
def test_the_card_says_how_the_model_came_to_be(artifacts: Path, name: str) -> None:
    card = read(artifacts / name).card
    assert card is not None
    assert card.training is not None
    assert (card.training["name"], card.training["finished_epochs"], card.training["seed"]) == ("reference", 2, 0)
    assert (card.calibration is not None) == ("int8" in name)
    assert {"tensorflow", "keras", "numpy", "digitrec-edge"} <= card.tools.keys()
    assert card.preprocessing.size == (28, 28)
    assert card.preprocessing.divide_by == 255
    assert card.parity is not None
    assert card.parity.images == 10_000
    assert card.parity.agreement >= (0.995 if "int8" in name else 1.0)


@pytest.mark.parametrize("name", NAMES)
def test_the_card_describes_the_inputs_and_outputs_of_the_model(artifacts: Path, name: str) -> None:
    found = read(artifacts / name)
    assert found.card is not None
    for cards, tensors in ((found.card.inputs, found.graph.inputs), (found.card.outputs, found.graph.outputs)):
        (card,), (tensor,) = cards, tensors
        assert (card.name, card.shape, card.dtype) == (tensor.name, tensor.shape, tensor.dtype)
        assert card.scale == (tensor.scale[0] if tensor.scale else None)
        assert card.zero_point == (tensor.zero_point[0] if tensor.zero_point else None)


@pytest.mark.parametrize("name", NAMES)
def test_every_flipped_bit_is_noticed(artifacts: Path, tmp_path: Path, name: str) -> None:
    whole = (artifacts / name).read_bytes()
    random = np.random.default_rng(0)
    ends = [*range(32), *range(len(whole) - 100, len(whole))]
    path = tmp_path / name
    for position in (*random.integers(0, len(whole), FLIPS).tolist(), *ends):
        bit = 1 << int(random.integers(0, 8))
        path.write_bytes(whole[:position] + bytes([whole[position] ^ bit]) + whole[position + 1 :])
        with pytest.raises(DamagedError) as raised:
            read(path)
        assert str(path) in one_line(raised.value)


@pytest.mark.parametrize("name", NAMES)
def test_every_truncation_is_noticed(artifacts: Path, tmp_path: Path, name: str) -> None:
    whole = (artifacts / name).read_bytes()
    random = np.random.default_rng(0)
    near_the_ends = [*range(1, 100), *range(len(whole) - 100, len(whole))]
    path = tmp_path / name
    for length in sorted({*random.integers(1, len(whole), LENGTHS).tolist(), *near_the_ends}):
        path.write_bytes(whole[:length])
        with pytest.raises(ArtifactError) as raised:
            read(path)
        assert str(path) in one_line(raised.value)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("more", [b"\0", b"\n", b"x" * 1000])
def test_appended_bytes_are_noticed(artifacts: Path, tmp_path: Path, name: str, more: bytes) -> None:
    (tmp_path / name).write_bytes((artifacts / name).read_bytes() + more)
    with pytest.raises(DamagedError, match="is damaged|was changed by another tool"):
        read(tmp_path / name)


@pytest.mark.parametrize("name", NAMES)
def test_a_hole_in_the_middle_is_noticed(artifacts: Path, tmp_path: Path, name: str) -> None:
    whole = bytearray((artifacts / name).read_bytes())
    whole[len(whole) // 2 : len(whole) // 2 + 4096] = bytes(4096)
    (tmp_path / name).write_bytes(whole)
    with pytest.raises(DamagedError, match="is damaged"):
        read(tmp_path / name)


@pytest.mark.parametrize("name", NAMES)
def test_another_model_under_the_card_is_noticed_though_the_seal_is_right(
    artifacts: Path, tmp_path: Path, name: str
) -> None:
    found = read(artifacts / name)
    assert found.card is not None
    other = bytearray(found.payload)
    other[len(other) // 2] ^= 1
    data = found.format.load().attach(bytes(other), {CARD_FILE: found.card.to_json()})
    body = data[:-SEAL_BYTES]
    (tmp_path / name).write_bytes(body + f"sha256:{sha256(body)}".encode())
    with pytest.raises(DamagedError, match="is not the one that its card describes"):
        read(tmp_path / name)


@pytest.mark.parametrize("name", NAMES)
def test_a_card_that_cannot_be_read_is_noticed_though_the_seal_is_right(
    artifacts: Path, tmp_path: Path, name: str
) -> None:
    found = read(artifacts / name)
    data = found.format.load().attach(found.payload, {CARD_FILE: b'{"card_version": 99}'})
    body = data[:-SEAL_BYTES]
    (tmp_path / name).write_bytes(body + f"sha256:{sha256(body)}".encode())
    with pytest.raises(ArtifactError, match=r"was made by a newer digitrec-edge \(unknown; card version 99\): update"):
        read(tmp_path / name)


@pytest.mark.parametrize("name", NAMES)
def test_a_payload_without_a_card_is_foreign_only_when_it_bears_no_mark(
    artifacts: Path, tmp_path: Path, name: str
) -> None:
    payload = read(artifacts / name).payload
    (tmp_path / name).write_bytes(payload)
    with pytest.raises(ChangedError, match="was changed by another tool, or cut, .*: its seal is gone; .* strip"):
        read(tmp_path / name)
    (tmp_path / name).write_bytes(payload.replace(MARK, b"someone_else_"[: len(MARK)]))
    found = read(tmp_path / name)
    assert found.card is None
    assert found.name == Path(name).stem


@pytest.mark.parametrize("name", NAMES)
def test_writing_again_what_was_read_gives_the_same_file(artifacts: Path, tmp_path: Path, name: str) -> None:
    found = read(artifacts / name)
    assert found.card is not None
    write(tmp_path / name, found.payload, found.card, found.files.get(SAMPLE_FILE))
    assert (tmp_path / name).read_bytes() == found.data


def test_writing_sets_the_hash_of_the_payload(artifacts: Path, tmp_path: Path) -> None:
    found = read(artifacts / NAMES[0])
    assert found.card is not None
    write(tmp_path / "a.tflite", found.payload, dataclasses.replace(found.card, payload_sha256="wrong"))
    assert read(tmp_path / "a.tflite").card == found.card


def test_writing_to_an_impossible_place_leaves_nothing(artifacts: Path, tmp_path: Path) -> None:
    found = read(artifacts / NAMES[0])
    assert found.card is not None
    (tmp_path / "a.tflite").mkdir()
    with pytest.raises(OutputError, match="cannot write"):
        write(tmp_path / "a.tflite", found.payload, found.card)
    assert os.listdir(tmp_path) == ["a.tflite"]


@pytest.mark.parametrize("suffix", [".tflite", ".onnx"])
@pytest.mark.parametrize(
    "content",
    [b"just some text\n", b"PK\x03\x04", b"\0" * 100, b"\x08", b"TFL3", b"{}", b"\x89PNG\r\n\x1a\n" + b"\0" * 30],
)
def test_what_is_no_model_is_refused_whatever_its_name(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match="is not a model file|is not a valid") as raised:
        read(path)
    one_line(raised.value)


@pytest.mark.parametrize("suffix", [".tflite", ".onnx"])
def test_a_renamed_zip_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("labels.txt", "0\n1\n")
    with pytest.raises(ArtifactError, match=r"its content is none of \.tflite, |is not a model file"):
        read(path)


def test_a_keras_file_is_no_artifact_and_it_is_said_how_it_becomes_one(trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "my model.keras"
    path.write_bytes((trained / "model.keras").read_bytes())
    with pytest.raises(ArtifactError, match="is not a model file but a Keras model") as raised:
        read(path)
    one_line(raised.value)
    assert str(raised.value).endswith(f"digitrec-edge export '{path}'")


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_an_artifact_does_not_matter(artifacts: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "renamed.bin").write_bytes((artifacts / name).read_bytes())
    assert read(tmp_path / "renamed.bin").format == read(artifacts / name).format


def test_a_missing_file_an_empty_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.tflite").touch()
    for name, reason in (("absent.tflite", "no such file"), ("empty.tflite", "is empty"), ("", "is a directory")):
        with pytest.raises(ArtifactError, match=reason):
            read(tmp_path / name)


def test_a_huge_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "LIMIT_BYTES", 1000)
    (tmp_path / "a.tflite").write_bytes(bytes(1001))
    with pytest.raises(ArtifactError, match="at most 1,000 are read"):
        read(tmp_path / "a.tflite")


def test_the_labels_of_a_tflite_artifact_lie_open_for_any_zip_tool(artifacts: Path) -> None:
    with zipfile.ZipFile(artifacts / "digitrec-int8.tflite") as archive:
        assert archive.testzip() is None
        assert archive.read("labels.txt").decode().split() == list(DIGITS)
        assert CARD_FILE in archive.namelist()
