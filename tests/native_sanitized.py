"""The native kernels under AddressSanitizer and UndefinedBehaviorSanitizer: networks of many widths, damaged models.

``python tests/native_sanitized.py --count 10000 --seed 0`` builds the library of this machine by gcc with both
sanitizers and runs itself again with it: every kernel and rounding on layers whose sizes fill no lane or group, in
memory of just their size, against numpy; and ``load(..., "native")`` with so many damaged models, as ``tests/fuzz.py``
damages them. Whatever reads or writes where it should not ends the child.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np

if not __package__:  # run as a script
    sys.path.insert(0, str(Path(__file__).parents[1]))
from digitrec_edge import artifact, formats, pretrained
from digitrec_edge.dense import build, library
from digitrec_edge.dense.library import processor
from digitrec_edge.dense.network import Dense, Network
from digitrec_edge.dense.rounding import ROUNDINGS
from digitrec_edge.errors import DigitrecError

FLAGS = (
    "-std=gnu99", "-O1", "-g", "-ffp-contract=off", "-fvisibility=hidden", "-fPIC", "-shared",
    "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
)  # fmt: skip
WIDTHS = ((1, 1), (3, 5), (7, 9, 10), (17, 33, 31), (15, 65, 2), (784, 100, 10), (785, 129, 257, 10), (1024, 1023, 1))


def build_sanitized(folder: Path, source: Path = build.SOURCE) -> None:
    """Build the library of this machine with the sanitizers."""
    folder.mkdir(exist_ok=True)
    path = folder / f"native-{processor()}.so"
    subprocess.run(["gcc", *FLAGS, "-o", str(path), "native.c"], cwd=source, check=True, capture_output=True)
    build.write_sums(folder)


def run(folder: Path, count: int, seed: int) -> "subprocess.CompletedProcess[str]":
    """Run the child with the library that was built into a folder."""
    found = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    environment = {
        **os.environ, "LD_PRELOAD": found.stdout.strip(), "PYTHONMALLOC": "malloc",
        "ASAN_OPTIONS": "detect_leaks=0:quarantine_size_mb=16", "OPENBLAS_NUM_THREADS": "1",
    }  # fmt: skip
    command = [sys.executable, str(Path(__file__)), "--worker", str(folder), str(count), str(seed)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def work(folder: Path, count: int, seed: int) -> None:
    """The child."""
    from runtimes.native import NativeSession

    library.FOLDER = folder
    tried = 0
    for widths in WIDTHS:
        network = _network(widths, seed)
        inputs = np.random.default_rng(seed).integers(0, 256, (9, widths[0])).astype(np.uint8)
        inputs *= np.linspace(0, 1, 9)[:, None] > np.random.default_rng(seed).uniform(size=inputs.shape)
        for kernel in library.load_library().kernels:
            for rounding in ROUNDINGS:
                session = NativeSession(network, rounding, kernel=kernel.name)
                for one in (inputs[k : k + 1].copy() for k in range(len(inputs))):
                    expected = network.run(one, rounding)
                    assert session._numbers(one, widths[-1]).tobytes() == expected.tobytes()
                    assert session._classify(session._block, one.tobytes()) == expected.argmax()
                    tried += 1
    print(f"{tried} inputs of {len(WIDTHS)} networks as numpy has them; {_mutants(count, seed)}")


def _network(widths: tuple[int, ...], seed: int) -> Network:
    random, layers = np.random.default_rng(seed), []
    for inputs, outputs in pairwise(widths):
        weights = random.integers(-128, 128, (outputs, inputs)).astype(np.int8)
        factors = random.uniform(0.5, 2, outputs) / 40 / np.sqrt(inputs)
        bias = random.integers(-9000, 9000, outputs).astype(np.int32)
        layers.append(Dense(weights, 8, bias, factors, factors.astype(np.float32), 5, int(random.choice([0, 5]))))
    return Network(tuple(layers), "uint8", 1 / 255, 0, "uint8", 0.1, 5)


def _mutants(count: int, seed: int) -> str:
    from runtimes import load
    from tests import fuzz

    payload = artifact.read(pretrained.DEFAULT).payload.replace(formats.MARK, b"x" * len(formats.MARK))
    image = np.random.default_rng(seed).integers(0, 256, (28, 28)).astype(np.uint8)
    outcomes: Counter[str] = Counter()
    for number in range(-1, count):
        try:
            with load(payload if number < 0 else fuzz.mutate(payload, seed, number), "native", 2) as model:
                model.predict(np.stack([image] * 3))
                model.classify(image)
            outcomes["answered"] += 1
        except DigitrecError:
            outcomes["refused"] += 1
    assert outcomes["answered"] > 0
    return f"of {count + 1} models {outcomes['answered']} were answered and {outcomes['refused']} refused"


def main() -> int:
    """Build, run, and say what came of it."""
    if sys.argv[1:2] == ["--worker"]:
        work(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="how many damaged models (default 10,000)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        build_sanitized(Path(folder))
        done = run(Path(folder), options.count, options.seed)
    print(done.stdout + done.stderr[-4000:], end="")
    return 1 if done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
