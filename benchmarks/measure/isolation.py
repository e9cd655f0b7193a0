"""Asks each question about a case in a fresh process and survives whatever happens there."""

import dataclasses
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.measure.cases import Attempt, Case, Measured
from benchmarks.measure.latency import Effort
from benchmarks.measure.memory import Memory
from benchmarks.measure.tasks import Round
from digitrec_edge import child
from digitrec_edge.errors import BenchmarkError
from digitrec_edge.records import parse

TIMEOUT_S = 600.0

FUNCTION = "benchmarks.measure.tasks:answer"


def measure(case: Case, timeout_s: float = TIMEOUT_S) -> Attempt:
    """Measure accuracy and parity of one case in a child process.

    Returns:
        A row; when the case cannot run, the child dies or takes longer than ``timeout_s``, the row
        says why.
    """
    try:
        answer = ask({"task": "quality", "case": dataclasses.asdict(case)}, timeout_s)
    except BenchmarkError as error:
        return Attempt(case, None, str(error))
    try:
        return Attempt(case, parse(Measured, answer, "measurement"))
    except ValueError as cause:
        return Attempt(case, None, f"the process gave no readable answer: {cause}")


def measure_round(case: Case, effort: Effort, images: Path, number: int) -> Round:
    """Time one round of one case; ``images`` is a .npy file with the pictures to call it with.

    Raises:
        BenchmarkError: the case cannot run; says why.
    """
    request = {"task": "round", "case": dataclasses.asdict(case), "effort": dataclasses.asdict(effort)}
    return parse(Round, ask({**request, "images": str(images), "number": number}), "round")


def measure_memory(case: Case) -> Memory:
    """Measure the peak memory of one case; raises what :func:`measure_round` raises."""
    return parse(Memory, ask({"task": "memory", "case": dataclasses.asdict(case)}), "memory")


def measure_cold_start(case: Case, picture: Path) -> float:
    """Return the milliseconds of ``python -m digitrec_edge predict`` from nothing until it has named the digit.

    Raises:
        BenchmarkError: no digit came.
    """
    artifact = str(Path(case.artifact).absolute())
    command = [sys.executable, "-m", "digitrec_edge", "predict", str(picture), "--model", artifact]
    command += ["--accept-anything", "--runtime", case.runtime, "--threads", str(case.threads)]
    command = child.ending_with_parent(command)
    start = time.perf_counter_ns()
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"no answer within {TIMEOUT_S:.0f} s") from None
    elapsed_ms = (time.perf_counter_ns() - start) / 1e6
    if done.returncode or str(picture) not in done.stdout:
        raise BenchmarkError(child.describe_end(done.returncode, done.stderr))
    return elapsed_ms


def ask(request: dict[str, Any], timeout_s: float = TIMEOUT_S) -> Any:
    """Put a request to ``benchmarks.measure.tasks`` in a fresh process and return its answer.

    Raises:
        BenchmarkError: an error that the child names, its death, or no answer in time.
    """
    return child.ask(FUNCTION, request, timeout_s, BenchmarkError)
