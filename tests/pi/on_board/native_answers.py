"""Runs on a board and on this machine: every native kernel, rounding and artifact over the whole test set.

``native_answers.py FOLDER``: prints one JSON object, ``{library: {kernel: {what: sha256 of all answers}}}``. What is
asked are the int8 and int4 .tflite artifacts in FOLDER in each of the four roundings, and networks of odd widths.
A board of 32 bits is asked with the library of the older processors, too.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from digitrec_edge import artifact, mnist
from digitrec_edge.dense import library
from digitrec_edge.dense.network import Dense, Network
from digitrec_edge.dense.reading import network_of
from digitrec_edge.dense.rounding import ROUNDINGS
from digitrec_edge.quantization import pixel_table
from runtimes.native import NativeSession

WIDTHS = ((1, 1), (3, 5), (17, 33, 31), (785, 129, 257, 10), (1024, 1000))
ARTIFACTS = ("digitrec-int8.tflite", "digitrec-int4.tflite")


def hashed(count: int, seed: int) -> Any:
    """Return numbers that look random and are the same with every numpy: ``(count,) uint32``."""
    with np.errstate(over="ignore"):
        found = np.arange(1, count + 1, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(seed)
        found ^= found >> np.uint32(15)
        return found * np.uint32(2246822519)


def a_network(widths: tuple[int, ...]) -> Network:
    """Return a network of these widths."""
    layers = []
    for k in range(len(widths) - 1):
        inputs, outputs = widths[k], widths[k + 1]
        weights = (hashed(inputs * outputs, k) >> 24).astype(np.uint8).view(np.int8).reshape(outputs, inputs)
        factors = (1 + (hashed(outputs, k + 9) >> 24) / 256) / (64.0 * inputs)
        bias = (hashed(outputs, k + 5) >> 20).astype(np.int32)
        layers.append(Dense(weights, 8, bias, factors, factors.astype(np.float32), 5, 5 * (k % 2)))
    return Network(tuple(layers), "uint8", 1 / 255, 0, "uint8", 0.1, 5)


def questions(folder: Path) -> dict[str, tuple[Network, Any]]:
    """Return networks and inputs by name."""
    asked: dict[str, tuple[Network, Any]] = {}
    for name in ARTIFACTS:
        network, _ = network_of(artifact.read(folder / name).payload)
        table = pixel_table(network.input_dtype, network.input_scale, network.input_zero_point)
        asked[name] = (network, table[mnist.load("test").images])
    for widths in WIDTHS:
        inputs = (hashed(20 * widths[0], 3) >> 23).reshape(20, -1)
        asked[str(widths)] = (a_network(widths), np.where(inputs > 255, 0, inputs).astype(np.uint8))
    return asked


def main(folder: Path) -> None:
    """Answer everything."""
    own = library.load_library()
    libraries = [own]
    if own.path == library.library_path("armv7"):
        libraries.append(library.open_library(library.library_path("armv6")))
    report: dict[str, dict[str, dict[str, str]]] = {}
    for one in libraries:
        for kernel in one.kernels:
            found = report.setdefault(one.path.name, {}).setdefault(kernel.name, {})
            for name, (network, inputs) in questions(folder).items():
                for rounding in ROUNDINGS:
                    session = NativeSession(network, rounding, library=one, kernel=kernel.name)
                    answers = session.run_batch(inputs).tobytes()
                    found[f"{name} {rounding.name}"] = hashlib.sha256(answers).hexdigest()
    print(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
