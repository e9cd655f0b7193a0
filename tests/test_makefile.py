"""The Makefile: help for every target that is meant for people, and the ones promised."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.checkout


def make(*arguments: str) -> str:
    done = subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def test_help_explains_the_targets_promised() -> None:
    text = make("help")
    for target in ("setup", "demo", "test", "lint", "help", "wheel"):
        assert re.search(rf"^  make {target} +\S", text, re.MULTILINE), target


def test_test_is_linter_types_and_every_test_process() -> None:
    plan = make("--dry-run", "test")
    for step in (
        "ruff check",
        "ruff format --check",
        "mypy",
        "lint-imports",
        '"not desktop and not pi and not long"',
        '-m "desktop and not long"',
        'pytest -q -m "not long" tests/web',
        "mkdocs build",
    ):
        assert step in plan


def test_what_takes_long_is_run_apart() -> None:
    plan = make("--dry-run", "test-long")
    assert '-m "long and not desktop"' in plan
    assert '-m "long and desktop"' in plan


def test_demo_trains_exports_benchmarks_and_reports() -> None:
    plan = [line.split(" ", 1)[1] for line in make("--dry-run", "demo").splitlines() if "bin/digitrec-edge " in line]
    assert [line.split()[0] for line in plan] == ["train", "export", "benchmark", "report"]


def test_setup_is_done_once_and_again_only_when_what_it_installs_has_changed() -> None:
    sources = ("pyproject.toml", "constraints.txt", "digitrec_edge/__init__.py")
    question = ["make", "--question", *(f"--assume-old={name}" for name in sources), "setup"]
    assert subprocess.run(question, cwd=ROOT, check=False).returncode == 0
    for changed in sources:
        again = ["make", "--question", f"--assume-new={changed}", "setup"]
        assert subprocess.run(again, cwd=ROOT, check=False).returncode == 1


def test_ci_runs_the_tests_on_every_python_and_on_emulated_boards() -> None:
    assert "other_python.py --brief" in make("--dry-run", "test-newest")
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    steps = [line for line in lines if line.startswith("make")]
    assert steps == [
        "make test", "make test-long", "make web-runtimes", "make mcu",
        "make --no-print-directory --jobs=2 --output-sync=target pi loop",
    ]  # fmt: skip


def test_wheel_makes_the_one_for_devices_as_well() -> None:
    assert "dist/device" in make("--dry-run", "wheel")
