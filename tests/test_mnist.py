"""The data set: the original one when it is bundled, and each thing wrong with another one is told apart."""

import gzip
import hashlib
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitrec_edge import mnist
from digitrec_edge.errors import DataError
from digitrec_edge.labels import DIGITS
from digitrec_edge.mnist import BUNDLED, Digits, load, load_for, sample_indices

COUNT = 12
IMAGES = np.random.default_rng(0).integers(0, 256, (COUNT, 28, 28), dtype=np.uint8)
LABELS = (np.arange(COUNT) % 10).astype(np.uint8)
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def idx(array: NDArray[np.uint8]) -> bytes:
    header = struct.pack(f">{1 + array.ndim}I", 0x0800 | array.ndim, *array.shape)
    return header + array.tobytes()


def write_idx(folder: Path, images: NDArray[np.uint8] = IMAGES, labels: NDArray[np.uint8] = LABELS) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / TEST_IMAGES).write_bytes(idx(images))
    (folder / TEST_LABELS).write_bytes(idx(labels))
    return folder


def write_npz(path: Path, **arrays: Any) -> Path:
    defaults = {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES, "y_test": LABELS}
    np.savez_compressed(path, **{**defaults, **arrays})
    return path


NEEDS_TRAINING_IMAGES = pytest.mark.skipif(
    not (BUNDLED / "train-images-idx3-ubyte.gz").exists(), reason="installed from the wheel for devices"
)


@NEEDS_TRAINING_IMAGES
def test_the_bundled_set_is_mnist() -> None:
    train, test = load("train"), load("test")
    assert (train.images.shape, train.labels.shape) == ((60_000, 28, 28), (60_000,))
    assert (test.images.shape, test.labels.shape) == ((10_000, 28, 28), (10_000,))
    assert {a.dtype.name for a in (train.images, train.labels, test.images, test.labels)} == {"uint8"}
    assert np.bincount(train.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert len(test) == 10_000


@pytest.mark.parametrize(
    ("name", "sha256"),
    [
        ("train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        ("train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        ("t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        ("t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    ],
)
@NEEDS_TRAINING_IMAGES
def test_the_bundled_files_are_the_original_ones(name: str, sha256: str) -> None:
    assert hashlib.sha256(gzip.decompress((BUNDLED / f"{name}.gz").read_bytes())).hexdigest() == sha256


def test_a_bundled_file_that_was_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_idx(tmp_path / "bundled")
    monkeypatch.setattr(mnist, "BUNDLED", tmp_path / "bundled")
    with pytest.raises(DataError, match="is not the original MNIST file"):
        load("test")


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_of_idx_files_is_read_plain_and_packed(tmp_path: Path, packed: bool) -> None:
    write_idx(tmp_path)
    if packed:
        for path in (tmp_path / TEST_IMAGES, tmp_path / TEST_LABELS):
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
    digits = load("test", tmp_path)
    assert np.array_equal(digits.images, IMAGES)
    assert np.array_equal(digits.labels, LABELS)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "int32"])
def test_an_npz_is_read_whatever_whole_numbers_its_labels_are(tmp_path: Path, dtype: str) -> None:
    path = write_npz(tmp_path / "own.npz", y_test=LABELS.astype(dtype), x_train=IMAGES[:5], y_train=LABELS[:5])
    digits = load("test", path)
    assert np.array_equal(digits.images, IMAGES)
    assert digits.labels.dtype == np.uint8
    assert np.array_equal(digits.labels, LABELS)
    assert len(load("train", path)) == 5


@settings(deadline=None, derandomize=True, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 9), min_size=1, max_size=5), st.integers(0, int(mnist._LIGHT)), st.booleans())
def test_any_good_set_is_the_same_after_a_round_trip(
    tmp_path: Path, labels: list[int], pixel: int, as_npz: bool
) -> None:
    images = np.full((len(labels), 28, 28), pixel, np.uint8)
    truth = np.array(labels, np.uint8)
    source = (
        write_npz(tmp_path / "own.npz", x_test=images, y_test=truth) if as_npz else write_idx(tmp_path, images, truth)
    )
    digits = load("test", source)
    assert np.array_equal(digits.images, images)
    assert np.array_equal(digits.labels, truth)


