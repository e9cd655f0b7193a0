"""Short runs of the campaigns of hostile pictures and data files; and the watch over the children can fail."""

import sys
from pathlib import Path

import pytest

from tests import hostile_data, hostile_pictures, watched

PICTURES, DATA_FILES = 150, 100


def child(folder: Path, attempt: str) -> list[str]:
    """The command of a worker whose ``attempt`` is this."""
    path = folder / "worker.py"
    path.write_text(
        f"import os, sys, time\nsys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
        "from tests import watched\n"
        f"def attempt(data):\n    if data == b'-1': return 'same'\n    {attempt}\n"
        "watched.serve(lambda number: b'%d' % number, attempt, (ZeroDivisionError,))\n"
    )
    return [str(path)]


@pytest.mark.parametrize(
    ("attempt", "timeout_s", "reason"),
    [
        ("os.abort()", 60, "failed: died with -6"),
        ("os._exit(3)", 60, "failed: died with 3"),
        ("raise KeyError('unforeseen')", 60, "failed: KeyError 'unforeseen'"),
        ("raise RecursionError", 60, "failed: RecursionError"),
        ("raise ZeroDivisionError('two\\nlines')", 60, "failed: ZeroDivisionError two lines"),
        ("time.sleep(600)", 1, "failed: no answer within 1 s"),
        ("return 'read' + str(len(bytearray(400_000_000)))[:0]", 60, "failed: took 4"),
    ],
)
def test_a_child_that_misbehaves_is_a_failure(tmp_path: Path, attempt: str, timeout_s: float, reason: str) -> None:
    outcomes, failures = watched.run(child(tmp_path, attempt), range(1), "name", timeout_s=timeout_s)
    assert outcomes == {"failed": 1}
    assert len(failures) == 1
    assert failures[0].startswith(f"name mutant 0: {reason}")


def test_processor_time_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "LIMIT_S", 0.2)
    busy = "end = time.process_time() + 0.3\n    while time.process_time() < end: pass\n    return 'read'"
    _, failures = watched.run(child(tmp_path, busy), range(1), "name")
    assert failures == ["name mutant 0: failed: took 0.3 s (read)"]


def test_a_refusal_in_one_line_is_an_answer(tmp_path: Path) -> None:
    outcomes, failures = watched.run(child(tmp_path, "1 / 0"), range(3), "name")
    assert (outcomes, failures) == ({"refused": 3}, [])
    assert outcomes.peak_mb > 0


def test_peak_memory_is_that_of_one_file(tmp_path: Path) -> None:
    """What another file took before does not count."""
    worker = watched.Worker(child(tmp_path, "x = bytearray(200_000_000 if data == b'0' else 1)\n    return 'read'"))
    (_, _, large), (_, _, small) = worker.attempt(0, 60), worker.attempt(1, 60)
    worker.close()
    assert large > 200 > small + 100


def test_a_campaign_ends_with_1_when_something_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["campaign", "--count", "2", "--seed", "9"])
    monkeypatch.setattr(watched, "run", lambda *_: (watched.Outcomes(failed=1, read=1), ["mutant 1: failed"]))
    assert watched.main("files", "script", lambda seed: None, "", 1_000) == 1
    assert "seed 9: 2 files, 1 failures: 1 failed, 1 read" in capsys.readouterr().out


def test_hostile_pictures_cost_no_more_than_the_limits() -> None:
    command = [hostile_pictures.__file__, "--worker", "1"]
    outcomes, failures = watched.run(command, range(PICTURES), "pictures")
    assert failures == []
    assert outcomes["read"] > PICTURES // 5
    assert outcomes["refused"] > PICTURES // 5


def test_hostile_data_files_cost_no_more_than_the_limits() -> None:
    command = [hostile_data.__file__, "--worker", "1"]
    outcomes, failures = watched.run(command, range(DATA_FILES), "data files")
    assert failures == []
    assert outcomes["refused"] > DATA_FILES // 2


def test_a_file_is_the_same_for_the_same_seed_and_number() -> None:
    files = hostile_pictures.good()
    some = [hostile_pictures.make(files, 3, number) for number in range(0, 40, 2)]
    assert some == [hostile_pictures.make(files, 3, number) for number in range(0, 40, 2)]
    assert some != [hostile_pictures.make(files, 4, number) for number in range(0, 40, 2)]
