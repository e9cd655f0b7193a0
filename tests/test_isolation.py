"""benchmarks.isolation: a child process that dies, hangs or talks nonsense is a reason, never a crash."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.cases import Case
from benchmarks.isolation import ask, compute_logits, measure, measure_cold_start
from digitrec_edge.cli.predict import PRETRAINED
from digitrec_edge.errors import BenchmarkError


def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> Case:
    """Makes Python run ``body`` instead of the child."""
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{body}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    return Case(str(PRETRAINED), "litert")


def test_a_child_that_is_killed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = measure(stand_in(tmp_path, monkeypatch, "kill -SEGV $$"))
    assert row.measured is None
    assert row.reason == "the process died of SIGSEGV"


def test_a_child_that_exits_says_its_last_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = measure(stand_in(tmp_path, monkeypatch, "echo first >&2; echo last >&2; exit 3"))
    assert row.reason == "the process ended with 3: last"


def test_a_child_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = measure(stand_in(tmp_path, monkeypatch, "exec sleep 60"), timeout_s=0.2)
    assert row.reason == "no answer within 0 s"


def test_nonsense_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "echo hello")
    with pytest.raises(BenchmarkError, match="the process ended with 0: no message"):
        ask({"task": "quality"})


def test_what_a_runtime_prints_does_not_mix_with_the_answer() -> None:
    row = measure(Case(str(PRETRAINED), "litert"))
    assert row.measured
    assert row.measured.variant == "int8"
    assert row.measured.accuracy > 0.95
    assert len(row.measured.class_accuracy) == 10


def test_logits_come_back_whole() -> None:
    logits = compute_logits(Case(str(PRETRAINED), "litert"))
    assert logits.shape == (10_000, 10)
    assert logits.dtype == np.float32
    assert np.isfinite(logits).all()


def test_a_missing_artifact_is_a_reason(tmp_path: Path) -> None:
    assert "no such file" in measure(Case(str(tmp_path / "absent.tflite"), "litert")).reason


def test_a_cold_start_that_names_no_digit_is_no_cold_start(tmp_path: Path) -> None:
    case = Case(str(PRETRAINED), "litert")
    with pytest.raises(BenchmarkError, match="the process ended with 1"):
        measure_cold_start(case, tmp_path / "absent.png")


def test_an_unknown_task_is_an_error() -> None:
    with pytest.raises(BenchmarkError, match="no task is called 'dance'"):
        ask({"task": "dance", "case": {"artifact": "a", "runtime": "litert", "threads": 1, "batch": 1, "golden": None,
                                       "data": None}})  # fmt: skip


def test_the_tests_run_where_processes_can_be_started() -> None:
    assert os.access(sys.executable, os.X_OK)
