"""A million digits through ``digitrec-edge read``: throughput per core against a raw loop, and with a worker killed.

``python benchmarks/scripts/farm_speed.py FOLDER`` writes 1,000,000 digits (MNIST's test set, shifted by up to two
pixels) to FOLDER as .npy and as Parquet. A worker of Dask takes each part in turns by a raw loop, ``predict`` over the
same rows in batches of 8,192 and nothing written, and as ``read`` does, with reading, answers and Parquet. Seconds of
processor time are compared, as the machine may have other work. Then ``read`` itself reads all with a process per core,
and one is killed in the middle. It ends with 1 when a median ratio is below 0.8, or a row is missing or there twice.
``--digits N`` takes fewer, ``--runtime NAME`` another runtime than ``native``.
"""

import argparse
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
from digitrec_edge.farm import Reader
from digitrec_edge.farm.cluster import local_cluster
from digitrec_edge.farm.inputs import find_tables, plan_tables
from digitrec_edge.farm.output import Manifest, begin
from digitrec_edge.farm.parts import InputPart
from digitrec_edge.farm.reader import _loaded
from digitrec_edge.farm.work import Work
from runtimes import load

BATCH, ROUNDS, LEAST = 8192, 4, 0.8


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


def rows_of(path: Path, part: InputPart) -> Iterator[Any]:
    """Yield the digits of a part of a file as one would by hand."""
    if path.suffix == ".npy":
        images = np.load(path, mmap_mode="r")
        yield from (images[at : min(at + BATCH, part.stop)] for at in range(part.start, part.stop, BATCH))
        return
    at = 0
    for batch in pq.ParquetFile(path).iter_batches(BATCH, use_threads=False):
        if part.start <= at < part.stop:
            column = batch.column(0)
            flat = np.frombuffer(column.buffers()[1], np.uint8)[column.offset * 784 :][: len(column) * 784]
            yield flat.reshape(-1, 28, 28)
        at += len(batch)
        if at >= part.stop:
            return


def both(work: Work, path: Path, part: InputPart) -> tuple[float, float]:
    """Return the seconds of processor time that a loop by hand takes for a part, and the work on it."""
    model = _loaded(work.reader.origin, os.getpid())
    start = time.process_time()
    for images in rows_of(path, part):
        model.predict(images)
    middle = time.process_time()
    work(part)
    return middle - start, time.process_time() - middle


def command(path: Path, output: Path, runtime: str) -> list[str]:
    """Return the line that reads a file."""
    options = ["--output", str(output), "--runtime", runtime, "--restart", "--model", str(pretrained.DEFAULT)]
    return [sys.executable, "-m", "digitrec_edge", "read", str(path), *options]


def compare(path: Path, output: Path, runtime: str, count: int) -> float:
    """Print the speed of both over a file, part by part in turns in one worker; returns the median ratio."""
    with load(pretrained.DEFAULT, runtime) as model:
        reader = Reader(model.origin)
    given = plan_tables(path, *(find_tables(path) or sys.exit(f"{path} is no table")), reader)
    manifest = Manifest.of(given, reader, "digitrec-int8")
    begin(output, manifest, given.parts, restart=True)
    work = Work.of(given, reader, output, manifest)
    with local_cluster(1) as workers:
        times = workers.client.gather(
            [workers.client.submit(both, work, path, part, pure=False) for part in (given.parts * ROUNDS)]
        )
    raw, farm = (ROUNDS * count / sum(seconds) for seconds in zip(*times, strict=True))
    ratio = statistics.median(loop / parts for loop, parts in times)
    speeds = f"raw loop {raw:9,.0f}/s  read {farm:9,.0f}/s per core"
    print(f"{runtime:8} {path.suffix:9} {speeds}  ratio {ratio:.2f}", flush=True)
    return ratio


def kill_one(path: Path, output: Path, runtime: str, count: int) -> bool:
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
    once = bool((np.sort(rows) == np.arange(count)).all())
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
    files, output = make(asked.folder, asked.digits), asked.folder.absolute() / "answers"
    ratios = [compare(path, output, asked.runtime, asked.digits) for path in files.values()]
    whole = kill_one(files["npy"], output, asked.runtime, asked.digits)
    return int(min(ratios) < LEAST or not whole)


if __name__ == "__main__":
    sys.exit(main())
