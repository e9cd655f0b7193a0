"""The card: the same after a round trip, and nothing missing, unknown or of the wrong type gets in."""

import dataclasses
import json
from typing import Any

import pytest

from digitrec_edge.artifact.card import (
    CARD_VERSION,
    Calibration,
    Card,
    ParityFigures,
    Preprocessing,
    Requirements,
    TensorCard,
)
from digitrec_edge.labels import DIGITS
from digitrec_edge.no_digit import NoDigit
from digitrec_edge.records import NewerVersionError, parse


def full_card() -> Card:
    return Card(
        name="digitrec-int8",
        format="tflite",
        variant="int8",
        inputs=(TensorCard("image", (1, 28, 28), "uint8", 0.00392, 0),),
        outputs=(TensorCard("logits", ("batch", 10), "int8", 0.15, 23),),
        preprocessing=Preprocessing((28, 28), "grey, 0 background to 255 foreground", 255.0),
        labels=DIGITS,
        source_sha256="ab" * 32,
        payload_sha256="cd" * 32,
        no_digit=NoDigit(3.5, 0.99, 5000),
        temperature=0.94,
        training={"name": "reference", "epochs": 20, "learning_rate": 0.001, "note": None},
        calibration=Calibration(500, 0, "ef" * 32, 250),
        requirements=Requirements("litert", {"FULLY_CONNECTED": 4}, {"litert": "2.0.2", "tflite-runtime": None}),
        parity=ParityFigures("litert 2.3.0", 10_000, 0.98, 0.981, 0.999, 0.4),
        tools={"tensorflow": "2.21.0"},
    )


def raw_card() -> dict[str, Any]:
    raw: dict[str, Any] = json.loads(full_card().to_json())
    return raw


def encoded(raw: object) -> bytes:
    return json.dumps(raw).encode()


def test_a_card_is_the_same_after_a_round_trip() -> None:
    card = full_card()
    assert Card.from_json(card.to_json()) == card


def test_what_may_be_unknown_may_be_none() -> None:
    card = dataclasses.replace(full_card(), training=None, calibration=None, parity=None)
    assert Card.from_json(card.to_json()) == card


def test_the_same_card_gives_the_same_bytes() -> None:
    assert full_card().to_json() == full_card().to_json()
    assert full_card().to_json() == Card.from_json(full_card().to_json()).to_json()


@pytest.mark.parametrize("key", [field.name for field in dataclasses.fields(Card) if field.name != "card_version"])
def test_a_missing_key_is_named(key: str) -> None:
    raw = raw_card()
    del raw[key]
    with pytest.raises(ValueError, match=f"missing or unknown key '{key}'"):
        Card.from_json(encoded(raw))


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(ValueError, match="missing or unknown key 'colour'"):
        Card.from_json(encoded({**raw_card(), "colour": "red"}))


def test_an_unknown_key_inside_is_named_with_its_place() -> None:
    raw = raw_card()
    raw["inputs"][0]["colour"] = "red"
    with pytest.raises(ValueError, match=r"card\.inputs: missing or unknown key 'colour'"):
        Card.from_json(encoded(raw))


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("name", 5, r"card\.name is int, str is needed"),
        ("name", None, r"card\.name is NoneType"),
        ("inputs", "image", r"card\.inputs is not a list"),
        ("inputs", ["image"], r"card\.inputs is str, an object is needed"),
        ("labels", [0, 1], r"card\.labels is int, str is needed"),
        ("tools", ["tensorflow"], r"card\.tools is not an object"),
        ("tools", {"tensorflow": 2.21}, r"card\.tools\.tensorflow is float"),
        ("calibration", 500, r"card\.calibration is int"),
        ("preprocessing", None, r"card\.preprocessing is NoneType"),
        ("training", {"epochs": [1]}, r"card\.training"),
        ("training", {"shuffled": True}, r"card\.training"),
    ],
)
def test_a_value_of_the_wrong_type_is_named(key: str, value: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Card.from_json(encoded({**raw_card(), key: value}))


def test_a_list_of_the_wrong_length_is_named() -> None:
    raw = raw_card()
    raw["preprocessing"]["size"] = [28]
    with pytest.raises(ValueError, match=r"card\.preprocessing\.size has 1 entries, 2 are needed"):
        Card.from_json(encoded(raw))


@pytest.mark.parametrize("version", [0, -1, "1", 1.0, True, None])
def test_a_card_of_a_version_that_never_was_is_refused(version: object) -> None:
    with pytest.raises(ValueError, match="card version is"):
        Card.from_json(encoded({**raw_card(), "card_version": version}))


def test_a_card_of_a_newer_version_names_who_made_it_whatever_else_it_holds() -> None:
    raw = {"card_version": CARD_VERSION + 1, "tools": {"digitrec-edge": "9.1"}, "something": "new"}
    with pytest.raises(NewerVersionError, match=r"made by a newer digitrec-edge \(9\.1;.*: update digitrec-edge"):
        Card.from_json(encoded(raw))
    with pytest.raises(NewerVersionError, match=r"made by a newer digitrec-edge \(unknown;"):
        Card.from_json(encoded({"card_version": 99}))


def test_a_card_without_version_is_refused() -> None:
    raw = raw_card()
    del raw["card_version"]
    with pytest.raises(ValueError, match="card version is None"):
        Card.from_json(encoded(raw))


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"5", b"{", b"\xff\xfe", b'"card"', b"[" * 100_000])
def test_what_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Card.from_json(data)


def test_a_whole_number_may_stand_for_a_float_but_not_the_other_way() -> None:
    good = {"images": 10, "seed": 0, "indices_sha256": "x", "blemished": 5}
    assert parse(Calibration, good).images == 10
    with pytest.raises(ValueError, match="images is float, int is needed"):
        parse(Calibration, {**good, "images": 10.0})
    with pytest.raises(ValueError, match="seed is bool, int is needed"):
        parse(Calibration, {**good, "seed": True})
    tensor = {"name": "x", "shape": [1], "dtype": "int8", "scale": 1, "zero_point": 0}
    scale = parse(TensorCard, tensor).scale
    assert isinstance(scale, float)
