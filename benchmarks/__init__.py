"""Measuring: latency and parity of artifacts, each case in a process of its own."""

from benchmarks.cases import Case, Row, find_artifacts, plan
from benchmarks.isolation import measure
from benchmarks.parity import GATES, Parity, check_gate, compare

__all__ = ["GATES", "Case", "Parity", "Row", "check_gate", "compare", "find_artifacts", "measure", "plan"]
