"""What it costs to read a picture, by size and stage: ``PYTHONPATH=. python tests/preprocess_speed.py``.

Processor time of one thread in milliseconds per picture: medians over rounds, a process of its own for each size, as
the memory that one size leaves behind helps the next. To compare two checkouts, run the script with ``PYTHONPATH`` set
to one and to the other, several times in turns, and take the median of each figure.
"""

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import digitrec_edge
from digitrec_edge import mnist
from digitrec_edge.preprocess import read_stages
from digitrec_edge.preprocess.foreground import find_foreground
from digitrec_edge.preprocess.normalise import normalise
from digitrec_edge.preprocess.reading import open_picture
from digitrec_edge.preprocess.segmentation import find_digits
from tests import photographs

SEED = 41
PICTURES = 8
"""Of each size."""

PHOTOGRAPHS = {"320 x 240": 0.5, "384 x 288": 0.6, "480 x 360": 0.75, "800 x 600": 1.25}
"""Synthetic photographs, by the scale of their scene."""

LARGE = {"2 MP": (1600, 1200), "12 MP": (4032, 3024)}
"""Photographs as a telephone takes them: enlarged, and with a sensor's noise."""

STAGES = ("decode", "foreground", "segmentation", "normalise", "in all")


def pictures() -> dict[str, list[bytes]]:
    """Return the files of each size."""
    images = mnist.load("test").images
    made = {"scan, 280 x 280": [_scan(images[k]) for k in range(PICTURES)]}
    for name, scale in PHOTOGRAPHS.items():
        made[f"JPEG, {name}"] = [photographs.make(images, k, SEED, scale) for k in range(PICTURES)]
    for name, size in LARGE.items():
        made[f"JPEG, {name}"] = [_large(photographs.make(images, k, SEED, 1.6), size) for k in range(PICTURES // 4)]
    return made


def _scan(digit: "np.ndarray[Any, np.dtype[np.uint8]]") -> bytes:
    page = Image.new("L", (280, 280), 255)
    page.paste(Image.fromarray(255 - digit).resize((160, 160)), (60, 60))
    return _saved(page, "PNG")


def _large(data: bytes, size: tuple[int, int]) -> bytes:
    with Image.open(io.BytesIO(data)) as small:
        upright = small if small.width > small.height else small.transpose(Image.Transpose.ROTATE_90)
        pixels = np.asarray(upright.resize(size, Image.Resampling.BICUBIC), np.float32)
    noise = np.random.default_rng(SEED).normal(0, 3, (*pixels.shape[:2], 1)).astype(np.float32)
    return _saved(Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8)), "JPEG", quality=90)


def _saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def measure(data: bytes) -> list[float]:
    """Return milliseconds of each stage, and of all of them as ``predict`` runs them."""
    passed: list[float] = []

    def timed(work: Callable[[], Any]) -> Any:
        start = time.process_time_ns()
        result = work()
        passed.append((time.process_time_ns() - start) / 1e6)
        return result

    grey = timed(lambda: open_picture(data, "picture").grey)
    foreground = timed(lambda: find_foreground(grey))
    regions = timed(lambda: find_digits(foreground))
    timed(lambda: [normalise(region.strength) for region in regions])
    timed(lambda: read_stages(open_picture(data, "picture").grey))
    return passed


def measure_folder(folder: Path, rounds: int) -> list[float]:
    """Return the median milliseconds of each stage of the files in a folder."""
    files = [path.read_bytes() for path in sorted(folder.iterdir())]
    found = [np.mean([measure(data) for data in files], axis=0) for _ in range(rounds + 1)]
    return [float(ms) for ms in np.median(found[1:], axis=0)]  # the first warms up


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--folder", type=Path, help="measure the files in it in this process, and print JSON")
    options = parser.parse_args()
    if options.folder:
        print(json.dumps(measure_folder(options.folder, options.rounds)))
        return
    print(f"milliseconds of processor time per picture, {Path(digitrec_edge.__file__).parents[1]}")
    print(f"{'':18}" + "".join(f"{stage:>14}" for stage in STAGES))
    for name, files in pictures().items():
        with tempfile.TemporaryDirectory() as folder:
            for k, data in enumerate(files):
                (Path(folder) / str(k)).write_bytes(data)
            command = [sys.executable, __file__, "--rounds", str(options.rounds), "--folder", folder]
            printed = subprocess.run(command, check=True, capture_output=True).stdout
        print(f"{name:18}" + "".join(f"{ms:14.2f}" for ms in json.loads(printed)), flush=True)


if __name__ == "__main__":
    main()
