"""Ctrl-C in ``export`` at any moment: exit status 130, one line or nothing, and nothing half-written.

``python tests/interruptions.py FOLDER --count 50 --seed 7`` interrupts an export of FOLDER/model.keras so often, at
moments by chance from the first line of our code to the end: every other time the whole process group, as a terminal
does, otherwise the process alone. It prints one line of figures.
"""

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STARTED = 0.15
"""Seconds from when Python listens for Ctrl-C until our code runs; before that Ctrl-C is Python's own affair."""


@dataclass(frozen=True)
class Interrupted:
    """What an interrupted export left.

    Attributes:
        problem: empty when all is well.
        finished: it had ended by itself before.
    """

    moment_s: float
    group: bool
    status: int
    finished: bool
    problem: str
    seconds_after: float


def command(model: Path, output: Path) -> list[str]:
    """Return the command line of the export that is interrupted."""
    return [sys.executable, "-m", "digitrec_edge", "export", str(model), "--float32", "--int8", "-o", str(output)]


def interrupt(model: Path, output: Path, moment_s: float, *, group: bool, after: str = "") -> Interrupted:
    """Interrupt an export so many seconds after Python listens, and ``after``, a pattern, is found in its folder."""
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(
            command(model, output), stdout=subprocess.DEVNULL, stderr=told, start_new_session=True
        )
        while process.poll() is None and not (listens(process.pid) and (not after or list(output.glob(after)))):
            time.sleep(0.02)
        try:
            process.wait(moment_s)
        except subprocess.TimeoutExpired:
            (os.killpg if group else os.kill)(process.pid, signal.SIGINT)
        sent = time.monotonic()
        finished = process.poll() is not None
        process.wait(120)
        told.seek(0)
        stderr = told.read().decode(errors="replace")
    problem = _problem(process, stderr, output)
    return Interrupted(moment_s, group, process.returncode, finished, problem, time.monotonic() - sent)


def _problem(process: "subprocess.Popen[bytes]", stderr: str, output: Path) -> str:
    from digitrec_edge import artifact
    from digitrec_edge.errors import DigitrecError

    names = {path.name for path in output.iterdir()} if output.exists() else set()
    complete = {"golden.npz", "digitrec-float32.tflite", "digitrec-int8.tflite"} <= names
    if process.returncode != 130 and not (complete and process.returncode == 0):  # it came when all was written
        return f"exit status {process.returncode}: {stderr[-600:]}"
    if "Traceback" in stderr or len(stderr.splitlines()) > 1:
        return f"more than a line: {stderr[-600:]}"
    if session_of(process.pid):
        return "a child is left"
    for path in sorted(output.iterdir()) if output.exists() else ():
        if path.name.startswith("."):
            return f"{path.name} is left"
        if path.suffix in (".tflite", ".onnx"):
            try:
                artifact.read(path)
            except DigitrecError as error:
                return str(error)
    return ""


def listens(process: int) -> bool:
    """Tell whether a process has a handler of its own for Ctrl-C."""
    caught = re.search(r"^SigCgt:\s*(\w+)", Path(f"/proc/{process}/status").read_text(), re.M)
    return caught is not None and bool(int(caught[1], 16) & 1 << signal.SIGINT - 1)


def session_of(leader: int) -> list[int]:
    """Return the processes that live in the session that a process began."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            found.append(int(entry.name))
    return found


def campaign(model: Path, count: int, seed: int) -> dict[str, Any]:
    """Interrupt so many exports; returns figures and what failed."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        start = time.monotonic()
        subprocess.run(command(model, Path(scratch) / "whole"), check=True, capture_output=True)
        whole_s = time.monotonic() - start
        met = [
            interrupt(model, Path(scratch) / str(k), STARTED + chance.random() * (whole_s - STARTED), group=bool(k % 2))
            for k in range(count)
        ]
    totals = Counter("finished" if one.finished else "interrupted" for one in met)
    failures = [one for one in met if one.problem]
    slowest = max(one.seconds_after for one in met)
    return {
        "exports": count, "seed": seed, **totals, "failed": len(failures), "export_s": round(whole_s, 1),
        "slowest_end_s": round(slowest, 1), "failures": failures,
    }  # fmt: skip


def main() -> int:
    """Run the campaign and print one line of figures; 1 when anything failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    figures = campaign(options.folder / "model.keras", options.count, options.seed)
    for failure in figures.pop("failures"):
        print(failure)
    print("interruptions:", ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items()))
    return int(bool(figures["failed"]))


if __name__ == "__main__":
    sys.exit(main())
