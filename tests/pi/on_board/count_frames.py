"""Runs on the board: reads the regions of frames, with a mark before and after each.

``count_frames.py FILE RUNTIME``: FILE is a .npz with ``NAME-DIGITS``: ``(N, height, width, 3) uint8``, frames that show
one case; DIGITS is 0 where the number of digits is not known. Prints what ``count_calls.py`` prints.
"""

import ctypes
import json
import sys

import numpy as np

from digitrec_edge import pretrained
from digitrec_edge.recognition import How
from digitrec_edge.watching.glimpse import glimpse
from runtimes import load

SYSCALL_MARK = 0x4242
_syscall = ctypes.CDLL(None).syscall
_syscall.argtypes = [ctypes.c_long, ctypes.c_long]


def mark(number: int) -> None:
    """Have the counter written down."""
    _syscall(SYSCALL_MARK, number)


path, runtime = sys.argv[1:]
with load(pretrained.DEFAULT, runtime) as model, np.load(path) as cases:
    for _ in range(20):
        mark(0)
        mark(1)
    for series, case in enumerate(sorted(cases), 1):
        how = How(multi=True, min_confidence=0.9997, count=int(case.rpartition("-")[2]) or None)
        frames = cases[case]
        glimpse(model, frames[0], case, how)
        for frame in frames:
            mark(2 * series)
            glimpse(model, frame, case, how)
            mark(2 * series + 1)
        print(json.dumps({"series": series, "artifact": case, "call": "glimpse"}))
