"""The history of a device: every event whole, whatever happened while it was written."""

import json
import multiprocessing
from pathlib import Path

import pytest

from digitrec_edge import artifact, history
from digitrec_edge.errors import DataError, OutputError
from digitrec_edge.files import sha256
from digitrec_edge.history import FILE_NAME, OLDER, Event, parse_events, read, record

FILE = Path(__file__).parent / "data" / "card-1.tflite"


def line(**changes: object) -> bytes:
    event = {
        "time": "2026-11-28T21:04:05Z", "event": "deployed", "artifact": "a.tflite", "sha256": "0" * 64,
        "variant": "int8", "by": "pi@desk", "why": "", "history_version": 1, **changes,
    }  # fmt: skip
    return json.dumps(event).encode() + b"\n"


def test_events_are_read_as_they_were_recorded(tmp_path: Path) -> None:
    found = artifact.read(FILE)
    folder = tmp_path / "new" / "digitrec-edge"
    first = record(folder, "deployed", found, by="pi@desk")
    second = record(folder, "refused", Path("b.tflite"), by="serve", why="b.tflite is damaged")
    assert read(folder) == (first, second)
    assert found.card
    assert (first.artifact, first.sha256, first.variant) == (FILE.name, sha256(found.data), found.card.variant)
    assert (second.artifact, second.sha256, second.variant, second.why) == ("b.tflite", "", "", "b.tflite is damaged")
    assert len((folder / FILE_NAME).read_bytes().splitlines()) == 2


def test_nothing_has_happened_where_there_is_no_history(tmp_path: Path) -> None:
    assert read(tmp_path / "none") == ()


def test_half_a_line_costs_no_other_event(tmp_path: Path) -> None:
    first = record(tmp_path, "deployed", FILE, by="a")
    with (tmp_path / FILE_NAME).open("ab") as stream:
        stream.write(line()[:50])
    assert read(tmp_path) == (first,)
    second = record(tmp_path, "serving", FILE, by="b")
    assert read(tmp_path) == (first, second)


def test_texts_are_cut_and_without_control_characters(tmp_path: Path) -> None:
    added = record(tmp_path, "refused", Path("a\x1b[2J"), by="x" * 1000, why="two\nlines")
    assert read(tmp_path) == (added,)
    assert (added.artifact, len(added.by), added.why) == ("a?[2J", 255, "two?lines")


def test_a_full_history_is_put_aside_and_still_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "LIMIT_BYTES", 1000)
    added = [record(tmp_path, "serving", FILE, by=f"{k}") for k in range(12)]
    assert (tmp_path / OLDER).stat().st_size <= 1000
    assert (tmp_path / FILE_NAME).stat().st_size <= 1000
    kept = read(tmp_path)
    assert kept == tuple(added[-len(kept) :])
    assert len(kept) > 4


def test_a_history_that_half_a_line_fills_is_put_aside_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = record(tmp_path, "serving", FILE, by="a")
    size = (tmp_path / FILE_NAME).stat().st_size
    with (tmp_path / FILE_NAME).open("ab") as stream:
        stream.write(b"{" * 100)
    monkeypatch.setattr(history, "LIMIT_BYTES", size + 100 + size)  # without the line's end that half a line lacks
    second = record(tmp_path, "serving", FILE, by="b")
    assert read(tmp_path) == (first, second)


def _record_many(folder: Path, name: str) -> None:
    for k in range(50):
        record(folder, "serving", FILE, by=f"{name}-{k}")


def test_processes_that_record_at_once_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_record_many, args=(tmp_path, name)) for name in "abc"]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert sorted(event.by for event in read(tmp_path)) == sorted(f"{name}-{k}" for name in "abc" for k in range(50))


def test_an_event_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"event is 'tea', one of deployed, .*refused"):
        record(tmp_path, "tea", FILE, by="a")  # type: ignore[arg-type]


def test_what_cannot_be_written_or_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(OutputError, match="cannot write .*history.jsonl"):
        record(tmp_path, "serving", FILE, by="a")
    with pytest.raises(DataError, match="cannot read .*history.jsonl"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (line(event="tea"), "line 1: history.event is 'tea'"),
        (line() + line(more=1), "line 2: history: missing or unknown key 'more'"),
        (line(by="x" * 256), "history.by is 256 long"),
        (line(history_version=2), "made by a newer digitrec-edge"),
        (line() * 10_000, "more than 1,048,576 bytes"),
    ],
)
def test_what_is_no_history_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_events(data)


def test_lines_of_version_1_are_read_for_ever() -> None:
    (event,) = parse_events(line())
    assert event == Event("2026-11-28T21:04:05Z", "deployed", "a.tflite", "0" * 64, "int8", "pi@desk", "")


def test_events_belong_where_the_link_lies_that_was_named(tmp_path: Path) -> None:
    (tmp_path / "a.tflite").touch()
    (tmp_path / history.CURRENT).symlink_to("a.tflite")
    assert history.folder_of(tmp_path / history.CURRENT) == tmp_path
    assert history.folder_of(tmp_path / "a.tflite") is None
