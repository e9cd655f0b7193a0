"""Runs on the board: ``digitrec-edge predict`` as a person types it, and a mark at its end.

``cold_start.py PICTURE RUNTIME``: what was executed up to mark 0 is a whole process but for its end, from the start of
Python to the answer, which must come from this runtime.
"""

import sys

from digitrec_edge.__main__ import main

picture, runtime = sys.argv[1:]
sys.argv = ["digitrec-edge", "predict", picture]
try:
    main()
except SystemExit as end:
    assert not end.code
assert f"runtimes.{runtime.replace('-', '_')}" in sys.modules

import ctypes  # noqa: E402  (what the command itself imports comes first)

ctypes.CDLL(None).syscall(ctypes.c_long(0x4242), ctypes.c_long(0))