def corrupt(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        (folder / name).write_bytes(change((folder / name).read_bytes()))

    return apply


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (corrupt(TEST_IMAGES, lambda data: b"\0\0\x08\x01" + data[4:]), "has magic number 2049, .* has 2051"),
        (corrupt(TEST_LABELS, lambda data: b"\0\0\x08\x03" + data[4:]), "has magic number 2051, .* has 2049"),
        (corrupt(TEST_IMAGES, lambda data: b"\x89PNG" + data[4:]), "has magic number 2303741511"),
        (corrupt(TEST_IMAGES, lambda data: data[:-1]), "is truncated: 9,423 bytes, its header promises 9,424"),
        (corrupt(TEST_IMAGES, lambda data: data[:7]), "is truncated: 7 bytes, the header alone has 16"),
        (corrupt(TEST_LABELS, lambda data: data[:7]), "is truncated: 7 bytes, the header alone has 8"),
        (corrupt(TEST_LABELS, lambda data: data + b"\0"), "has 1 bytes more than its header promises"),
        (corrupt(TEST_IMAGES, lambda data: b""), r"is empty \(0 bytes\)"),
        (corrupt(TEST_IMAGES, lambda data: data[:4] + b"\xff" * 12 + data[16:]), "is truncated"),
        (corrupt(TEST_LABELS, lambda data: data[:-1] + b"\x0a"), "label 10 at index 11 is outside 0-9"),
        (corrupt(TEST_LABELS, lambda data: idx(LABELS[:-1])), "12 images but 11 labels"),
        (corrupt(TEST_IMAGES, lambda data: idx(IMAGES[:, :27])), r"images have shape \(12, 27, 28\), \(N, 28, 28\)"),
        (lambda folder: (folder / TEST_LABELS).unlink(), f"lacks {TEST_LABELS} \\(plain or .gz\\)"),
        (lambda folder: write_idx(folder, IMAGES[:0], LABELS[:0]) and None, "no images"),
    ],
)
def test_each_thing_wrong_with_idx_files_has_its_own_error(
    tmp_path: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    write_idx(tmp_path)
    load("test", tmp_path)
    spoil(tmp_path)
    with pytest.raises(DataError, match=reason):
        load("test", tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda packed: packed[:-20],
        lambda packed: packed[:5],
        lambda packed: b"no gzip at all",
        lambda packed: packed[:40] + bytes([packed[40] ^ 0xFF]) + packed[41:],
    ],
)
def test_a_spoilt_gzip_file_is_refused(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    write_idx(tmp_path)
    (tmp_path / TEST_IMAGES).unlink()
    (tmp_path / f"{TEST_IMAGES}.gz").write_bytes(change(gzip.compress(idx(IMAGES))))
    with pytest.raises(DataError, match="is truncated or not gzip"):
        load("test", tmp_path)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"x_test": IMAGES / 255}, "images are float64, uint8"),
        ({"x_test": IMAGES.astype(np.int64)}, "images are int64, uint8"),
        ({"x_test": IMAGES.reshape(COUNT, 784)}, r"images have shape \(12, 784\)"),
        ({"x_test": 255 - IMAGES // 4}, r"images are dark on light, .* store 255 - images"),
        ({"x_test": IMAGES[..., None]}, r"images have shape \(12, 28, 28, 1\)"),
        ({"x_test": IMAGES[:, ::2, ::2]}, r"images have shape \(12, 14, 14\)"),
        ({"x_test": IMAGES[:7]}, "7 images but 12 labels"),
        ({"y_test": np.eye(10, dtype=np.uint8)[LABELS]}, r"labels have shape \(12, 10\)"),
        ({"y_test": LABELS.astype(np.float32)}, "labels are float32"),
        ({"y_test": LABELS.astype(bool)}, "labels are bool"),
        ({"y_test": LABELS.astype(str)}, "labels are <U"),
        ({"y_test": np.where(LABELS == 3, -1, LABELS.astype(int))}, "label -1 at index 3 is outside 0-9"),
        ({"y_test": np.where(LABELS == 3, 256 + 3, LABELS.astype(int))}, "label 259 at index 3 is outside 0-9"),
        ({"x_test": IMAGES[:0], "y_test": LABELS[:0]}, "no images"),
        ({"x_test": np.array([{"a": 1}], object)}, "truncated or not a .npz"),
    ],
)
def test_each_thing_wrong_with_an_npz_has_its_own_error(tmp_path: Path, arrays: dict[str, Any], reason: str) -> None:
    path = write_npz(tmp_path / "own.npz", **arrays)
    with pytest.raises(DataError, match=reason):
        load("test", path)


