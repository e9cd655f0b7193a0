"""benchmarks.results.tables: CSV and Markdown say what the document says."""

import csv
import io
from collections.abc import Callable

import pytest

from benchmarks import document
from benchmarks.measure.latency import EFFORTS
from benchmarks.results.document import Quality, Result, Run
from benchmarks.results.tables import brief_columns, describe, explain, missing_lines, to_csv, to_markdown

MakeResult = Callable[..., Result]
MakeRun = Callable[..., Run]


def test_csv_has_a_line_per_case_and_device_with_full_figures(make_run: MakeRun, make_result: MakeResult) -> None:
    one, failed = make_result(p50=10.0), make_result("float32", status="failed", reasons=("a, b",), end_to_end=None)
    text = to_csv(document(make_run(one, failed), make_run(one, device="Pi 5"))).decode()
    first, second, third = csv.DictReader(io.StringIO(text))
    assert first["device"] == "board"
    assert third["device"] == "Pi 5"
    assert float(first["end_to_end_p50_us"]) == 10.0
    assert float(first["accuracy_percent"]) == 98.0
    assert (second["status"], second["reason"], second["end_to_end_p50_us"]) == ("FAILED", "a, b", "")


def test_markdown_has_verdict_table_and_every_reason(make_run: MakeRun, make_result: MakeResult) -> None:
    failed = make_result("float32", status="failed", reasons=("it died",), end_to_end=None, quality=None)
    text = to_markdown(document(make_run(make_result(p50=10.0), failed))).decode()
    assert "**deploy digitrec-int8.tflite" in text
    assert "| digitrec-int8.tflite | litert 1.2.3 |" in text
    assert "FAILED: digitrec-float32.tflite on litert: it died" in text
    widths = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert len(widths) == 1


def test_several_devices_get_a_table_with_a_column_each(make_run: MakeRun, make_result: MakeResult) -> None:
    slow = make_result(p50=40.0, status="invalid", reasons=("noise",))
    text = to_markdown(
        document(make_run(make_result(p50=10.0)), make_run(slow, device="Pi 5"), make_run(device="Pi 0"))
    )
    assert "| case | board | Pi 5 | Pi 0 |" in text.decode()
    assert "| digitrec-int8.tflite on litert | 10.0 | 40.0 INVALID | - |" in text.decode()


def test_an_interrupted_run_tells_how_many_rounds_were_finished(make_run: MakeRun, make_result: MakeResult) -> None:
    whole, failed = make_result(), make_result("float32", status="failed", end_to_end=None)
    assert whole.end_to_end
    finished = len(whole.end_to_end.round_p50_us)
    assert f", {EFFORTS['quick'].rounds} rounds in 12 s" in describe(make_run(whole, failed))
    ended = f"of {EFFORTS['quick'].rounds} rounds in 12 s, interrupted"
    assert describe(make_run(whole, failed, interrupted=True)).endswith(f", {finished} {ended}")
    assert describe(make_run(failed, interrupted=True)).endswith(f", 0 {ended}")


def test_threads_and_batch_are_shown_where_one_is_several(make_run: MakeRun, make_result: MakeResult) -> None:
    alike = [column.name for column in brief_columns(make_run(make_result(), make_result("float32")))]
    assert not {"threads", "batch"} & set(alike)
    differing = [column.name for column in brief_columns(make_run(make_result(), make_result(threads=4)))]
    assert "threads" in differing
    assert "batch" not in differing
    several = [column.name for column in brief_columns(make_run(make_result(batch=32), make_result("int4", batch=32)))]
    assert "batch" in several
    assert "threads" not in several


def test_a_line_says_why_an_agreement_is_not_known(make_run: MakeRun, make_result: MakeResult) -> None:
    note = "golden.npz belongs to another Keras model"
    quality = Quality(0.98, (0.98,) * 10, None, None, None, None, note)
    old = [make_result("float32", runtime, quality=quality) for runtime in ("litert", "tflite-runtime")]
    lines = missing_lines(make_run(make_result(), *old, make_result("int4", quality=quality)))
    assert lines == [f"agreement unknown: digitrec-float32.tflite, digitrec-int4.tflite: {note}"]
    assert missing_lines(make_run(make_result())) == []


def test_a_percentile_that_the_sample_cannot_support_is_a_dash(make_run: MakeRun, make_result: MakeResult) -> None:
    import dataclasses

    result = make_result()
    assert result.end_to_end
    few = dataclasses.replace(result, end_to_end=dataclasses.replace(result.end_to_end, p99_us=None))
    (column,) = (column for column in brief_columns(make_run(few)) if column.brief == "p99 us")
    assert column.text(few) == "-"
    assert column.text(result) != "-"


def test_a_figure_that_is_not_to_be_relied_on_is_marked_alone(make_run: MakeRun, make_result: MakeResult) -> None:
    run = make_run(make_result(p50=10.0, unreliable=("invoke",), reasons=("noise",)), make_result("int4"))
    cells = [{column.brief: column.text(result) for column in brief_columns(run)} for result in run.results]
    assert [(row["p50 us"], row["invoke us"], row["status"]) for row in cells] == [
        ("10.0", "6.0?", "ok"), ("10.0", "6.0", "ok"),
    ]  # fmt: skip
    assert "?: INVALID, not to be relied on." in explain(run)
    assert "?" not in explain(make_run(run.results[1]))
    assert "INVALID invoke: digitrec-int8.tflite on litert: noise" in to_markdown(document(run)).decode()
    first, second = csv.DictReader(io.StringIO(to_csv(document(run)).decode()))
    assert (first["unreliable"], second["unreliable"], first["invoke_p50_us"]) == ("invoke", "", "6.0")


def test_how_surely_the_accuracy_is_known_is_said_below_the_table_and_in_the_csv(
    make_run: MakeRun, make_result: MakeResult, make_quality: Callable[..., Quality]
) -> None:
    run = make_run(make_result(quality=make_quality(range(205))), make_result("int4", quality=make_quality()))
    assert explain(run).endswith("Accuracy: 10,000 images tell it to +-0.28 pp (95 %).")
    assert "Accuracy" not in explain(make_run(make_result()))
    first, second, third = csv.DictReader(
        io.StringIO(to_csv(document(make_run(*run.results, make_result("x")))).decode())
    )
    assert float(first["accuracy_low_percent"]) == pytest.approx(97.65, abs=0.005)
    assert float(first["accuracy_high_percent"]) == pytest.approx(98.21, abs=0.005)
    assert float(second["accuracy_high_percent"]) == 100
    assert third["accuracy_low_percent"] == ""
