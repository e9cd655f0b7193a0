"""No model but that of native survives a fork: the child says so at once, whatever threads did, and loads it again."""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from digitrec_edge import mnist
from digitrec_edge.errors import InputError
from runtimes import RUNTIMES, load

TIMES = 10
LIMIT_S = 60.0

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


def in_child(work: Callable[[], bool]) -> bool:
    """Fork, do the work in the child within the limit, and return whether it was right."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of a fork beside threads
        child = os.fork()
    if child == 0:
        os._exit(0 if work() else 1)
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def refuses(call: Callable[[], object]) -> bool:
    try:
        call()
    except InputError as error:
        return "was loaded before this process was forked; load it again" in str(error)
    return False


@pytest.mark.parametrize(
    ("runtime", "name"),
    [(row.name, f"digitrec-int8.{row.formats[0]}") for row in RUNTIMES if row.installed and row.name != "native"],
    ids=[row.name for row in RUNTIMES if row.installed and row.name != "native"],
)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_forked_child_refuses_a_model_at_once_and_loads_it_again(
    artifacts: Path, mnist_test: mnist.Digits, runtime: str, name: str, threads: int
) -> None:
    path, image, many = artifacts / name, mnist_test.images[0], mnist_test.images[:300]
    with load(path, runtime, threads) as model:
        ending = threading.Event()

        def work() -> None:
            while not ending.is_set():
                model.logits(many)

        busy = threading.Thread(target=work)
        busy.start()

        def child() -> bool:
            if not all(map(refuses, (lambda: model.classify(image), lambda: model.logits(image), model.invoke))):
                return False
            model.close()
            with load(path, runtime, threads) as again:
                return again.classify(image) == 7

        try:
            results = [in_child(child) for _ in range(TIMES)]
        finally:
            ending.set()
            busy.join()
        assert results == [True] * TIMES
        assert model.classify(image) == 7


def test_a_child_that_ends_as_usual_does_not_wait_for_the_lost_model(artifacts: Path) -> None:
    """Its end frees what is left, and the runtime's threads are not there to be joined.

    ONNX Runtime lets no forked process end but by ``os._exit``, even one that never had a model.
    """
    code = (
        "import os, sys, numpy as np\n"
        "from runtimes import load\n"
        "models = [load(path, runtime, 4) for path, runtime in zip(sys.argv[1::2], sys.argv[2::2])]\n"
        "for model in models:\n    model.logits(np.zeros((300, 28, 28), np.uint8))\n"
        "child = os.fork()\n"
        "if child:\n    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    pairs = [
        (str(artifacts / f"digitrec-int8.{row.formats[0]}"), row.name)
        for row in RUNTIMES
        if row.installed and row.runs("tflite")
    ]
    command = [sys.executable, "-W", "ignore", "-c", code, *(part for pair in pairs for part in pair)]
    assert subprocess.run(command, timeout=120, check=False).returncode == 0