def test_an_npz_without_the_arrays_says_which_it_has(tmp_path: Path) -> None:
    np.savez(tmp_path / "own.npz", x_test=IMAGES, labels=LABELS)
    with pytest.raises(DataError, match="lacks y_test; it has x_test, labels"):
        load("test", tmp_path / "own.npz")


def npy_inside(name: str) -> bytes:
    stream = io.BytesIO()
    np.save(stream, IMAGES)
    return stream.getvalue()


def zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return stream.getvalue()


def huge_header() -> bytes:
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999, 28, 28), }"
    header += b" " * (63 - (10 + len(header)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no zip at all",
        b"PK\x03\x04 nor this",
        npy_inside("x_test"),
        zipped(x_test=b"no array", y_test=b"no array"),
        zipped(x_test=huge_header(), y_test=huge_header()),
        zipped(x_test=npy_inside("x")[:500], y_test=npy_inside("y")),
    ],
    ids=["empty", "text", "zip start", "npy", "zip of text", "huge shape", "short array"],
)
def test_what_is_no_npz_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "own.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"own\.npz"):
        load("test", tmp_path / "own.npz")


def test_a_truncated_npz_is_refused_at_every_length(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "own.npz")
    data = path.read_bytes()
    for length in (*range(1, 200), *range(200, len(data), 997)):
        path.write_bytes(data[:length])
        with pytest.raises(DataError):
            load("test", path)


@settings(
    deadline=None, derandomize=True, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(position=st.integers(0, 2**31), bit=st.integers(0, 7))
def test_a_damaged_npz_is_refused_or_gives_the_same_digits(tmp_path: Path, position: int, bit: int) -> None:
    path = tmp_path / "own.npz"
    if not (tmp_path / "whole.npz").exists():
        write_npz(tmp_path / "whole.npz", x_test=IMAGES[:1], y_test=LABELS[:1], x_train=IMAGES[:1], y_train=LABELS[:1])
    data = bytearray((tmp_path / "whole.npz").read_bytes())
    data[position % len(data)] ^= 1 << bit
    path.write_bytes(data)
    try:
        digits = load("test", path)
    except DataError:
        return
    assert np.array_equal(digits.images, IMAGES[:1])
    assert np.array_equal(digits.labels, LABELS[:1])


@pytest.mark.parametrize(("name", "reason"), [("absent", "no such data set"), ("text.txt", "is not a data set")])
def test_what_is_no_data_set_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "text.txt").write_text("digits")
    with pytest.raises(DataError, match=f"{reason}.*give a folder with IDX files or a .npz file"):
        load("test", tmp_path / name)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_files_with_a_dot_in_their_names_are_read_too_and_folders_are_none(tmp_path: Path, packed: bool) -> None:
    for name, array in ((TEST_IMAGES, IMAGES), (TEST_LABELS, LABELS)):
        (tmp_path / name).mkdir()
        dotted = tmp_path / name.replace("-idx", ".idx")
        if packed:
            dotted.with_name(f"{dotted.name}.gz").write_bytes(gzip.compress(idx(array)))
        else:
            dotted.write_bytes(idx(array))
    assert np.array_equal(load("test", tmp_path).images, IMAGES)


def test_an_empty_folder_names_the_file_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="lacks train-images-idx3-ubyte"):
        load("train", tmp_path)


def test_a_set_is_known_by_its_images_and_labels() -> None:
    digits = Digits(IMAGES, LABELS)
    assert digits.digest() == Digits(IMAGES.copy(), LABELS.copy()).digest()
    assert digits.digest() != Digits(IMAGES[::-1].copy(), LABELS).digest()
    assert digits.digest() != Digits(IMAGES, LABELS[::-1].copy()).digest()


def test_samples_are_seeded_different_sorted_and_in_range() -> None:
    first = sample_indices(500, 60_000, seed=0)
    assert np.array_equal(first, sample_indices(500, 60_000, seed=0))
    assert not np.array_equal(first, sample_indices(500, 60_000, seed=1))
    assert len(np.unique(first)) == 500
    assert (np.diff(first) > 0).all()
    assert first.min() >= 0
    assert first.max() < 60_000
    assert sample_indices(7, 7, seed=3).tolist() == list(range(7))


