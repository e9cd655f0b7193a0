"""How many cores this process may use."""

import os
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(quota: Path = QUOTA) -> int:
    """Return how many cores this process may use, by its affinity and by the quota of its container, at least 1.

    Args:
        quota: a file with microseconds of work, or ``max``, per microseconds of time (Linux, control groups version 2).
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        work_us, time_us = quota.read_text(encoding="ascii").split()
        return max(1, min(cores, int(work_us) // int(time_us)))
    except (OSError, ValueError, ZeroDivisionError):  # no control group, or no quota
        return cores
