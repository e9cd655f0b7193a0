"""benchmarks.results.comparison and ``digitrec-edge compare``: regressions, noise, and what may not be compared."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import document
from benchmarks.results.comparison import compare_documents
from benchmarks.results.document import Document, Result, Run
from digitrec_edge.errors import BenchmarkError

MakeResult = Callable[..., Result]
MakeRun = Callable[..., Run]


def outcome(old: Document, new: Document, limit: float = 0.05) -> str:
    (row,) = compare_documents(old, new, max_regression=limit)
    return row.outcome


@pytest.mark.parametrize(
    ("now", "noise", "expected"),
    [
        (10.0, 0.01, "same"),
        (11.0, 0.005, "regression"),
        (11.0, 0.2, "unclear"),
        (10.4, 0.005, "slower"),
        (10.4, 0.05, "same"),
        (8.0, 0.01, "faster"),
    ],
)
def test_outcomes(now: float, noise: float, expected: str, make_run: MakeRun, make_result: MakeResult) -> None:
    old, new = (document(make_run(make_result(p50=p50, noise=noise))) for p50 in (10.0, now))
    assert outcome(old, new) == expected


def test_the_limit_can_be_moved(make_run: MakeRun, make_result: MakeResult) -> None:
    old, new = (document(make_run(make_result(p50=p50))) for p50 in (10.0, 12.0))
    assert outcome(old, new, 0.05) == "regression"
    assert outcome(old, new, 0.25) == "slower"


def test_a_case_that_can_no_longer_run_is_lost(make_run: MakeRun, make_result: MakeResult) -> None:
    other = make_result("float32")
    failed = make_result(status="failed", reasons=("refused",), end_to_end=None, invoke=None)
    rows = compare_documents(document(make_run(make_result(), other)), document(make_run(failed, other)))
    assert [row.outcome for row in rows] == ["lost", "same"]
    assert rows[0].note == "refused"


def test_invalid_figures_are_not_compared(make_run: MakeRun, make_result: MakeResult) -> None:
    other = make_result("float32")
    invalid = make_result(p50=90.0, status="invalid", reasons=("noise",))
    rows = compare_documents(document(make_run(make_result(), other)), document(make_run(invalid, other)))
    assert rows[0].outcome == "not comparable"
    assert rows[0].end_to_end is None


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("board", "Raspberry Pi 5", "board was not named, is Raspberry Pi 5"),
        ("cpu", "Another", "CPU was A CPU, is Another"),
        ("governor", "powersave", "governor was performance, is powersave"),
    ],
)
def test_other_machines_are_refused_unless_told(
    field: str, value: str, words: str, make_run: MakeRun, make_result: MakeResult
) -> None:
    old, new = document(make_run(make_result())), document(make_run(make_result(), **{field: value}))
    with pytest.raises(BenchmarkError, match=words):
        compare_documents(old, new)
    assert compare_documents(old, new, force=True)[0].outcome == "same"


def test_other_numbers_of_threads_are_refused_unless_told(make_run: MakeRun, make_result: MakeResult) -> None:
    old, new = document(make_run(make_result())), document(make_run(make_result(threads=4)))
    with pytest.raises(BenchmarkError, match="threads was 1, is 4"):
        compare_documents(old, new)
    assert compare_documents(old, new, force=True)[0].outcome == "same"


def test_devices_are_paired_by_name(make_run: MakeRun, make_result: MakeResult) -> None:
    old = document(make_run(make_result(p50=10.0), device="a"), make_run(make_result(p50=20.0), device="b"))
    new = document(make_run(make_result(p50=20.0), device="b"), make_run(make_result(p50=10.0), device="a"))
    assert {(row.device, row.outcome) for row in compare_documents(old, new)} == {("a", "same"), ("b", "same")}
    with pytest.raises(BenchmarkError, match="only one has b"):
        compare_documents(old, document(new.runs[1], make_run(device="c")))


def test_nothing_in_common_is_an_error(make_run: MakeRun, make_result: MakeResult) -> None:
    with pytest.raises(BenchmarkError, match="no case was measured in both"):
        compare_documents(document(make_run(make_result("int8"))), document(make_run(make_result("float32"))))


def test_another_file_or_version_is_noted(make_run: MakeRun, make_result: MakeResult) -> None:
    new = make_result(artifact_sha256="1" * 64, runtime_version="2.0")
    (row,) = compare_documents(document(make_run(make_result())), document(make_run(new)))
    assert row.note == "litert 1.2.3 -> 2.0, another file"


@pytest.fixture
def pair(tmp_path: Path, make_run: MakeRun, make_result: MakeResult) -> tuple[Path, Path]:
    paths = tmp_path / "old.json", tmp_path / "new.json"
    for path, p50 in zip(paths, (10.0, 11.0), strict=True):
        path.write_bytes(document(make_run(make_result(p50=p50, noise=0.001))).to_json())
    return paths


Cli = Callable[..., "subprocess.CompletedProcess[str]"]


def test_the_command_fails_on_a_regression_and_names_it(cli: Cli, pair: tuple[Path, Path]) -> None:
    done = cli("compare", *pair, ok=False)
    assert done.returncode == 1
    assert "1.10x [1.10, 1.10]" in done.stdout
    assert "REGRESSION" in done.stdout
    assert done.stderr.count("\n") == 1
    assert "digitrec-int8.tflite on litert" in done.stderr


def test_the_command_succeeds_within_the_limit(cli: Cli, pair: tuple[Path, Path]) -> None:
    assert "slower" in cli("compare", *pair, "--max-regression", "15%").stdout
    assert "slower" in cli("compare", *pair, "--max-regression", "0.15").stdout
    assert "faster" in cli("compare", pair[1], pair[0]).stdout


@pytest.mark.parametrize("text", ["", "much", "-5%", "nan", "inf"])
def test_a_limit_that_is_no_share_is_wrong_usage(text: str, cli: Cli, pair: tuple[Path, Path]) -> None:
    done = cli("compare", *pair, f"--max-regression={text}", ok=False)
    assert done.returncode == 2
    assert "give 5% or 0.05" in done.stderr


def test_a_file_that_is_no_document_is_one_line(cli: Cli, tmp_path: Path, pair: tuple[Path, Path]) -> None:
    (tmp_path / "bad.json").write_text("{}")
    done = cli("compare", tmp_path / "bad.json", pair[0], ok=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
