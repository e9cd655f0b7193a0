"""The native runtime on the emulated boards: every kernel and rounding gives the bytes that it gives here."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from emulated_pi.installation import Installation
from emulated_pi.setups import Setup

pytestmark = [pytest.mark.pi, pytest.mark.checkout]

SCRIPT = Path(__file__).parent / "on_board" / "native_answers.py"
KERNELS = {
    "pi2": {"native-armv7.so": {"neon", "plain"}, "native-armv6.so": {"plain"}},
    "pi4": {"native-aarch64.so": {"neon", "plain"}},
    "pi5": {"native-aarch64.so": {"dotprod", "neon", "plain"}},
    "riscv": {"native-riscv64.so": {"plain"}},
}


@pytest.fixture(scope="session")
def expected(pi_artifacts: Path) -> dict[str, str]:
    """The answers on this machine, where tests/test_native.py holds them against numpy's and LiteRT's."""
    command = [sys.executable, str(SCRIPT), str(pi_artifacts)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    report: dict[str, dict[str, Any]] = json.loads(done.stdout)
    answers = [found for kernels in report.values() for found in kernels.values()]
    assert all(found == answers[0] for found in answers)
    return dict(answers[0])


def test_every_kernel_gives_the_same_bytes_as_here(board: Installation, setup: Setup, expected: dict[str, str]) -> None:
    found = json.loads(board.python("-", "artifacts", stdin=SCRIPT.read_text()).stdout)
    assert {name: {*kernels} for name, kernels in found.items()} == KERNELS[setup.board.name]
    for name, kernels in found.items():
        for kernel, answers in kernels.items():
            assert answers == expected, f"{name}: {kernel}"
