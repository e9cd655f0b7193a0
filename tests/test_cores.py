"""The cores that this process may use are those of its affinity and of its container's quota."""

import os
from pathlib import Path

import pytest

from digitrec_edge.cli import cores


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("max 100000\n", 8), ("200000 100000\n", 2), ("250000 100000\n", 2), ("50000 100000\n", 1), ("1600000 100000", 8),
     ("", 8), ("words", 8), ("1 0", 8), (None, 8)],
)  # fmt: skip
def test_a_quota_lowers_the_number_of_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str | None, expected: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {*range(8)}, raising=False)
    if quota is not None:
        (tmp_path / "cpu.max").write_text(quota)
    assert cores.usable_cores(tmp_path / "cpu.max") == expected


def test_a_system_without_affinity_has_its_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    for count, expected in ((6, 6), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda count=count: count)
        assert cores.usable_cores(tmp_path / "absent") == expected
