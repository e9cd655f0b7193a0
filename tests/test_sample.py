"""The sample inside an artifact: the same after a round trip, the same bytes, and never trusted."""

import dataclasses
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from digitrec_edge import artifact, mnist
from digitrec_edge.artifact import golden, sample
from digitrec_edge.artifact.sample import IMAGES, SEED, Sample, pack, unpack
from digitrec_edge.errors import DamagedError
from digitrec_edge.formats import SAMPLE_FILE

SMALL = Sample(
    indices=np.array([3, 8]),
    images=np.arange(2 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(2, 28, 28),
    labels=np.array([1, 9], np.uint8),
    golden=np.linspace(-5, 5, 20, dtype=np.float32).reshape(2, 10),
    expected=np.linspace(-4, 4, 20, dtype=np.float32).reshape(2, 10),
)
FIELDS = [field.name for field in dataclasses.fields(Sample)]
NAMES = ("digitrec-int8.tflite", "digitrec-float32.onnx", "digitrec-int8.ort")


def saved(**arrays: object) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


def fields_of(found: Sample) -> dict[str, object]:
    return {name: getattr(found, name) for name in FIELDS}


def test_a_sample_is_the_same_after_a_round_trip() -> None:
    found = unpack(pack(SMALL), 10)
    for name in FIELDS:
        before, after = getattr(SMALL, name), getattr(found, name)
        assert np.array_equal(before, after)
        assert before.dtype == after.dtype


def test_the_same_sample_gives_the_same_bytes_and_another_one_others() -> None:
    assert pack(SMALL) == pack(SMALL)
    assert pack(dataclasses.replace(SMALL, labels=np.array([1, 8], np.uint8))) != pack(SMALL)


def test_it_is_an_npz_that_numpy_reads() -> None:
    with np.load(io.BytesIO(pack(SMALL)), allow_pickle=False) as archive:
        assert sorted(archive.files) == sorted(FIELDS)


@pytest.mark.parametrize("name", NAMES)
def test_an_artifact_carries_seeded_test_images_with_the_logits_of_keras(artifacts: Path, name: str) -> None:
    found = unpack(artifact.read(artifacts / name).files[SAMPLE_FILE], 10)
    test, reference = mnist.load("test"), golden.read(artifacts / golden.FILE_NAME)
    assert np.array_equal(found.indices, mnist.sample_indices(IMAGES, 10_000, SEED))
    assert np.array_equal(found.images, test.images[found.indices])
    assert np.array_equal(found.labels, test.labels[found.indices])
    assert np.array_equal(found.golden, reference.logits[found.indices])
    assert found.expected.shape == (IMAGES, 10)
    assert len(set(found.labels.tolist())) >= 8


def test_it_adds_little_to_the_file(artifacts: Path) -> None:
    assert len(artifact.read(artifacts / NAMES[0]).files[SAMPLE_FILE]) < 12_000


@pytest.mark.parametrize("data", [b"", b"words", b"PK\x03\x04", b"\x80\x04.", pack(SMALL)[:-40], pack(SMALL)[40:]])
def test_what_is_no_sample_is_damaged(data: bytes) -> None:
    with pytest.raises(DamagedError, match="the artifact's sample cannot be read: .*; export it again") as raised:
        unpack(data, 10)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("position", range(0, len(pack(SMALL)), 37))
def test_a_sample_with_a_wrong_byte_is_damaged_or_read_but_never_a_crash(position: int) -> None:
    data = bytearray(pack(SMALL))
    data[position] ^= 0xFF
    try:
        found = unpack(bytes(data), 10)
    except DamagedError as error:
        assert "\n" not in str(error)
    else:
        assert isinstance(found, Sample)


def test_a_sample_that_lacks_an_array_or_hides_objects_is_damaged() -> None:
    fields = fields_of(SMALL)
    with pytest.raises(DamagedError, match="cannot be read"):
        unpack(saved(**{name: value for name, value in fields.items() if name != "golden"}), 10)
    with pytest.raises(DamagedError, match="cannot be read"):
        unpack(saved(**{**fields, "labels": np.array([{}, []], object)}), 10)


@pytest.mark.parametrize(
    "change",
    [
        {"images": np.zeros((2, 28, 27), np.uint8)},
        {"images": np.zeros((2, 28, 28), np.float32)},
        {"images": np.zeros((3, 28, 28), np.uint8)},
        {"labels": np.zeros((2, 1), np.uint8)},
        {"labels": np.array([1, 10], np.uint8)},
        {"labels": np.array([1, 9], np.uint16)},
        {"golden": np.zeros((2, 11), np.float32), "expected": np.zeros((2, 11), np.float32)},
        {"expected": np.zeros((2, 9), np.float32)},
        {"golden": np.full((2, 10), np.nan, np.float32)},
        {"expected": np.full((2, 10), "x")},
        {"indices": np.zeros(0, np.int64)},
    ],
    ids=lambda change: next(f"{k} {v.dtype} {v.shape}" for k, v in change.items()),
)
def test_arrays_that_do_not_fit_together_are_damaged(change: dict[str, object]) -> None:
    with pytest.raises(DamagedError, match="cannot be read"):
        unpack(saved(**{**fields_of(SMALL), **change}), 10)


def test_a_sample_of_more_than_256_labels_keeps_them() -> None:
    logits = np.zeros((2, 300), np.float32)
    many = dataclasses.replace(SMALL, labels=np.array([1, 299], np.uint16), golden=logits, expected=logits)
    assert unpack(pack(many), 300).labels.tolist() == [1, 299]
    with pytest.raises(DamagedError, match="cannot be read"):
        unpack(pack(many), 299)


def test_a_sample_of_no_images_is_damaged() -> None:
    nothing = {name: value[:0] for name, value in fields_of(SMALL).items()}  # type: ignore[index]
    with pytest.raises(DamagedError, match="cannot be read"):
        unpack(saved(**nothing), 10)


def test_a_bomb_is_not_unpacked() -> None:
    """A header that promises 1 GB of zeros: a few kilobytes that would fill a small device's memory."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in FIELDS:
            entry = io.BytesIO()
            header = {"descr": "|u1", "fortran_order": False, "shape": (1 << 30,)}
            np.lib.format.write_array_header_1_0(entry, header)  # type: ignore[no-untyped-call]
            archive.writestr(f"{name}.npy", entry.getvalue() + bytes(100))
    with pytest.raises(DamagedError, match="cannot be read"):
        sample.unpack(stream.getvalue(), 10)
