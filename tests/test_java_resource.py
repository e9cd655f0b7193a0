"""digitrec.bin is read back as it was written, and in no other way."""

import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest

from digitrec_edge import pretrained
from digitrec_edge.dense.java_resource import MOST_BYTES, read_resource, write_resource
from digitrec_edge.formats.graph import MalformedError
from tests.c_host import KNOWN_FROM, tables_of

pytestmark = pytest.mark.checkout
HEAD, FIRST_BIAS, FIRST_FACTOR = 52, 52 + 4 * 16, 52 + 4 * 16 + 4 * 256


@pytest.fixture(scope="module")
def data() -> bytes:
    return write_resource(tables_of(pretrained.DEFAULT), KNOWN_FROM)


def summed(data: bytes | bytearray) -> bytes:
    """With a checksum that fits."""
    return bytes(data[:-4]) + zlib.crc32(data[:-4]).to_bytes(4, "little")


def test_what_is_written_is_read_back(data: bytes) -> None:
    tables, found = tables_of(pretrained.DEFAULT), read_resource(data)
    for one, other in zip(found.network.layers, tables.network.layers, strict=True):
        assert np.array_equal(one.weights, other.weights)
        assert np.array_equal(one.bias, other.bias)
        assert one.factors32.tobytes() == other.factors32.tobytes()
        assert (one.zero, one.low) == (other.zero, other.low)
    assert found.threshold == tables.threshold
    assert found.rounding.name == "litert"
    assert found.network.output_scale == np.float32(tables.network.output_scale)
    assert len(data) < MOST_BYTES


def test_every_cut_is_refused(data: bytes) -> None:
    for size in [*range(0, 200, 3), *range(200, len(data), 9973), len(data) - 1]:
        for cut in (data[:size], summed(data[:size] + bytes(4))):
            with pytest.raises(MalformedError):
                read_resource(cut)
    with pytest.raises(MalformedError, match="not as digitrec-edge writes it"):
        read_resource(summed(data + bytes(1)))


def test_every_flipped_bit_is_refused(data: bytes) -> None:
    for place in [*range(0, 8 * HEAD), *range(8 * HEAD, 8 * len(data), 80_021)]:
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(MalformedError):
            read_resource(bytes(flipped))


def number(at: int, form: str, value: float) -> Callable[[bytearray], None]:
    return lambda data: struct.pack_into(form, data, at, value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (number(8, "<i", 2), "is of version 2, 1 is known: update digitrec-edge"),
        (number(12, "<i", 9), "there are 9 layers, 1 to 8 fit"),
        (number(12, "<i", -1), "there are -1 layers"),
        (number(16, "<i", 11), "it has 11 labels, and 10 outputs"),
        (number(20, "<i", -5), "its threshold is -5"),
        (number(24, "<f", float("nan")), "its logits have scale nan"),
        (number(28, "<i", 200), "zero 200"),
        (number(HEAD, "<i", 785), "do not fit one another|cut short|not between 0 and 1|may leave"),
        (number(HEAD + 4, "<i", 1 << 30), "1024 numbers fit"),
        (number(HEAD + 12, "<i", 3), "layer 1 starts at 3"),
        (number(FIRST_BIAS, "<i", (1 << 31) - 1), "a sum may leave 32 bits"),
        (number(FIRST_FACTOR, "<f", float("nan")), "layer 1 has a factor that is not between 0 and 1"),
        (number(FIRST_FACTOR, "<f", 1.0), "layer 1 has a factor that is not between 0 and 1"),
        (number(48, "<I", 7), "not as digitrec-edge writes it"),
    ],
)
def test_numbers_that_fit_no_network_are_refused_by_name(
    data: bytes, change: Callable[[bytearray], None], reason: str
) -> None:
    changed = bytearray(data)
    change(changed)
    with pytest.raises(MalformedError, match=reason):
        read_resource(summed(changed))
