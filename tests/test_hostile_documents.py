"""Hostile data files: refused in one line, or whatever shows them works."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="report needs the extra 'report'")

from digitrec_edge.artifact.card import Card
from digitrec_edge.errors import DigitrecError, TrainingError
from digitrec_edge.report.summary import summarise_model
from digitrec_edge.training.history import history_path, read_history
from tests import hostile_documents
from tests.hostile_documents import DATA, Source, attempt, campaign, sources


def test_a_short_campaign_finds_nothing() -> None:
    figures = campaign(300, 11)
    assert figures["failures"] == []
    assert figures["read"] > 30, "mutants that nobody reads show nothing"
    assert figures["refused"] > 30


def _fail(found: object, draw: bool) -> None:
    raise ArithmeticError("math domain error")


@pytest.mark.parametrize(
    ("read", "show"),
    [
        (lambda text: 1 / 0, lambda found, draw: None),
        (lambda text: text, _fail),
    ],
)
def test_a_campaign_finds_what_fails(
    read: Callable[[bytes], object], show: Callable[[object, bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert attempt(b"{}", Source(b"{}", read, show)).startswith("failed")
    monkeypatch.setattr(hostile_documents, "sources", lambda: {"a": Source(b'{"a": 1, "b": 22}', read, show)})
    figures = campaign(5, 1)
    assert figures["failed"] == len(figures["failures"]) == 5


@pytest.mark.parametrize("name", ["benchmark", "history", "older history", "card"])
@pytest.mark.parametrize(
    "token",
    ["1" + "0" * 400, "NaN", "1e999", "[" * 100_000, '{"a":' * 100_000, "9" * 5000, '"\\ud800"', '{"a": 1, "a": 2}'],
)
def test_what_is_no_value_is_refused_wherever_it_stands(name: str, token: str) -> None:
    source = sources()[name]
    document = json.loads(source.true)
    for key in document:
        text = json.dumps({**document, key: "HERE"}).replace('"HERE"', token).encode()
        assert attempt(text, source) == "refused", key


@pytest.mark.parametrize("temperature", [0, -1, 1e-9, 1e9, None, "1"])
def test_a_history_with_a_temperature_that_divides_nothing_is_one_line(temperature: object, tmp_path: Path) -> None:
    model = tmp_path / "model.keras"
    model.write_bytes(b"x")
    history = json.loads(sources()["history"].true)
    history_path(model).write_text(json.dumps({**history, "temperature": temperature}))
    with pytest.raises(TrainingError, match="temperature is") as raised:
        read_history(model)
    assert "\n" not in str(raised.value)


def test_a_history_that_is_a_folder_or_huge_is_one_line(tmp_path: Path) -> None:
    model = tmp_path / "model.keras"
    model.write_bytes(b"x")
    history_path(model).mkdir()
    with pytest.raises(DigitrecError, match="is a directory"):
        read_history(model)
    history_path(model).rmdir()
    with history_path(model).open("wb") as stream:
        stream.truncate(1 << 32)
    with pytest.raises(DigitrecError, match="at most"):
        read_history(model)


def test_a_card_of_deep_or_endless_json_is_refused() -> None:
    true = json.loads((sources()["card"]).true)
    for depth in (400, 900, 5000, 200_000):
        text = json.dumps({**true, "training": "HERE"}).replace('"HERE"', "[" * depth + "]" * depth)
        with pytest.raises(ValueError, match=r"nested too deeply|training"):
            Card.from_json(text.encode())
    with pytest.raises(ValueError, match="more than 2,000,000 values"):
        Card.from_json(b"[" + b"0," * 2_000_000 + b"0]")


@pytest.mark.parametrize(
    "config",
    [
        "[]", "{}", "5", "[" * 100_000, '{"config": {"layers": [{"class_name": "Dense", "config": []}]}}',
        '{"config": {"layers": [{"class_name": "InputLayer", "config": {"name": "a", "batch_shape": [null, "x"]}}]}}',
        '{"config": {"layers": [{"class_name": "InputLayer", "config": {"name": "a", "batch_shape": 5}}]}}',
    ],
)  # fmt: skip
def test_a_model_whose_configuration_is_none_has_no_summary(config: str, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", config)
    assert summarise_model(path) == ()


def test_the_true_files_are_read() -> None:
    for name, source in sources().items():
        assert attempt(source.true, source) == "read", name
    assert (DATA / "benchmark-2.json").exists()
