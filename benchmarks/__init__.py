"""Measuring: latency, memory and parity of artifacts, each case in processes of its own."""

from benchmarks.harness import Step, run
from benchmarks.measure.cases import Case, Row, find_artifacts, plan
from benchmarks.measure.latency import EFFORTS, Effort
from benchmarks.quality.parity import Parity, check_gate, compare
from benchmarks.results.document import Document, Result, Run, document, merge

__all__ = [
    "EFFORTS", "Case", "Document", "Effort", "Parity", "Result", "Row", "Run", "Step", "check_gate", "compare",
    "document", "find_artifacts", "merge", "plan", "run",
]  # fmt: skip
