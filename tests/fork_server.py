"""Runs ``digitrec-edge`` in forks of one process that has imported what it needs.

Each command is a process of its own, with its own exit status and streams, and without half a second of imports, five
with TensorFlow. Standard input brings requests, one line of JSON each: arguments, working folder, environment, the
files for standard output and error, and whether to be brief: one round of ``--quick``, one tool of training tried by
``doctor``. Standard output takes exit statuses.
"""

import atexit
import dataclasses
import gc
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

LIMIT_S = 900.0
DESKTOP = ("tensorflow", "keras", "onnx", "tf2onnx", "ai_edge_quantizer.quantizer", "digitrec_edge.export")


def run(request: dict[str, Any]) -> None:
    """Be that command, as ``python -m digitrec_edge`` is; what is left is the end of the interpreter."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["cwd"])
    sys.path[0] = request["cwd"]
    sys.argv = ["digitrec-edge", *request["arguments"]]
    for descriptor, path in enumerate((os.devnull, request["stdout"], request["stderr"])):
        os.dup2(os.open(path, os.O_RDWR), descriptor)
    if request["brief"]:
        from benchmarks.measure.latency import EFFORTS
        from digitrec_edge.installation import doctor

        doctor.CONVERT = doctor.CONVERT[-1:]
        EFFORTS["quick"] = dataclasses.replace(
            EFFORTS["quick"], rounds=1, warmup_calls=10, warmup_ms=0, calls=300, measure_ms=0, cold_starts=1
        )
    from digitrec_edge.cli import main

    main()


def prepare(desktop: bool) -> None:
    """Import what commands need, but no runtime: two of them cannot live in one process."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    for module in ("benchmarks.request", "rich.progress", *DESKTOP * desktop):
        importlib.import_module(module)
    from typer.testing import CliRunner

    from digitrec_edge import pretrained
    from digitrec_edge.cli.program import program

    CliRunner().invoke(
        program(), ["inspect", str(pretrained.DEFAULT)]
    )  # typer and rich import much of themselves when used
    gc.collect()
    gc.freeze()  # nothing of it is looked through, and so copied, in every fork


def serve(answers: TextIO) -> None:
    """Answer requests until they end."""
    requests = os.fdopen(os.dup(0))
    for line in requests:
        process = os.fork()
        if process == 0:
            requests.close()
            answers.close()
            run(json.loads(line))
            return
        _, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)


class ForkServer:
    """Runs commands in forks of a process that has imported what they need; the other end of :func:`serve`.

    Args:
        desktop: whether TensorFlow belongs to that.
        python: the interpreter.
        variables: of the environment, besides those of the tests.
    """

    def __init__(self, desktop: bool, python: str = sys.executable, **variables: str) -> None:
        options = ["--desktop"] * desktop
        self._variables = variables
        command = [python, __file__, *options]
        self._server = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, **variables},
        )  # fmt: skip
        atexit.register(self._server.communicate)

    def run(self, arguments: Sequence[str], cwd: Path, brief: bool) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        assert self._server.stdin
        assert self._server.stdout
        with tempfile.NamedTemporaryFile() as output, tempfile.NamedTemporaryFile() as errors:
            request = {
                "arguments": arguments, "cwd": str(cwd), "stdout": output.name, "stderr": errors.name, "brief": brief,
                "environment": {**os.environ, **self._variables},
            }  # fmt: skip
            print(json.dumps(request), file=self._server.stdin, flush=True)
            assert select.select([self._server.stdout], [], [], LIMIT_S)[0], f"no end in {LIMIT_S:.0f} s: {arguments}"
            status = self._server.stdout.readline()
            assert status, "the fork server died; python tests/fork_server.py says why"
            return subprocess.CompletedProcess(arguments, int(status), output.read().decode(), errors.read().decode())


if __name__ == "__main__":
    exit_statuses = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints while it is imported is no exit status
    prepare(desktop="--desktop" in sys.argv)
    serve(exit_statuses)
