"""The device's own test suite, run on a board by the board's Python."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from emulated_pi.installation import Installation
from emulated_pi.setups import SETUPS, installed

pytestmark = [pytest.mark.pi, pytest.mark.checkout]

ROOT = Path(__file__).parents[2]
FULL = next(setup for setup in SETUPS if {"litert", "onnx"} <= {*setup.extras})
BY_THE_PROCESSOR = ("golden", "machine", "probe", "quantization", "runtimes_loading", "runtimes_model")
"""What computes, loads what computes, or looks at the board."""

SHOWN_BY_BOARDS = ("test_runtimes_agree_on_the_same_artifact", "test_logits_are_those_of_keras")
"""A minute of answers to the whole test set; test_boards compares them on every board."""

BY_PYTHON_ALONE = (
    "artifact", "card", "files", "formats_flatbuffer", "formats_onnx", "formats_protobuf", "formats_tflite", "mnist",
    "old_files", "records",
)  # fmt: skip
"""What reads and checks files, byte by byte. The tests of the command line and of the benchmark start hundreds of
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


def test_the_devices_tests_of_what_computes_pass_on_the_board(board: Installation) -> None:
    run(board, BY_THE_PROCESSOR, without=SHOWN_BY_BOARDS)


def test_the_devices_tests_of_what_reads_files_pass_on_the_board(board: Installation) -> None:
    run(board, BY_PYTHON_ALONE)


def run(board: Installation, modules: Sequence[str], without: Sequence[str] = ()) -> None:
    """Run these modules' tests there."""
    paths = " ".join(f"tests/test_{module}.py" for module in modules)
    environment = "PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/home/pi/tools"
    markers = "not desktop and not checkout and not pi and not long"
    chosen = f"-k 'not ({' or '.join(without)})'" if without else ""
    options = f"-q -p no:cacheprovider --durations=12 -m '{markers}' {chosen}"
    command = f"cd checkout && {environment} ../env/bin/python -m pytest {options} {paths}"
    done = board.machine.run(command, ok=False, timeout_s=1500)
    print("\n" + "\n".join(done.stdout.splitlines()[-24:]))
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
