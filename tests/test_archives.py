"""Archives and arrays that may be anything: one line says what is wrong, before anything is unpacked or allocated."""

import gzip
import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from digitrec_edge import archives, mnist
from digitrec_edge.errors import DataError
from digitrec_edge.npz import LIMIT_BYTES, read_arrays, write_arrays
from tests.hostile_data import npy, zipped

LIMITS = archives.Limits(files=3)


def test_a_good_archive_is_read() -> None:
    with archives.opened(zipped({"a": b"1", "b": b"22"}), LIMITS) as archive:
        assert archives.read(archive, ["b"], 2, LIMITS) == {"b": b"22"}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the archive has no end: cut short"),
        (zipped({"a": b"1"})[:-22], "the archive has no end: cut short"),
        (zipped(dict.fromkeys("abcd", b"")), "files: 4, at most 3 are allowed"),
        (zipped({"a" * 60_000: b""}), "bytes of its directory: 60,046, at most 1,536"),
    ],
)
def test_an_archive_that_is_none_or_lists_too_much_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason), archives.opened(data, LIMITS):
        pass


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_there_twice_is_refused() -> None:
    stream = io.BytesIO(zipped({"a": b"1"}))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("a", b"2")
    with pytest.raises(ValueError, match="'a' is there twice"), archives.opened(stream.getvalue(), LIMITS):
        pass


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (npy("(2, 28, 28)", end="")[:-1], r"^(?!.*\n)"),
        (npy("(2, 28, 28)", end="'''"), r"^(?!.*\n)"),
        (npy("(-1, 28)"), r"an array has shape \(-1, 28\)"),
        (npy("(10, 28)", body=b"12"), "an array has 2 bytes, its header promises 280"),
        (npy(f"({10**400},)", body=b"12"), "its header promises 1000000"),
        (npy("(2,)", descr="'|O'", body=b"12"), "an array holds object, numbers or texts are read"),
        (npy("(2,)", descr="[('a', '|O')]", body=b"12"), "numbers or texts are read"),
        (npy("(2,)", version=3, body=b"12"), r"an array has version 3\.0, 1\.0 and 2\.0 are read"),
        (b"", "magic|EOF|bytes"),
    ],
)
def test_an_array_whose_header_does_not_fit_it_is_refused_in_one_line(array: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as raised:
        read_arrays(zipped({"a.npy": array}), ["a"])
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_come_back_as_they_were(order: str) -> None:
    array = np.asarray(np.arange(24, dtype=np.float32).reshape(2, 3, 4), order=order)  # type: ignore[call-overload]
    (found,) = read_arrays(write_arrays({"a": array}), ["a"])
    assert np.array_equal(found, array)


def refused_without_memory(call: Callable[[], object], error: type[Exception], reason: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(error, match=reason):
            call()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20


def test_a_bomb_is_refused_by_what_it_says() -> None:
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("a.npy", "w") as file,
    ):
        for _ in range((LIMIT_BYTES >> 20) + 1):
            file.write(bytes(1 << 20))
    reason = "bytes unpacked: 235,929,600, at most 23[0-9,]* are allowed"
    refused_without_memory(lambda: read_arrays(stream.getvalue(), ["a"]), ValueError, reason)


def test_a_packed_idx_file_is_unpacked_no_further_than_its_header_promises(tmp_path: Path) -> None:
    labels = struct.pack(">2I", 2049, 12) + bytes(12)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))
    path = tmp_path / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(struct.pack(">4I", 2051, 12, 28, 28) + bytes(100 << 20), 1))
    refused_without_memory(lambda: mnist.load("test", tmp_path), DataError, "1 bytes more than its header promises")
    path.write_bytes(gzip.compress(struct.pack(">4I", 2051, 2**32 - 1, 2**32 - 1, 28)))
    refused_without_memory(lambda: mnist.load("test", tmp_path), DataError, "promises 516[0-9,]* bytes; at most 234")
