"""TFLite's schema in data/tflite_schema.json: what LiteRT's package has, and nothing read as what it is not."""

from importlib.util import find_spec
from typing import Any

import flatbuffers
import pytest
import schema_facts

from digitrec_edge.formats.flatbuffer import Table
from digitrec_edge.formats.flatbuffer_verifier import verify
from digitrec_edge.formats.graph import MalformedError
from digitrec_edge.formats.tflite_checks import SCHEMA


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    if find_spec("ai_edge_litert") is None:
        pytest.skip("ai-edge-litert is not installed here")
    return schema_facts.read_schema(schema_facts.read_source("ai_edge_litert"))


def test_the_file_is_as_its_generator_writes_it(schema: dict[str, Any]) -> None:
    assert SCHEMA.read_text() == schema_facts.to_json(schema)


def test_every_table_that_is_named_is_there(schema: dict[str, Any]) -> None:
    fields = [field for table in schema["tables"].values() for field in table.values()]
    named = {field[1] for field in fields if field[0] in ("table", "tables")}
    assert named <= schema["tables"].keys()
    assert {field[1] for field in fields if field[0] == "union"} == schema["unions"].keys()
    for members in schema["unions"].values():
        assert set(members.values()) <= schema["tables"].keys()


def test_tensorflow_says_the_same_of_what_it_has(schema: dict[str, Any]) -> None:
    if find_spec("tensorflow") is None:
        pytest.skip("TensorFlow is not installed here")
    older = schema_facts.read_schema(schema_facts.read_source("tensorflow"))
    for kind, fields in older["tables"].items():
        assert fields.items() <= schema["tables"][kind].items(), kind
    for union, members in older["unions"].items():
        assert members.items() <= schema["unions"][union].items(), union


def quantisation(dimension: int, scale_is: str) -> bytes:
    """A QuantizationParameters table with a scale, and the last field of its kind."""
    builder = flatbuffers.Builder(64)
    builder.StartVector(4, 1, 4)
    builder.PrependFloat32(0.5)
    scale = builder.EndVector()
    builder.StartObject(7)
    if scale_is == "a vector":
        builder.PrependUOffsetTRelativeSlot(2, scale, 0)
    else:
        builder.PrependInt32Slot(2, 1_000_000, 0)
    builder.PrependInt32Slot(6, dimension, 0)
    builder.Finish(builder.EndObject())
    return bytes(builder.Output())


@pytest.mark.parametrize("dimension", [0, 1, 3])
def test_the_dimension_of_scales_per_channel_is_a_number_and_no_offset(schema: dict[str, Any], dimension: int) -> None:
    verify(Table.root(quantisation(dimension, "a vector"), aligned=True), "QuantizationParameters", schema)


def test_an_offset_that_leads_nowhere_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        verify(Table.root(quantisation(0, "no vector"), aligned=True), "QuantizationParameters", schema)
