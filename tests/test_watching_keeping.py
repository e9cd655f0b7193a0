"""Keeping: digits of frames in the collection, by the rule, and no flood of what does not change."""

from pathlib import Path

import numpy as np
import pytest

from digitrec_edge import mnist
from digitrec_edge.collection import Collection, Keep
from digitrec_edge.errors import CollectionError
from digitrec_edge.files import sha256
from digitrec_edge.recognition import How
from digitrec_edge.watching.glimpse import glimpse, no_glimpse
from digitrec_edge.watching.keeping import REST_FRAMES, Keeping
from digitrec_edge.watching.regions import WatchedRegion
from digitrec_edge.watching.watcher import Sight
from runtimes import Model

IMAGES = mnist.load("test").images
ROW = np.uint8(255) - np.pad(np.hstack([np.pad(IMAGES[k], 6) for k in (0, 1)]), 12)


def seen(model: Model, min_confidence: float = 0.0) -> Sight:
    return Sight(
        WatchedRegion("water"), ROW, glimpse(model, ROW, "x", How(multi=True, min_confidence=min_confidence)), "frame 1"
    )


def test_every_digit_is_kept_with_all_that_is_known(tmp_path: Path, pretrained_model: Model) -> None:
    with Collection(tmp_path / "c.sqlite") as collection:
        Keeping(Keep.parse("all"), collection, b"the model", print).observe(seen(pretrained_model))
        found = [*collection.items()]
    assert sorted(str(item.digit) for item in found) == ["2", "7"]
    assert {item.source for item in found} == {"water"}
    assert {item.artifact_sha256 for item in found} == {sha256(b"the model")}
    assert all(item.image.shape == (28, 28) and item.probability > 0.5 for item in found)


def test_only_what_is_unsure_is_kept_and_of_each_region_one_frame_in_many(
    tmp_path: Path, pretrained_model: Model
) -> None:
    with Collection(tmp_path / "c.sqlite") as collection:
        keeping = Keeping(Keep.parse("unsure"), collection, b"the model", print)
        keeping.observe(seen(pretrained_model))
        assert [*collection.items()] == []
        unsure = seen(pretrained_model, min_confidence=1.1)
        for _ in range(REST_FRAMES + 1):
            keeping.observe(unsure)
        assert len([*collection.items()]) == 2
        keeping.observe(unsure)
        assert len([*collection.items()]) == 4


def test_where_nothing_was_sought_nothing_is_kept(tmp_path: Path) -> None:
    with Collection(tmp_path / "c.sqlite") as collection:
        keeping = Keeping(Keep.parse("all"), collection, b"the model", print)
        keeping.observe(Sight(WatchedRegion("water"), ROW, no_glimpse("too dark"), "frame 1"))
        assert [*collection.items()] == []


def test_a_collection_that_takes_nothing_is_told_once(
    tmp_path: Path, pretrained_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise CollectionError("it is full")

    told: list[str] = []
    with Collection(tmp_path / "c.sqlite") as collection:
        monkeypatch.setattr(collection, "keep_all", full)
        keeping = Keeping(Keep.parse("all"), collection, b"the model", told.append)
        keeping.observe(seen(pretrained_model))
        keeping.observe(seen(pretrained_model))
    assert told == ["not kept: it is full"]
