"""Measuring: latency, memory and parity of artifacts, each case in processes of its own."""

from benchmarks.cases import Case, Row, find_artifacts, plan
from benchmarks.document import Document, Result, Run, document, merge
from benchmarks.harness import Step, run
from benchmarks.isolation import measure
from benchmarks.latency import EFFORTS, Effort
from benchmarks.parity import GATES, Parity, check_gate, compare

__all__ = [
    "EFFORTS", "GATES", "Case", "Document", "Effort", "Parity", "Result", "Row", "Run", "Step", "check_gate", "compare",
    "document", "find_artifacts", "measure", "merge", "plan", "run",
]  # fmt: skip
