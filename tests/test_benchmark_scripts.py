"""The scripts of benchmarks/scripts, typed wrongly or where a tool is missing: a line that says so, and status 2."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.checkout


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("side_by_side.py", "the following arguments are required: tflite, onnx"),
        ("side_by_side.py a.tflite a.onnx", "no such file: a.tflite; digitrec-edge export"),
        ("web_speed.py", "the following arguments are required: npm, artifact"),
        ("web_speed.py nowhere a.tflite", "nowhere has no node_modules; there: npm install"),
        ("serve_load.py", "wrk is not installed: apt-get install wrk"),
        ("classify_speed.py", "no such folder: build/artifacts; digitrec-edge export"),
        ("recipe_seeds.py --recipe secret", "invalid choice: 'secret'"),
        ("recipe_seeds.py --seeds 0", "at least 1 is needed"),
    ],
)
def test_wrong_usage_of_a_script_is_one_line(line: str, reason: str, tmp_path: Path) -> None:
    name, *arguments = line.split()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": str(tmp_path)}
    command = [sys.executable, str(ROOT / "benchmarks" / "scripts" / name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
