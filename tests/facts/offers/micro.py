"""Offers TFLite Micro's own interpreter a model with one operator: ``micro.py CODE``.

It looks an operator up by its code, whatever its version, and says so on standard error; with one that it has, it fails
at the missing inputs, or ends at once. So this runs in a process of its own.
"""

import sys

from operators import model  # type: ignore[import-not-found]  # beside this file
from tflite_micro.python.tflite_micro import runtime

if __name__ == "__main__":
    runtime.Interpreter.from_bytes(model(int(sys.argv[1]), 1, node=True))
