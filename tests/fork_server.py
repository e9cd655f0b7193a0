"""Runs ``digitrec-edge`` in forks of one process that has imported what it needs.

Each command is a process of its own, with its own exit status and streams, and without half a second of imports, five
with TensorFlow. Standard input brings requests, one line of JSON each: arguments, working folder, environment, the
files for standard output and error, and whether ``--quick`` stands for one round. Standard output takes exit statuses.
"""

import dataclasses
import gc
import importlib
import json
import os
import signal
import sys
from typing import Any

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
    from digitrec_edge.cli import app

    CliRunner().invoke(app, ["inspect", str(pretrained.DEFAULT)])  # typer and rich import much of themselves when used
    gc.collect()
    gc.freeze()  # nothing of it is looked through, and so copied, in every fork


def serve() -> None:
    """Answer requests until they end."""
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    for line in requests:
        process = os.fork()
        if process == 0:
            requests.close()
            answers.close()
            run(json.loads(line))
            return
        _, status = os.waitpid(process, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)


if __name__ == "__main__":
    prepare(desktop="--desktop" in sys.argv)
    serve()
