"""The protobuf wire format: what is encoded is read back, and no byte string is a crash."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitrec_edge.formats.graph import MalformedError
from digitrec_edge.formats.protobuf import Message, encode_bytes, fields


def test_the_example_of_the_specification() -> None:
    assert [(number, value) for number, value, _ in fields(memoryview(b"\x08\x96\x01"))] == [(1, 150)]
    message = Message(memoryview(b"\x12\x07testing\x08\x96\x01"))
    assert (message.text(2), message.number(1)) == ("testing", 150)


def test_packed_and_unpacked_numbers_are_alike() -> None:
    assert Message(memoryview(b"\x32\x06\x03\x8e\x02\x9e\xa7\x05")).numbers(6) == [3, 270, 86942]
    assert Message(memoryview(b"\x30\x03\x30\x8e\x02\x30\x9e\xa7\x05")).numbers(6) == [3, 270, 86942]


def test_the_last_of_a_repeated_field_counts_for_a_single_one() -> None:
    message = Message(memoryview(b"\x08\x01\x08\x02" + encode_bytes(2, b"a") + encode_bytes(2, b"b")))
    assert (message.number(1), message.text(2), message.texts(2)) == (2, "b", ("a", "b"))


def test_absent_fields_have_their_defaults() -> None:
    message = Message(memoryview(b""))
    assert not message.has(1)
    assert (message.number(1, 7), message.text(1), message.numbers(1), message.chunks(1)) == (7, "", [], [])


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.lists(st.tuples(st.integers(1, 2**28), st.binary(max_size=300)), max_size=8))
def test_what_was_encoded_is_read_back_with_its_place(entries: list[tuple[int, bytes]]) -> None:
    data = b"".join(encode_bytes(number, value) for number, value in entries)
    found = list(fields(memoryview(data)))
    assert [(number, bytes(value)) for number, value, _ in found if not isinstance(value, int)] == entries
    assert [start for _, _, start in found] == [
        len(b"".join(encode_bytes(*entry) for entry in entries[:k])) for k in range(len(entries))
    ]


@settings(deadline=None, derandomize=True, max_examples=500)
@given(st.binary(max_size=60))
def test_any_bytes_are_fields_or_malformed(data: bytes) -> None:
    try:
        found = list(fields(memoryview(data)))
    except MalformedError:
        return
    assert all(number > 0 for number, _, _ in found)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x08", "cut off"),
        (b"\x08" + b"\xff" * 11, "too long"),
        (b"\x12\x05test", "field 2 is cut off: 5 bytes, 4 are left"),
        (b"\x00\x01", "field number 0"),
        (b"\x0b", "wire type 3 does not exist"),
        (b"\x0d\x01", "cut off"),
        (b"\x09\x01\x02", "cut off"),
    ],
)
def test_each_thing_wrong_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        list(fields(memoryview(data)))


def test_a_field_of_the_wrong_kind_is_malformed() -> None:
    message = Message(memoryview(b"\x08\x05" + encode_bytes(2, b"text")))
    with pytest.raises(MalformedError, match="field 2 is not a number"):
        message.number(2)
    with pytest.raises(MalformedError, match="field 1 is a number, bytes were expected"):
        message.text(1)


def test_signed_numbers_are_signed() -> None:
    assert Message(memoryview(b"\x08" + b"\xff" * 9 + b"\x01")).signed(1) == -1
    assert Message(memoryview(b"")).signed(1) == 0


@pytest.mark.parametrize("field", [b"\x0dRelu", b"\x09RelucRelu"[:9]], ids=["32 bits", "64 bits"])
def test_a_field_of_a_fixed_width_is_read_as_floats_alone(field: bytes) -> None:
    """protobuf passes over it where its schema says something else, so it must not be taken for that."""
    message = Message(memoryview(encode_bytes(1, b"Expand") + field))
    for read in (message.text, message.texts, message.chunks, message.messages, message.numbers, message.count):
        with pytest.raises(MalformedError, match="field 1 has a fixed width"):
            read(1)
    assert [bytes(chunk) for chunk in message.floats(1)] == [b"Expand", field[1:]]
