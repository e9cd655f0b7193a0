"""Runs a case in a fresh process and survives whatever happens there."""

import dataclasses
import json
import signal
import subprocess
import sys

from benchmarks.cases import Case, Measured, Row
from digitrec_edge.card import parse

TIMEOUT_S = 600.0


def measure(case: Case, timeout_s: float = TIMEOUT_S) -> Row:
    """Measure one case in a child process.

    Returns:
        A row; when the case cannot run, the child dies or takes longer than ``timeout_s``, the row
        says why.
    """
    command = [sys.executable, "-m", "benchmarks.child"]
    request = json.dumps(dataclasses.asdict(case))
    try:
        done = subprocess.run(command, input=request, capture_output=True, text=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        return Row(case, None, f"no answer within {timeout_s:.0f} s")
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        return Row(case, None, _death(done))
    if "error" in answer:
        return Row(case, None, answer["error"]["message"])
    return Row(case, parse(Measured, answer["measured"], "measurement"))


def _death(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode < 0:
        return f"the process died of {signal.Signals(-done.returncode).name}"
    lines = done.stderr.strip().splitlines() or ["no message"]
    return f"the process ended with {done.returncode}: {lines[-1][:200]}"
