"""Peak memory of this process."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from digitrec_edge.records import Within


@dataclass(frozen=True)
class Memory:
    """Highest resident memory of a process that does nothing but load a model and call it.

    Attributes:
        peak_bytes: of the whole process: Python, numpy, runtime, model.
        before_bytes: of the same process before it imported the runtime and loaded the model.
    """

    peak_bytes: Annotated[int, Within(0, 1 << 50)]
    before_bytes: Annotated[int, Within(0, 1 << 50)]


def peak_memory_bytes() -> int:
    """Return the highest resident set size of this process so far.

    Linux: ``VmHWM`` of /proc/self/status, which begins anew with each program; ``ru_maxrss`` would begin with
    the parent's. Elsewhere ``ru_maxrss``.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
