"""benchmarks.results.comparison and ``digitrec-edge compare``: regressions, noise, and what may not be compared."""

import dataclasses
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import document
from benchmarks.measure.memory import Memory
from benchmarks.quality.answers import AnswerChange, pack_answers
from benchmarks.results.comparison import Allowed, Compared, compare_documents
from benchmarks.results.document import Document, Quality, Result, Run, Starts
from digitrec_edge.errors import BenchmarkError

MakeResult = Callable[..., Result]
MakeRun = Callable[..., Run]


def outcome(old: Document, new: Document, limit: float = 0.05) -> str:
    (row,) = compare_documents(old, new, Allowed(latency=limit))
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
    assert rows[0].note == "failed: refused"
    rows = compare_documents(document(make_run(make_result(), other)), document(make_run(other)))
    assert [(row.outcome, row.note) for row in rows] == [("lost", "not in the new document"), ("same", "")]
    rows = compare_documents(document(make_run(failed, other)), document(make_run(make_result(), other)))
    assert [row.outcome for row in rows] == ["not comparable", "same"]


def test_a_case_that_became_invalid_is_told_and_its_latency_is_not_compared(
    make_run: MakeRun, make_result: MakeResult
) -> None:
    other = make_result("float32")
    invalid = make_result(p50=90.0, status="invalid", reasons=("noise",))
    rows = compare_documents(document(make_run(make_result(), other)), document(make_run(invalid, other)))
    assert (rows[0].outcome, rows[0].note, rows[0].end_to_end) == ("invalid", "INVALID: noise", None)
    rows = compare_documents(document(make_run(invalid, other)), document(make_run(make_result(), other)))
    assert (rows[0].outcome, rows[0].end_to_end) == ("not comparable", None)


def test_noise_in_one_quantity_leaves_the_other_compared(make_run: MakeRun, make_result: MakeResult) -> None:
    old = make_result()
    for quantity, status, note in (
        ("invoke", "ok", "invoke INVALID: noise"),
        ("end_to_end", "invalid", "INVALID: noise"),
    ):
        noisy = {"unreliable": (quantity,), "status": status, "reasons": ("noise",)}
        (row,) = compare_documents(document(make_run(old)), document(make_run(make_result(**noisy))))
        assert row.outcome == ("same" if status == "ok" else "invalid")
        assert row.note == note
        assert (row.end_to_end is None, row.invoke is None) == (quantity == "end_to_end", quantity == "invoke")
        slow = make_result(p50=20.0, **noisy)
        (row,) = compare_documents(document(make_run(old)), document(make_run(slow)))
        (beyond,) = row.beyond
        assert beyond.startswith("end to end takes 2.00x" if quantity == "invoke" else "invoke takes 2.00x")
    (row,) = compare_documents(document(make_run(make_result(unreliable=("invoke",)))), document(make_run(old)))
    assert (row.outcome, row.note) == ("same", "invoke INVALID in the old document")


LABELS = (np.arange(1000) % 10).astype(np.uint8)


def quality(wrong: NDArray[np.bool_], step: int = 1, test_sha256: str = "a" * 64, agreement: float = 0.99) -> Quality:
    """Where ``wrong``, another digit is read."""
    digits = np.where(wrong, (LABELS + step) % 10, LABELS)
    accuracy = float((~wrong).mean())
    return Quality(accuracy, (accuracy,) * 10, pack_answers(digits, LABELS, test_sha256), 0.98, agreement, 1e-6, "")


def compared(
    then: Quality, now: Quality, make_run: MakeRun, make_result: MakeResult, status: str = "ok", **limits: float
) -> Compared:
    old, new = make_result(quality=then), make_result(quality=now, status=status)
    (row,) = compare_documents(document(make_run(old)), document(make_run(new)), Allowed(**limits))  # type: ignore[arg-type]
    return row


@pytest.mark.parametrize("status", ["ok", "invalid"])
def test_lost_accuracy_is_a_regression_even_where_the_timing_is_noise(
    status: str, make_run: MakeRun, make_result: MakeResult
) -> None:
    then, now = quality(np.arange(1000) < 50), quality(np.arange(1000) >= 560)
    row = compared(then, now, make_run, make_result, status)
    assert row.outcome == "regression"
    assert row.accuracy_pp == pytest.approx(-39.0)
    assert row.change == AnswerChange(1000, better=50, worse=440, otherwise=0)
    assert "accuracy fell from 95.00% to 56.00%, by 39.00 pp (at most 0.2)" in row.beyond


