"""The history beside a trained model: read as it was written, whatever version wrote it, or refused by name."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from digitrec_edge.errors import TrainingError
from digitrec_edge.files import sha256
from digitrec_edge.training.checkpoint import Epoch, checkpoint_path
from digitrec_edge.training.history import HISTORY_VERSION, History, history_path, parse_history, read_history
from digitrec_edge.training.recipes import HIDDEN_UNITS, RECIPES

REFERENCE = RECIPES["reference"]


def history_of(path: Path, **changes: Any) -> History:
    epoch = Epoch(1, 0.3, 0.9, 0.2, 0.95, 1.5)
    history = History(
        REFERENCE, 0, 60_000, "test", 10_000, (epoch,), False, 0.2, 0.95, 1.0, None, 251_658, {"keras": "3"}
    )
    return dataclasses.replace(history, model_sha256=sha256(path.read_bytes()), **changes)


def write_history(path: Path, history: History) -> None:
    history_path(path).write_text(json.dumps(dataclasses.asdict(history)))


def test_a_history_is_the_same_after_a_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(b"model")
    write_history(path, history_of(path))
    assert history_path(path) == tmp_path / "model.history.json"
    assert read_history(path) == history_of(path)


def test_a_history_of_version_2_is_read(tmp_path: Path) -> None:
    raw = json.loads((Path(__file__).parent / "data" / "history-2.json").read_text())
    path = tmp_path / "model.keras"
    path.write_bytes(b"a model")
    history_path(path).write_text(json.dumps({**raw, "model_sha256": sha256(b"a model")}))
    found = read_history(path)
    assert found is not None
    assert found.version == HISTORY_VERSION
    assert (found.eval_set, found.eval_images) == (raw["watched"], raw["watched_images"]) == ("validation", 6000)
    for epoch, known in zip(found.epochs, raw["epochs"], strict=True):
        assert (epoch.eval_loss, epoch.eval_accuracy) == (known["watched_loss"], known["watched_accuracy"])
    assert found.recipe == dataclasses.replace(REFERENCE, epochs=2, validation_split=0.1)
    raw["recipe"]["average"] = 0.9
    assert parse_history(raw).recipe.ema_momentum == 0.9


def test_a_history_of_version_4_had_one_network() -> None:
    raw = json.loads((Path(__file__).parent / "data" / "history-4.json").read_text())
    found = parse_history(raw)
    assert found.version == HISTORY_VERSION
    assert found.recipe.hidden == HIDDEN_UNITS
    assert found.no_digit is not None


def test_a_history_of_a_newer_version_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(b"a model")
    newer = {"version": HISTORY_VERSION + 1, "tools": {"digitrec-edge": "9.1"}, "more": 1}
    history_path(path).write_text(json.dumps(newer))
    with pytest.raises(
        TrainingError, match=r"model\.history\.json was made by a newer digitrec-edge \(9\.1; .*\): update"
    ):
        read_history(path)


def test_a_history_of_another_model_or_none_is_none(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(b"model")
    assert read_history(path) is None
    write_history(path, dataclasses.replace(history_of(path), model_sha256="0" * 64))
    assert read_history(path) is None


def test_a_run_that_was_cut_short_is_told_with_what_finishes_it(tmp_path: Path) -> None:
    path = tmp_path / "my model.keras"
    path.write_bytes(b"model")
    checkpoint_path(path).write_bytes(b"unfinished")
    with pytest.raises(TrainingError, match=re.escape(f"digitrec-edge train --resume -o '{path}'")):
        read_history(path)


@pytest.mark.parametrize("text", ["", "{}", "null", "[1", '{"recipe": 3}'])
def test_a_history_that_cannot_be_read_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(b"model")
    history_path(path).write_text(text)
    with pytest.raises(TrainingError, match=r"model\.history\.json is (not a training history: .*; train again|empty)"):
        read_history(path)
