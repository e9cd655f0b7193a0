"""The device's own test suite, run on a board by the board's Python."""

import shutil
import subprocess
from pathlib import Path

import pytest
from emulated_pi.installation import Installation
from emulated_pi.setups import SETUPS, installed

pytestmark = [pytest.mark.pi, pytest.mark.checkout]

ROOT = Path(__file__).parents[2]
FULL = next(setup for setup in SETUPS if {"litert", "onnx"} <= {*setup.extras})
MODULES = (
    "artifact", "card", "files", "formats_flatbuffer", "formats_onnx", "formats_protobuf", "formats_tflite", "golden",
    "machine", "mnist", "old_files", "probe", "quantization", "records", "runtimes_loading", "runtimes_model",
)  # fmt: skip
"""What reads, checks and runs artifacts. The tests of the command line and of the benchmark start hundreds of
processes, which takes an hour of emulation; those commands are run for real by test_boards."""


@pytest.fixture(scope="module")
def board(trained: Path) -> Installation:
    """A board with both newer runtimes, the checkout, and the artifacts that its tests want."""
    installation = installed(FULL)
    checkout = installation.machine.home / "checkout"
    shutil.rmtree(checkout, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.split("\0"):
        source = ROOT / name
        if name and source.is_file() and "data/mnist" not in name:
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, checkout / name)
    shutil.copytree(trained, checkout / "build" / "test" / trained.name)
    return installation


def test_the_devices_test_suite_passes_on_the_board(board: Installation) -> None:
    paths = " ".join(f"tests/test_{module}.py" for module in MODULES)
    environment = "PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/home/pi/tools"
    markers = "not desktop and not checkout and not pi and not long"
    options = f"-q -p no:cacheprovider --durations=12 -m '{markers}'"
    command = f"cd checkout && {environment} ../env/bin/python -m pytest {options} {paths}"
    done = board.machine.run(command, ok=False, timeout_s=1500)
    print("\n" + "\n".join(done.stdout.splitlines()[-24:]))
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
