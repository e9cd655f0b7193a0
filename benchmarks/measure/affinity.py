"""Which cores a case runs on: as many as it has threads, the fastest first, and always the same."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def choose_cpus(threads: int, root: Path = Path("/")) -> tuple[int, ...]:
    """Name the cores for so many threads; empty where the system cannot bind processes to cores.

    The cores with the highest capacity come first (phones and some boards mix two kinds), among equals the
    one with the highest number: interrupts are mostly served by the first.
    """
    if not hasattr(os, "sched_getaffinity"):
        return ()
    folder = root / "sys/devices/system/cpu"

    def rank(cpu: int) -> tuple[int, int]:
        for name in ("cpu_capacity", "cpufreq/cpuinfo_max_freq"):
            try:
                return int((folder / f"cpu{cpu}" / name).read_text()), cpu
            except (OSError, ValueError):
                continue
        return 0, cpu

    return tuple(sorted(sorted(os.sched_getaffinity(0), key=rank, reverse=True)[:threads]))


@contextmanager
def bound_to(cpus: tuple[int, ...]) -> Iterator[None]:
    """Bind this thread, and the processes that it starts, to these cores until the block ends."""
    if not cpus:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def current_cpus() -> tuple[int, ...]:
    """Name the cores that this process is bound to; empty where that cannot be known."""
    return tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else ()
