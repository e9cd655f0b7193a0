"""A million digits through ``digitrec-edge read``: throughput per core against a raw loop, and with a worker killed.

``python benchmarks/scripts/farm_speed.py FOLDER`` writes 1,000,000 digits (MNIST's test set, shifted by up to two
pixels) to FOLDER as .npy and as Parquet, and reads each in turns with a raw loop, ``predict`` over the same file in
batches of 8,192 and nothing written. Both have one process, and seconds of processor time are compared, as the machine
may have other work: of the loop, and of the parts, with reading, answers and Parquet. Then it reads once more with a
process per core and kills one in the middle. It ends with 1 when a median ratio is below 0.8, or a row is missing or
there twice. ``--digits N`` takes fewer, ``--runtime NAME`` another runtime than ``native``.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from digitrec_edge import mnist, pretrained
from runtimes import load

BATCH, ROUNDS, LEAST = 8192, 3, 0.8


def make(folder: Path, count: int) -> dict[str, Path]:
    """Write the digits, unless they are there."""
    files = {"npy": folder / f"{count}.npy", "parquet": folder / f"{count}.parquet"}
    if not all(path.exists() for path in files.values()):
        images, shifts = mnist.load("test").images, np.random.default_rng(0).integers(-2, 3, (-(-count // 10_000), 2))
        digits = np.concatenate([np.roll(images, tuple(shift), axis=(1, 2)) for shift in shifts])[:count]
        np.save(files["npy"], digits)
        values = pa.FixedSizeBinaryArray.from_buffers(pa.binary(784), count, [None, pa.py_buffer(digits)])
        pq.write_table(pa.table({"image": values}), files["parquet"])
    return files


def batches(path: Path) -> Iterator[Any]:
    """Yield the digits of a file as one would by hand."""
    if path.suffix == ".npy":
        images = np.load(path, mmap_mode="r")
        yield from (images[start : start + BATCH] for start in range(0, len(images), BATCH))
        return
    for batch in pq.ParquetFile(path).iter_batches(BATCH, use_threads=False):
        column = batch.column(0)
        flat = np.frombuffer(column.buffers()[1], np.uint8)[column.offset * 784 :][: len(column) * 784]
        yield flat.reshape(-1, 28, 28)


def raw_loop(path: Path, runtime: str) -> float:
    """Return the seconds of processor time that a loop takes."""
    with load(pretrained.DEFAULT, runtime) as model:
        start = time.process_time()
        for images in batches(path):
            model.predict(images)
        return time.process_time() - start


def command(path: Path, output: Path, runtime: str) -> list[str]:
    """Return the line that reads a file."""
    options = ["--output", str(output), "--runtime", runtime, "--restart", "--model", str(pretrained.DEFAULT)]
    return [sys.executable, "-m", "digitrec_edge", "read", str(path), *options]


def read(path: Path, output: Path, runtime: str) -> tuple[float, float]:
    """Return the seconds of processor time of all parts, and those that went by."""
    start = time.perf_counter()
    subprocess.run([*command(path, output, runtime), "--jobs", "1"], check=True, capture_output=True)
    elapsed = time.perf_counter() - start
    marks = [json.loads(pq.read_metadata(part).metadata[b"digitrec"]) for part in output.glob("part-*.parquet")]
    return sum(mark["tally"]["cpu_s"] for mark in marks), elapsed


def compare(path: Path, output: Path, runtime: str, count: int) -> float:
    """Print medians of a file; returns the ratio."""
    rounds = [(raw_loop(path, runtime), *read(path, output, runtime)) for _ in range(ROUNDS)]
    raw, farm, elapsed = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratio = statistics.median(loop / parts for loop, parts, _ in rounds)
    print(
        f"{runtime:8} {path.suffix:9} raw loop {count / raw:9,.0f}/s  read {count / farm:9,.0f}/s per core  "
        f"ratio {ratio:.2f}  {elapsed:.1f} s from start to end",
        flush=True,
    )
    return ratio


def kill_one(path: Path, output: Path, runtime: str) -> bool:
    """Kill a worker once a part is there, and say whether every row is there once in the end."""
    process = subprocess.Popen(command(path, output, runtime), stderr=subprocess.PIPE, text=True)
    for old in output.glob("part-*"):
        old.unlink()
    while process.poll() is None and not list(output.glob("part-*")):
        time.sleep(0.01)
    victim = max(_workers(process.pid), default=0)
    if victim and process.poll() is None:
        os.kill(victim, signal.SIGKILL)
    said = process.communicate()[1]
    rows = pq.read_table(output, columns=["row"])["row"].to_numpy()
    once = bool((np.sort(rows) == np.arange(pq.read_metadata(path).num_rows)).all())
    print(f"worker {victim} killed; status {process.returncode}; {len(rows):,} rows, each once: {once}; {said.strip()}")
    return once and victim > 0 and process.returncode == 0


def _workers(parent: int) -> list[int]:
    """Processes of Dask's workers: children by spawn that do more than watch over resources."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status, line = (folder / "stat").read_text(), (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if int(status.rpartition(")")[2].split()[1]) == parent and b"spawn_main" in line:
            found.append(int(folder.name))
    return found


def main() -> int:
    """Measure, and return the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--digits", type=int, default=1_000_000)
    parser.add_argument("--runtime", default="native")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    files, output = make(asked.folder, asked.digits), asked.folder / "answers"
    ratios = [compare(path, output, asked.runtime, asked.digits) for path in files.values()]
    whole = kill_one(files["parquet"], output, asked.runtime)
    return int(min(ratios) < LEAST or not whole)


if __name__ == "__main__":
    sys.exit(main())
