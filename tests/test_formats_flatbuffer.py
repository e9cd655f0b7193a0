"""Flatbuffers: tables are read as the format says, and every offset is checked before it is followed."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec_edge.formats.flatbuffer import Table
from digitrec_edge.formats.graph import MalformedError


def buffer() -> bytes:
    """Root table: slot 0 an int32, slot 1 a string, slot 2 absent, slot 3 a vector of one table (the root)."""
    vtable = struct.pack("<6H", 12, 16, 4, 8, 0, 12)
    root = 4 + len(vtable)
    table = struct.pack("<iiII", root - 4, -7, 8, 12)
    text = struct.pack("<I", 2) + b"hi\0\0"
    vector_start = root + len(table) + len(text)
    vector = struct.pack("<II", 1, (root - (vector_start + 4)) & 0xFFFFFFFF)
    return struct.pack("<I", root) + vtable + table + text + vector


def test_numbers_strings_and_absent_fields_are_read() -> None:
    root = Table.root(buffer())
    assert root.number(0, "i") == -7
    assert root.text(1) == "hi"
    assert (root.number(2, "i", 5), root.text(2), root.tables(2), root.table(2)) == (5, "", [], None)
    assert (root.number(99, "i", 5), root.vector(99, "<i4").tolist()) == (5, [])


def test_offsets_that_point_backwards_are_refused() -> None:
    with pytest.raises(MalformedError):
        Table.root(buffer()).tables(3)


@pytest.mark.parametrize("length", range(len(buffer()) - 10))
def test_a_buffer_cut_before_its_end_is_malformed(length: int) -> None:
    with pytest.raises(MalformedError):
        root = Table.root(buffer()[:length])
        assert (root.number(0, "i"), root.text(1)) == (-7, "hi")


@settings(deadline=None, derandomize=True, max_examples=500)
@given(st.binary(max_size=64))
def test_any_bytes_are_a_table_or_malformed(data: bytes) -> None:
    try:
        root = Table.root(data)
        for slot in range(8):
            root.number(slot, "i")
            root.vector(slot, "<i8")
            root.text(slot)
            root.table(slot)
            root.tables(slot)
    except MalformedError as error:
        assert "\n" not in str(error)


@settings(deadline=None, derandomize=True, max_examples=500)
@given(st.integers(0, 47), st.integers(0, 2**32 - 1))
def test_any_wrong_number_is_malformed_or_read(position: int, value: int) -> None:
    data = bytearray(buffer())
    struct.pack_into("<I", data, min(position, len(data) - 4), value)
    test_any_bytes_are_a_table_or_malformed.hypothesis.inner_test(bytes(data))  # type: ignore[attr-defined]
