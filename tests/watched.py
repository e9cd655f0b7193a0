"""Campaigns of hostile files: each is tried in a child process that is watched for its life, time and memory.

A campaign is a script that runs itself again as ``script.py --worker ...`` and calls :func:`serve` there. The parent
sends numbers, the child makes the file of that number, tries it and says what came of it; ``-1`` is a good file, which
must come out as ``same``. What dies, hangs, takes over 5 s of processor time or 300 MB, or ends in ``failed: ...``
is a failure.
"""

import argparse
import contextlib
import os
import selectors
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

TIMEOUT_S = 120.0
"""Of one file, on the clock: a loaded machine is slow."""

LIMIT_S = 5.0
LIMIT_MB = 300.0

GOOD = -1
"""The number of the undamaged file."""


class Outcomes(Counter[str]):
    """How many files came to what.

    Attributes:
        slowest_s: processor time of the slowest.
        peak_mb: memory of the largest, the whole process counted.
    """

    slowest_s = 0.0
    peak_mb = 0.0

    def note(self, outcome: str, seconds: float, peak_mb: float) -> None:
        """Count one file."""
        self[outcome.split(":")[0]] += 1
        self.slowest_s, self.peak_mb = max(self.slowest_s, seconds), max(self.peak_mb, peak_mb)

    def absorb(self, other: "Outcomes") -> None:
        """Count what another campaign counted."""
        self.update(other)
        self.slowest_s, self.peak_mb = max(self.slowest_s, other.slowest_s), max(self.peak_mb, other.peak_mb)

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {name}" for name, count in sorted(self.items())) or "nothing"
        return f"{counts}; peak {self.peak_mb:.0f} MB, slowest {self.slowest_s:.2f} s"


class Worker:
    """A child process that tries one file after another."""

    def __init__(self, command: Sequence[str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
        )
        self._selector = selectors.DefaultSelector()
        assert self.process.stdout is not None
        self._selector.register(self.process.stdout, selectors.EVENT_READ)

    def attempt(self, number: int, timeout_s: float) -> tuple[str, float, float]:
        """Try one file: what came of it, processor time in seconds, memory in MB."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(f"{number}\n")
        except BrokenPipeError:
            return f"failed: died with {self.process.wait()}", 0.0, 0.0
        if not self._selector.select(timeout_s + (60 if number == GOOD else 0)):
            self.process.kill()
            return f"failed: no answer within {timeout_s:.0f} s", timeout_s, 0.0
        line = self.process.stdout.readline().strip()
        if not line:
            return f"failed: died with {self.process.wait()}", 0.0, 0.0
        seconds, peak_mb, outcome = line.split(" ", 2)
        if not outcome.startswith("failed") and number != GOOD:
            if float(seconds) > LIMIT_S:
                outcome = f"failed: took {float(seconds):.1f} s ({outcome})"
            elif float(peak_mb) > LIMIT_MB:
                outcome = f"failed: took {float(peak_mb):.0f} MB ({outcome})"
        return outcome, float(seconds), float(peak_mb)

    def close(self) -> None:
        """End the child."""
        self.process.kill()
        self.process.wait()
        self._selector.close()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def run(
    command: Sequence[str], numbers: Iterable[int], name: str, timeout_s: float = TIMEOUT_S,
    judge: Callable[[str], str] = str,
) -> tuple[Outcomes, list[str]]:  # fmt: skip
    """Try all files.

    Args:
        command: of the worker, behind the name of Python.
        numbers: of the files.
        name: of the campaign, in failures.
        timeout_s: for one file.
        judge: may turn an outcome into a failure.

    Returns:
        What came of them, and a line per failure.
    """
    outcomes, failures = Outcomes(), []
    worker = Worker(command)
    good, _, _ = worker.attempt(GOOD, timeout_s)
    if good != "same":
        worker.close()
        return outcomes, [f"{name}: the undamaged file: {good}"]
    for number in numbers:
        outcome, seconds, peak_mb = worker.attempt(number, timeout_s)
        outcome = judge(outcome)
        outcomes.note(outcome, seconds, peak_mb)
        if outcome.startswith("failed"):
            failures.append(f"{name} mutant {number}: {outcome}")
            worker.close()
            worker = Worker(command)
            worker.attempt(GOOD, timeout_s)
    worker.close()
    return outcomes, failures


def serve(
    prepare: Callable[[int], bytes], attempt: Callable[[bytes], str], refusals: tuple[type[Exception], ...]
) -> None:
    """The child: reads numbers, answers each with processor time, memory and what ``attempt`` returned.

    Args:
        prepare: makes the file of a number; its time and memory do not count.
        attempt: tries it.
        refusals: errors that are an answer; they must be one line. Any other fails.
    """
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a library prints must not mix with the answers
    for line in sys.stdin:
        data = prepare(int(line))
        _forget_peak()
        start = time.process_time()
        try:
            outcome = attempt(data)
        except refusals as error:
            text = str(error)
            kind = "refused" if text and len(text.splitlines()) == 1 else "failed"
            outcome = f"{kind}: {type(error).__name__} {' '.join(text.split())[:200]}"
        except BaseException as error:  # noqa: BLE001  (whatever else comes is what this looks for)
            outcome = f"failed: {type(error).__name__} {' '.join(str(error).split())[:200]}"
        print(f"{time.process_time() - start:.3f} {peak_mb():.1f} {outcome}", file=answers, flush=True)


def _forget_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_mb() -> float:
    """The most memory of this process since its start or its last file; 0 where there is no Linux."""
    try:
        rows = Path("/proc/self/status").read_text().splitlines()
    except OSError:  # no Linux
        return 0.0
    return next(int(row.split()[1]) * 1024 / 1e6 for row in rows if row.startswith("VmHWM"))


def options(description: str, count: int) -> argparse.ArgumentParser:
    """The options that every campaign has."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=count, help=f"how many files (default {count:,})")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="the file of this number alone")
    return parser


def numbers(chosen: argparse.Namespace) -> range:
    """The numbers that the options ask for."""
    return range(chosen.count) if chosen.only is None else range(chosen.only, chosen.only + 1)


def report(name: str, seed: int, outcomes: Outcomes, failures: Sequence[str]) -> int:
    """Print failures and the summary line; returns the exit status."""
    for failure in failures:
        print(f"  {failure}", flush=True)
    print(f"{name}, seed {seed}: {outcomes.total():,} files, {len(failures)} failures: {outcomes}", flush=True)
    return 1 if failures else 0


def main(name: str, script: str, work: Callable[[int], None], description: str, count: int) -> int:
    """Be the command line of a campaign, or with ``--worker SEED`` the child that works for it.

    Args:
        name: of what is tried, for the summary.
        script: that was started, and that is started again as the child.
        work: of the child, for a seed; it serves.
        description: for the help.
        count: how many files by default.

    Returns:
        The exit status: 1 if anything failed.
    """
    if sys.argv[1:2] == ["--worker"]:
        work(int(sys.argv[2]))
        return 0
    chosen = options(description, count).parse_args()
    outcomes, failures = run([script, "--worker", str(chosen.seed)], numbers(chosen), name)
    return report(name, chosen.seed, outcomes, failures)
