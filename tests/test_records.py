"""Records: strict JSON, dataclasses from it with nothing missing or unknown, and a reader per version."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from digitrec_edge.artifact.card import Card
from digitrec_edge.records import NewerVersionError, load_json, parse, read_version


@dataclass(frozen=True)
class Inner:
    value: float


@dataclass(frozen=True)
class Outer:
    name: str
    inner: Inner
    counts: tuple[int, ...]
    version: int = 1


RAW = {"name": "a", "inner": {"value": 1}, "counts": [1, 2], "version": 1}


def test_what_was_written_is_read() -> None:
    assert parse(Outer, load_json(json.dumps(RAW))) == Outer("a", Inner(1.0), (1, 2))


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"a": 1, "b": 2, "a": 3}', "key 'a' is there twice"),
        ('{"a": NaN}', "NaN is no JSON"),
        ('{"a": -Infinity}', "-Infinity is no JSON"),
        ('{"a": 1e999}', "1e999 is beyond"),
        ('{"a": ' + "9" * 5000 + "}", "digits"),
        ("", "Expecting value"),
        (b"\xff\xfe\xfd", "decode"),
    ],
)
def test_what_is_no_strict_json_is_a_value_error(text: bytes | str, fact: str) -> None:
    with pytest.raises(ValueError, match=fact):
        load_json(text)


def test_many_keys_of_which_the_last_is_there_twice_take_no_longer_than_many_keys() -> None:
    keys = [f'"{number}": 0' for number in range(200_000)]
    started = time.process_time()
    with pytest.raises(ValueError, match="key '199999' is there twice"):
        load_json("{" + ", ".join([*keys, keys[-1]]) + "}")
    assert time.process_time() - started < 5


@pytest.mark.parametrize("number", [10**400, -(10**400), float("nan"), float("inf")])
def test_a_number_beyond_a_float_is_refused_where_a_float_is_needed(number: float) -> None:
    with pytest.raises(ValueError, match=r"card\.inner\.value is beyond the range of a float"):
        parse(Outer, {**RAW, "inner": {"value": number}})


READERS: dict[int, Callable[[Any], Outer]] = {
    1: lambda raw: parse(Outer, raw),
    2: lambda raw: parse(Outer, {**raw, "name": raw["name"].upper()}),
}


def test_each_version_has_its_reader() -> None:
    assert read_version(RAW, "version", READERS, "0.1").name == "a"
    assert read_version({**RAW, "version": 2}, "version", READERS, "0.1").name == "A"
    with pytest.raises(NewerVersionError, match=r"newer digitrec-edge \(9\.0; version 3\): update"):
        read_version({**RAW, "version": 3}, "version", READERS, "9.0")
    for never in (0, -1, None, "1", 1.0, True, [1]):
        with pytest.raises(ValueError, match="version is .*, 1 to 2 is needed"):
            read_version({**RAW, "version": never}, "version", READERS, "")
    with pytest.raises(ValueError, match="version is None"):
        read_version([], "version", READERS, "")


@pytest.mark.parametrize(
    ("key", "value", "fact"),
    [
        ("temperature", 0, "temperature is 0"),
        ("temperature", -1.0, "temperature is -1.0"),
        ("preprocessing", {"size": [28, 28], "channels": "grey", "divide_by": 0}, "divide_by is 0"),
        ("outputs", [{"name": "x", "shape": [1, 10], "dtype": "int8", "scale": 0.0, "zero_point": 0}], "scale of 'x'"),
    ],
)
def test_a_card_with_a_value_that_no_card_can_have_is_refused(key: str, value: object, fact: str) -> None:
    from pathlib import Path

    from digitrec_edge import artifact

    card = artifact.read(Path(__file__).parent / "data" / "card-1.tflite").card
    assert card
    with pytest.raises(ValueError, match=fact):
        Card.from_json(json.dumps({**json.loads(card.to_json()), key: value}).encode())
