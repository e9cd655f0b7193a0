"""How threads that share one model scale: pictures per second of a ``ThreadPoolExecutor`` with 1 and with 2 threads.

``python benchmarks/scripts/thread_speed.py`` gives batches of 4,096 pictures to ``predict``, in turns with 1 thread and
with 2, in one process per runtime, and prints medians and their ratio. It ends with 1 when ``native``, whose calls do
not wait for each other, has a ratio below 1.6; the other runtimes' calls do, and theirs is shown beside it.
"""

import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from digitrec_edge import mnist, pretrained
from runtimes import RUNTIMES, load

BATCH, BATCHES, ROUNDS, LEAST = 4096, 24, 15, 1.6


def seconds(model: Any, batches: list[Any], threads: int) -> float:
    """Time all batches in so many threads."""
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(model.predict, batches[:threads]))
        start = time.perf_counter()
        list(pool.map(model.predict, batches))
        return time.perf_counter() - start


def measure(runtime: str, kind: str) -> float:
    """Print both medians; returns the median of the ratios, round by round."""
    images = mnist.load("test").images
    batches = [images[:BATCH], images[BATCH : 2 * BATCH]] * (BATCHES // 2)
    with load(pretrained.BY_FORMAT[kind], runtime) as model:
        rounds = [(seconds(model, batches, 1), seconds(model, batches, 2)) for _ in range(ROUNDS)]
    one, two = (BATCH * BATCHES / statistics.median(times) for times in zip(*rounds, strict=True))
    ratio = statistics.median(alone / both for alone, both in rounds)
    print(f"{runtime:15} 1 thread {one:9,.0f}/s  2 threads {two:9,.0f}/s  ratio {ratio:.2f}", flush=True)
    return ratio


if __name__ == "__main__":
    if len(sys.argv) == 3:
        sys.exit(measure(sys.argv[1], sys.argv[2]) < LEAST and sys.argv[1] == "native")
    cases = [(row.name, next(f for f in row.formats if f in pretrained.BY_FORMAT)) for row in RUNTIMES if row.installed]
    sys.exit(max(subprocess.run([sys.executable, __file__, *case]).returncode for case in cases))