def test_accuracy_may_fall_as_far_as_its_limit(make_run: MakeRun, make_result: MakeResult) -> None:
    then, now = quality(np.arange(1000) < 20), quality(np.arange(1000) < 22)
    assert compared(then, now, make_run, make_result, accuracy_drop_pp=0.2).outcome == "same"
    assert compared(then, now, make_run, make_result, accuracy_drop_pp=0.19).outcome == "regression"


def test_the_same_accuracy_with_other_answers_is_a_regression(make_run: MakeRun, make_result: MakeResult) -> None:
    then = quality(np.arange(1000) < 20)
    elsewhere, otherwise = quality(np.arange(1000) >= 980), quality(np.arange(1000) < 20, step=2)
    row = compared(then, elsewhere, make_run, make_result)
    assert (row.outcome, row.accuracy_pp) == ("regression", 0)
    assert row.change == AnswerChange(1000, better=20, worse=20, otherwise=0)
    assert row.beyond == (
        "40 of the same 1,000 images (20 worse, 20 better, 0 otherwise wrong) are read differently, 4.00% (at most 1%)",
    )
    assert compared(then, elsewhere, make_run, make_result, changed=0.04).outcome == "same"
    assert compared(then, otherwise, make_run, make_result).change == AnswerChange(1000, 0, 0, otherwise=20)


def test_without_answers_the_agreement_with_the_keras_model_may_not_fall(
    make_run: MakeRun, make_result: MakeResult
) -> None:
    then, now = (dataclasses.replace(quality(LABELS > 9, agreement=share), answers=None) for share in (0.999, 0.95))
    assert compared(then, now, make_run, make_result).outcome == "regression"
    assert compared(now, then, make_run, make_result).outcome == "same"


def test_other_test_sets_are_refused_unless_told(make_run: MakeRun, make_result: MakeResult) -> None:
    old, new = (document(make_run(make_result(quality=quality(LABELS > 9, test_sha256=64 * x)))) for x in "ab")
    with pytest.raises(BenchmarkError, match="test set was aaaaaaaa, is bbbbbbbb"):
        compare_documents(old, new)
    (row,) = compare_documents(old, new, force=True)
    assert (row.outcome, row.change) == ("same", None)


@pytest.mark.parametrize("name", ["size", "memory", "cold-start"])
def test_what_is_given_a_limit_may_not_grow_beyond_it(name: str, make_run: MakeRun, make_result: MakeResult) -> None:
    grown: dict[str, dict[str, object]] = {
        "size": {"file_bytes": 270_000},
        "memory": {"memory": Memory(64_800_000, 40_000_000)},
        "cold-start": {"starts": Starts((5.0,), (6.0,), (100.0,), (432.0,))},
    }
    old, new = document(make_run(make_result())), document(make_run(make_result(**grown[name])))
    assert [row.outcome for row in compare_documents(old, new)] == ["same"]
    assert [row.outcome for row in compare_documents(old, new, Allowed(figures={name: 0.08}))] == ["same"]
    (row,) = compare_documents(old, new, Allowed(figures={name: 0.05}))
    assert (row.outcome, row.beyond) == ("regression", (f"{name} grew to 1.08x (at most 1.05x)",))


def test_a_figure_with_a_limit_that_was_not_measured_fails(make_run: MakeRun, make_result: MakeResult) -> None:
    old, new = document(make_run(make_result())), document(make_run(make_result(memory=None)))
    (row,) = compare_documents(old, new, Allowed(figures={"memory": 0.05}))
    assert row.beyond == ("memory was not measured in both",)


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


@pytest.mark.parametrize("force", [False, True])
def test_what_has_no_device_in_common_is_not_advised_to_use_force(
    force: bool, make_run: MakeRun, make_result: MakeResult
) -> None:
    old, new = (document(*(make_run(make_result(), device=name) for name in names)) for names in ("ab", "cd"))
    with pytest.raises(BenchmarkError, match="only one has a, b, c, d; no device is in both, so nothing can be compar"):
        compare_documents(old, new, force=force)


def test_nothing_in_common_is_an_error(make_run: MakeRun, make_result: MakeResult) -> None:
    with pytest.raises(BenchmarkError, match="no case is in both documents"):
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


