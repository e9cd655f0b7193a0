"""The watcher: a change is told once, what is not known is told as such, and with its reason."""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from digitrec_edge import mnist
from digitrec_edge.errors import SourceError
from digitrec_edge.recognition import How
from digitrec_edge.watching.frames import LOST, Frame, Missing
from digitrec_edge.watching.glimpse import DARKNESS, NOTHING, UNSURE, Glimpse, glimpse, no_glimpse
from digitrec_edge.watching.plausibility import Rules
from digitrec_edge.watching.readings import Reading
from digitrec_edge.watching.regions import parse_regions
from digitrec_edge.watching.watcher import Care, RegionWatch, Sight, watch
from runtimes import Model

IMAGES = mnist.load("test").images
MODEL = cast(Model, SimpleNamespace(artifact=SimpleNamespace(name="made", data=b"made")))


def row_of(*places: int) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    """Digits of the test set side by side, dark on light: 0 is a 7, 1 a 2, 2 a 1, 3 a 0."""
    return np.uint8(255) - np.pad(np.hstack([np.pad(IMAGES[k], 6) for k in places]), 12)


def told(texts: "Sequence[str | Glimpse]", care: Care, rules: Rules | None = None) -> list[tuple[int, str | None]]:
    """Which frames are told, and as what: the number, or the reason why there is none."""
    one = RegionWatch(parse_regions([])[0], rules or Rules(), care, MODEL)
    found = []
    for k, text in enumerate(texts):
        seen = text if isinstance(text, Glimpse) else Glimpse(text, (0.99,) * len(text), None)
        lost = seen.reason == LOST
        if reading := one.add(seen, None if lost else f"frame {k}", None if lost else float(k)):
            found.append((k, reading.value or reading.reason))
    return found


def test_a_change_is_told_once() -> None:
    assert told(["12"] * 6 + ["13"] * 6 + ["12"] * 3, Care(agree=3)) == [(2, "12"), (8, "13"), (14, "12")]


def test_what_does_not_change_is_told_again_when_asked_for() -> None:
    assert told(["12"] * 10, Care(agree=2, every_s=4)) == [(1, "12"), (5, "12"), (9, "12")]


def test_null_is_told_after_so_many_frames_and_once() -> None:
    dark = [no_glimpse(DARKNESS)] * 8
    assert told(["12", "12", *dark, "12", "12"], Care(agree=2, null_after=4)) == [(1, "12"), (5, DARKNESS), (11, "12")]
    assert told(["12", "12", *dark[:3], "12", "12"], Care(agree=2, null_after=5)) == [(1, "12")]


def test_a_lost_source_is_told_at_once_and_its_return_only_with_a_number() -> None:
    lost = no_glimpse(LOST)
    assert told(["12", "12", lost, lost, "12", "12"], Care(agree=2)) == [(1, "12"), (2, LOST), (5, "12")]


def test_an_implausible_number_is_never_told() -> None:
    found = told(["124"] * 2 + ["123"] * 6 + ["125"] * 2, Care(agree=2, null_after=4), Rules(monotone=True))
    assert found == [(1, "124"), (5, "goes back: 123 after 124"), (9, "125")]


def frames(*shown: "np.ndarray[Any, np.dtype[np.uint8]] | Missing") -> Iterator[Frame | Missing]:
    for k, one in enumerate(shown):
        yield one if isinstance(one, Missing) else Frame(one, f"frame {k}", float(k))


def watched(model: Model, shown: Any, region: list[str], care: Care, rules: Rules) -> tuple[list[Reading], list[Any]]:
    seen: list[Sight | str] = []
    watches = [RegionWatch(one, rules, care, model) for one in parse_regions(region)]
    return [*watch(shown, "made", watches, model, seen.append, seen.append)], seen


def test_a_reading_has_all_that_is_known(pretrained_model: Model) -> None:
    shown = frames(*[row_of(3, 0, 1)] * 3)
    ((reading,), seen) = watched(pretrained_model, shown, [], Care(agree=3, min_confidence=0.5), Rules(digits=3))
    assert reading.as_json() == {
        "time": reading.time, "region": "frame", "value": "072", "number": 72,
        "probability": pytest.approx(reading.probability), "frames": 3, "reason": None, "note": None,
        "frame": "frame 2", "artifact": "digitrec-int8", "artifact_sha256": reading.artifact_sha256,
    }  # fmt: skip
    assert reading.time.endswith("Z")
    assert 0.5 < (reading.probability or 0) <= 1
    assert len(reading.artifact_sha256) == 64
    assert [one.glimpse.text for one in seen] == ["072"] * 3


def test_two_regions_are_read_apart(pretrained_model: Model) -> None:
    both = np.hstack([row_of(0), row_of(1)])
    half = both.shape[1] // 2
    region = [f"a=0,0,{half},{len(both)}", f"b={half},0,{half},{len(both)}"]
    found, _ = watched(pretrained_model, frames(both), region, Care(agree=1, min_confidence=0), Rules())
    assert [(one.region, one.value) for one in found] == [("a", "7"), ("b", "2")]


def test_a_region_beyond_the_first_frame_ends_it_and_beyond_a_later_one_is_null(pretrained_model: Model) -> None:
    large, small = row_of(0, 1), row_of(0)
    region = [f"a=0,0,{large.shape[1]},{len(large)}"]
    with pytest.raises(SourceError, match="and the frame is"):
        watched(pretrained_model, frames(small), region, Care(), Rules())
    found, _ = watched(pretrained_model, frames(large, small), region, Care(agree=1, null_after=1), Rules())
    assert found[0].value == "72"
    assert "and the frame is" in (found[1].reason or "")


def test_what_is_missing_is_null_and_told_in_detail(pretrained_model: Model) -> None:
    shown = frames(row_of(0), Missing(LOST, "it was closed"))
    found, seen = watched(pretrained_model, shown, [], Care(agree=1, min_confidence=0), Rules())
    assert [(one.value, one.reason) for one in found] == [("7", None), (None, LOST)]
    assert seen[-1] == "source lost: it was closed"


def test_a_short_source_without_a_number_ends_with_why(pretrained_model: Model) -> None:
    found, _ = watched(pretrained_model, frames(np.zeros((40, 60), np.uint8)), [], Care(), Rules())
    assert [one.reason for one in found] == [DARKNESS]


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (np.full((40, 60), 10, np.uint8), DARKNESS),
        (np.full((40, 60), 200, np.uint8), NOTHING),
        (np.full((40, 60, 3), 200, np.uint8), NOTHING),
        ((row_of(0, 1) // 16).astype(np.uint8), DARKNESS),
    ],
)
def test_a_glimpse_says_why_it_shows_nothing(pixels: Any, reason: str, pretrained_model: Model) -> None:
    assert glimpse(pretrained_model, pixels, "x", How(multi=True)).reason == reason


def test_a_glimpse_withholds_what_is_unsure_or_no_digit(pretrained_model: Model) -> None:
    assert glimpse(pretrained_model, row_of(0, 1), "x", How(multi=True, min_confidence=1.1)).reason == UNSURE
    cross = np.uint8(255) - np.pad(np.eye(60, dtype=np.uint8) * 255 | np.eye(60, dtype=np.uint8)[::-1] * 255, 20)
    thick = np.minimum.reduce([np.roll(cross, k, 1) for k in range(5)])
    found = glimpse(pretrained_model, thick, "x", How(multi=True, count=1))
    assert (found.text, found.reason) == (None, NOTHING)
