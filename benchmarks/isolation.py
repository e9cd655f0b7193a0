"""Runs a case in a fresh process and survives whatever happens there."""

import dataclasses
import json
import signal
import subprocess
import sys

from benchmarks.cases import Answer, Case, Row
from digitrec_edge.card import parse

TIMEOUT_S = 600.0

CHILD = "import sys; sys.path[:] = filter(None, sys.path); from benchmarks.child import main; main()"
"""Not ``-m benchmarks.child``: that would look for the package in the working directory first."""


def measure(case: Case, timeout_s: float = TIMEOUT_S) -> Row:
    """Measure one case in a child process.

    Returns:
        A row; when the case cannot run, the child dies or takes longer than ``timeout_s``, the row
        says why.
    """
    command = [sys.executable, "-c", CHILD]
    request = json.dumps(dataclasses.asdict(case))
    try:
        done = subprocess.run(
            command, input=request, capture_output=True, text=True, errors="replace", timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        return Row(case, None, f"no answer within {timeout_s:.0f} s")
    try:
        answer = parse(Answer, json.loads(done.stdout), "answer")
    except ValueError as cause:
        return Row(case, None, _death(done) if done.returncode else f"the process gave no readable answer: {cause}")
    if answer.measured is None:
        return Row(case, None, answer.error or "the process gave no reason")
    return Row(case, answer.measured)


def _death(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode < 0:
        names = {int(number): number.name for number in signal.Signals}
        return f"the process died of {names.get(-done.returncode, f'signal {-done.returncode}')}"
    lines = done.stderr.strip().splitlines() or ["no message"]
    return f"the process ended with {done.returncode}: {lines[-1][:200]}"