def write(path: Path, run: Run) -> Path:
    path.write_bytes(document(run).to_json())
    return path


def test_swapped_output_columns_fail(cli: Cli, tmp_path: Path, make_run: MakeRun, make_result: MakeResult) -> None:
    good, bad = quality(np.arange(1000) < 50), quality(np.arange(1000) >= 560)
    files = [write(tmp_path / f"{k}.json", make_run(make_result(quality=one))) for k, one in enumerate((good, bad))]
    done = cli("compare", *files, "--github", ok=False)
    assert done.returncode == 1
    annotation = next(line for line in done.stdout.splitlines() if line.startswith("::error "))
    assert annotation == (
        "::error title=regression%3A digitrec-int8.tflite on litert::"
        "accuracy fell from 95.00%25 to 56.00%25, by 39.00 pp (at most 0.2)"
    )
    assert cli("compare", *reversed(files), "--max-changed", "50%").returncode == 0
    assert cli("compare", *files, "--max-changed", "50%", "--max-accuracy-drop", "40pp").returncode == 0


def test_a_case_that_became_invalid_fails_a_strict_comparison_only(
    cli: Cli, tmp_path: Path, make_run: MakeRun, make_result: MakeResult
) -> None:
    other, invalid = make_result("float32"), make_result(status="invalid", reasons=("noise",))
    old = write(tmp_path / "old.json", make_run(make_result(), other))
    new = write(tmp_path / "new.json", make_run(invalid, other))
    done = cli("compare", old, new, "--github")
    assert "INVALID: digitrec-int8.tflite on litert: INVALID: noise" in done.stdout
    assert "::warning title=invalid%3A digitrec-int8.tflite on litert::INVALID: noise" in done.stdout
    assert cli("compare", old, new, "--strict", ok=False).returncode == 1
    all_invalid = write(tmp_path / "all.json", make_run(invalid))
    done = cli("compare", write(tmp_path / "one.json", make_run(make_result())), all_invalid, ok=False)
    assert done.returncode == 1
    assert "every case that is in both documents is INVALID in one of them" in done.stderr


def test_a_lost_case_fails(cli: Cli, tmp_path: Path, make_run: MakeRun, make_result: MakeResult) -> None:
    old = write(tmp_path / "old.json", make_run(make_result(), make_result("float32")))
    done = cli("compare", old, write(tmp_path / "new.json", make_run(make_result())), ok=False)
    assert done.returncode == 1
    assert "LOST: digitrec-float32.tflite on litert: not in the new document" in done.stdout
    assert "1 of 2 cases" in done.stderr


@pytest.mark.parametrize(
    ("option", "text", "words"),
    [
        *(("--max-regression", text, "give 5% or 0.05") for text in ("", "much", "-5%", "nan", "inf", "size=much")),
        ("--max-regression", "weight=5%", "size, memory, cold-start"),
        ("--max-accuracy-drop", "much", "such as 0.2pp"),
        ("--max-regression", "5", "'5' is 500 %; give 5% or 0.05"),
        ("--max-regression", "size=1.2", "'1.2' is 120 %; give 1.2% or 0.012"),
        ("--max-changed", "-1%", "give 5% or 0.05"),
        ("--max-changed", "5", "'5' is 500 %; give 5% or 0.05"),
        ("--max-changed", "200%", "100% is the most"),
    ],
)
def test_a_limit_that_is_none_is_wrong_usage(
    option: str, text: str, words: str, cli: Cli, pair: tuple[Path, Path]
) -> None:
    done = cli("compare", *pair, f"{option}={text}", ok=False)
    assert done.returncode == 2
    assert words in done.stderr


def test_limits_are_given_one_by_one_or_together(cli: Cli, pair: tuple[Path, Path]) -> None:
    assert cli("compare", *pair, "--max-regression", "15%,size=0%", "--max-regression", "memory=150%").returncode == 0


@pytest.mark.parametrize("text", ["{}", "[1]", '{"history_version": 1, "version": 3, "epochs": []}'])
def test_a_file_that_is_no_document_is_one_line(cli: Cli, tmp_path: Path, pair: tuple[Path, Path], text: str) -> None:
    (tmp_path / "bad.json").write_text(text)
    done = cli("compare", tmp_path / "bad.json", pair[0], ok=False)
    assert done.returncode == 1
    assert "bad.json is no benchmark document: it has no runs" in done.stderr
    assert done.stderr.count("\n") == 1