@pytest.mark.parametrize("count", [0, -1, 8])
def test_more_samples_than_there_are_cannot_be_drawn(count: int) -> None:
    with pytest.raises(DataError, match="the set has 7, give 1 to 7"):
        sample_indices(count, 7, seed=0)


@pytest.mark.parametrize("seed", [-1, 1 << 31, 1 << 64])
def test_a_seed_that_a_card_could_not_hold_is_refused(seed: int) -> None:
    with pytest.raises(DataError, match=f"seed is {seed}, 0 to 2147483647 is allowed"):
        sample_indices(1, 7, seed)


LETTERS = (np.arange(COUNT) % 3 + 1).astype(np.uint8)


def write_emnist(folder: Path, name: str, labels: NDArray[np.uint8] = LETTERS) -> None:
    for part in ("train", "test"):
        (folder / f"{name}-{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(IMAGES)))
        (folder / f"{name}-{part}-labels-idx1-ubyte").write_bytes(idx(labels))


def test_emnists_names_are_known_and_its_letters_are_counted_from_0(tmp_path: Path) -> None:
    write_emnist(tmp_path, "emnist-letters")
    assert np.array_equal(mnist.load("test", tmp_path, 3).labels, LETTERS - 1)
    assert np.array_equal(mnist.load("train", tmp_path, 4).labels, LETTERS)
    with pytest.raises(DataError, match=r"emnist-letters \(test\): label 2 at index 1 is outside 0-1"):
        mnist.load("test", tmp_path, 2)
    (tmp_path / "emnist-letters-test-labels-idx1-ubyte").write_bytes(idx((LETTERS - 1).astype(np.uint8)))
    assert np.array_equal(mnist.load("test", tmp_path, 3).labels, LETTERS - 1)


def test_of_several_sets_in_a_folder_one_is_named(tmp_path: Path) -> None:
    write_emnist(tmp_path, "emnist-letters")
    write_emnist(tmp_path, "emnist-digits", LABELS)
    with pytest.raises(DataError, match="holds emnist-digits, emnist-letters; give one of them: .*emnist-digits"):
        mnist.load("test", tmp_path)
    assert np.array_equal(mnist.load("test", tmp_path / "emnist-letters", 3).labels, LETTERS - 1)
    with pytest.raises(DataError, match="no such data set"):
        mnist.load("test", tmp_path / "emnist-balanced")


def test_the_files_of_a_part_are_a_data_set_in_a_folder_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    (tmp_path / "alone").mkdir()
    for name in ("emnist-letters", "emnist-digits"):
        write_emnist(tmp_path / "all", name)
    source = tmp_path / "all" / "emnist-letters"
    for path in mnist.files_of("test", source):
        (tmp_path / "alone" / path.name).write_bytes(path.read_bytes())
    assert mnist.load("test", tmp_path / "alone", 3).digest() == mnist.load("test", source, 3).digest()
    assert mnist.files_of("train", tmp_path / "x.npz") == (tmp_path / "x.npz",)
    with pytest.raises(DataError, match="lacks train-images-idx3-ubyte"):
        mnist.files_of("train", tmp_path / "alone" / "..")
    write_idx(tmp_path)
    assert np.array_equal(mnist.load("test", tmp_path).labels, LABELS)


def test_labels_above_255_are_kept(tmp_path: Path) -> None:
    many = 80 * np.arange(COUNT)
    path = write_npz(tmp_path / "own.npz", y_test=many)
    found = mnist.load("test", path, 1000)
    assert np.array_equal(found.labels, many)
    assert found.digest() != Digits(found.images, found.labels.astype(np.uint8)).digest()


def test_mnist_is_for_recognisers_of_its_digits(tmp_path: Path) -> None:
    for labels in (DIGITS, (*DIGITS, "blank"), tuple("abcdefghij")):
        assert len(load_for(labels, "test")) == 10_000
    for labels in (tuple("01234"), tuple("ABCDEFGHIJKL")):
        with pytest.raises(DataError, match=f"names {labels[0]}, {labels[1]}, {labels[2]}, ...: give images of these"):
            load_for(labels, "test")
    with pytest.raises(DataError, match="names no, yes: give"):
        load_for(("no", "yes"), "test")
    path = tmp_path / "own.npz"
    images, numbers = np.zeros((2, 28, 28), np.uint8), np.array([0, 1], np.uint8)
    np.savez(path, x_train=images, y_train=numbers, x_test=images, y_test=numbers)
    assert len(load_for(("no", "yes"), "test", path)) == 2
