"""Asks each question about a case in a fresh process and survives whatever happens there."""

import dataclasses
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.measure.cases import Case, Measured, Row
from benchmarks.measure.child import Round
from benchmarks.measure.latency import Effort
from benchmarks.measure.memory import Memory
from digitrec_edge.errors import BenchmarkError
from digitrec_edge.records import parse

TIMEOUT_S = 600.0

CHILD = "import sys; sys.path[:] = filter(None, sys.path); from benchmarks.measure.child import main; main()"
"""Not ``-m benchmarks.measure.child``: that would look for the package in the working directory first."""


def measure(case: Case, timeout_s: float = TIMEOUT_S) -> Row:
    """Measure accuracy and parity of one case in a child process.

    Returns:
        A row; when the case cannot run, the child dies or takes longer than ``timeout_s``, the row
        says why.
    """
    try:
        answer = ask({"task": "quality", "case": dataclasses.asdict(case)}, timeout_s)
    except BenchmarkError as error:
        return Row(case, None, str(error))
    try:
        return Row(case, parse(Measured, answer, "measurement"))
    except ValueError as cause:
        return Row(case, None, f"the process gave no readable answer: {cause}")


def measure_round(case: Case, effort: Effort, images: Path, number: int, timeout_s: float = TIMEOUT_S) -> Round:
    """Time one round of one case; ``images`` is a .npy file with the pictures to call it with.

    Raises:
        BenchmarkError: the case cannot run; says why.
    """
    request = {"task": "round", "case": dataclasses.asdict(case), "effort": dataclasses.asdict(effort)}
    return parse(Round, ask({**request, "images": str(images), "number": number}, timeout_s), "round")


def measure_memory(case: Case, timeout_s: float = TIMEOUT_S) -> Memory:
    """Measure the peak memory of one case; raises what :func:`measure_round` raises."""
    return parse(Memory, ask({"task": "memory", "case": dataclasses.asdict(case)}, timeout_s), "memory")


def measure_cold_start(case: Case, picture: Path, timeout_s: float = TIMEOUT_S) -> float:
    """Return the milliseconds of ``python -m digitrec_edge predict`` from nothing until it has named the digit.

    Raises:
        BenchmarkError: no digit came.
    """
    artifact = str(Path(case.artifact).absolute())
    command = [sys.executable, "-m", "digitrec_edge", "predict", str(picture), "--model", artifact]
    command += ["--runtime", case.runtime, "--threads", str(case.threads)]
    start = time.perf_counter_ns()
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"no answer within {timeout_s:.0f} s") from None
    elapsed_ms = (time.perf_counter_ns() - start) / 1e6
    if done.returncode or str(picture) not in done.stdout:
        raise BenchmarkError(_death(done))
    return elapsed_ms


def ask(request: dict[str, Any], timeout_s: float = TIMEOUT_S) -> Any:
    """Put a request to ``benchmarks.measure.child`` in a fresh process and return its answer.

    Raises:
        BenchmarkError: an error that the child names, its death, or no answer in time.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", CHILD],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"no answer within {timeout_s:.0f} s") from None
    try:
        reply = json.loads(done.stdout)
        if "error" in reply:
            raise BenchmarkError(str(reply["error"]))
        return reply["answer"]
    except (ValueError, KeyError, TypeError) as cause:
        if done.returncode:
            raise BenchmarkError(_death(done)) from None
        raise BenchmarkError(f"the process gave no readable answer: {cause}") from None


def _death(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode < 0:
        names = {int(number): number.name for number in signal.Signals}
        return f"the process died of {names.get(-done.returncode, f'signal {-done.returncode}')}"
    lines = done.stderr.strip().splitlines() or ["no message"]
    return f"the process ended with {done.returncode}: {lines[-1][:200]}"
