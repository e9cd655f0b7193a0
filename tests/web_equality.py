"""The picture pipeline in JavaScript against the one in Python: the same pictures, read by both, equal to the byte.

Python writes the pixels into one file and what it read into another; one node process reads them and tells what
differs. Equal must be: the grey picture, boxes, 28 x 28 pixels, their order, the sentence of a refusal, the picture of
each stage, and every piece of touching digits that the recogniser is asked about.

``python tests/web_equality.py [--scale 1] [--seed 50000] [--keep FOLDER]`` runs a campaign of about 1,900 pictures and
4,000 small random ones; twice the scale, twice the pictures.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if not __package__:  # run as a script
    sys.path.insert(0, str(Path(__file__).parents[1]))
import digitrec_edge
from digitrec_edge.errors import PictureError
from digitrec_edge.preprocess import Digit, Stages, read_stages, to_grey
from digitrec_edge.preprocess.reading import MAX_ASPECT, MIN_SIDE
from digitrec_edge.preprocess.touching import Recognise, read_number
from digitrec_edge.preprocess.turned import find_turn, is_doubtful
from digitrec_edge.quantization import PIXEL_MAX

MODULES = Path(digitrec_edge.__file__).parent / "web" / "preprocess"
CHECK = Path(__file__).with_suffix(".mjs")
BATCH_BYTES = 256 << 20
SEED = 50_000
ACCEPTED = 2.0
"""The least score of a digit here."""

Pixels = NDArray[np.uint8]
Asked = list[tuple[str, float, float, int, bool]]
"""Of each picture that the recogniser was asked about: hash, probability, score, digit, and whether it is one."""


@dataclass(frozen=True)
class Case:
    """A picture to read: ``(H, W)`` in grey, or with 3 or 4 channels."""

    kind: str
    name: str
    pixels: Pixels


@dataclass
class Result:
    """How many pictures of each kind were read, and where JavaScript differs."""

    read: Counter[str] = field(default_factory=Counter)
    differences: list[dict[str, Any]] = field(default_factory=list)
    python_s: float = 0.0
    node_s: float = 0.0

    def lines(self) -> list[str]:
        wrong = Counter(found["kind"] for found in self.differences)
        return [f"{kind}: {count - wrong[kind]} of {count} equal" for kind, count in self.read.items()]


def compare(cases: Iterable[Case], recognise: Recognise, folder: Path) -> Result:
    """Read pictures in both languages, as many at once as fit into ``BATCH_BYTES``; ``folder`` takes the files."""
    result, waiting = Result(), iter(cases)
    while batch := list(_batch(waiting)):
        start = time.perf_counter()
        _write(batch, recognise, folder)
        result.python_s += time.perf_counter() - start
        result.read.update(case.kind for case in batch)
        start = time.perf_counter()
        command = [shutil.which("node") or "node", str(CHECK), str(folder), str(MODULES)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        result.node_s += time.perf_counter() - start
        result.differences += [json.loads(line) for line in done.stdout.splitlines()]
    return result


def _batch(cases: Iterator[Case]) -> Iterator[Case]:
    size = 0
    for case in islice(cases, 5_000):
        yield case
        size += case.pixels.size
        if size > BATCH_BYTES:
            return


def _write(cases: Sequence[Case], recognise: Recognise, folder: Path) -> None:
    index, start = [], 0
    with (folder / "pictures.bin").open("wb") as stream:
        for case in cases:
            asked: Asked = []
            turned: Asked = []
            expected = _read(case.pixels, recognise, asked, turned)
            height, width = case.pixels.shape[:2]
            channels = 1 if case.pixels.ndim == 2 else case.pixels.shape[2]
            place = {"start": start, "width": width, "height": height, "channels": channels}
            index.append({"kind": case.kind, "name": case.name, **place, "asked": asked, "askedTurned": turned})
            index[-1]["expected"] = expected
            start += stream.write(np.ascontiguousarray(case.pixels).tobytes())
    (folder / "expected.json").write_text(json.dumps(index))


def _read(pixels: Pixels, recognise: Recognise, asked: Asked, turned: Asked) -> dict[str, Any]:
    grey = pixels if pixels.ndim == 2 else to_grey(Image.fromarray(pixels))
    height, width = grey.shape
    if min(width, height) < MIN_SIDE or max(width, height) > MAX_ASPECT * min(width, height):
        refused = (
            f"the picture has {width:,} x {height:,} pixels; a digit needs {MIN_SIDE} or more each way, "
            f"and no side {MAX_ASPECT} times the other"
        )
        return {"grey": _digest(grey), "refused": refused}
    stages = read_stages(grey)
    return {
        "grey": _digest(grey),
        "failure": str(stages.failure) if stages.failure else None,
        "shapes": _digits(stages.shapes),
        "state": [stages.crowded, stages.reduced, *stages.corner],
        "single": _outcome(lambda: _digits([stages.single()])),
        "digits": _outcome(lambda: _digits(stages.digits())),
        "tiles": [[name, plane.shape[1], plane.shape[0], _digest(plane)] for name, plane in tiles(stages)],
        "number": _outcome(lambda: _number(stages, recognise, asked)),
        "turn": _turn(stages, recognise, turned),
    }


def tiles(stages: Stages) -> Iterator[tuple[str, Pixels]]:
    """Yield every stage's picture as ``explain.draw_strip`` draws it, before it is scaled to a tile."""
    yield "picture", stages.grey
    if stages.repaired is not None:
        yield "repaired", stages.repaired
    if stages.foreground:
        yield "background", np.clip(stages.foreground.background, 0, PIXEL_MAX).astype(np.uint8)
        yield "foreground", np.rint(PIXEL_MAX * stages.foreground.strength).astype(np.uint8)
        yield "components", np.where(stages.foreground.mask, PIXEL_MAX, 0).astype(np.uint8)
    if stages.cleaned:
        yield "without frames", np.where(stages.cleaned.mask, PIXEL_MAX, 0).astype(np.uint8)
    for digit in stages.found:
        yield "28 x 28", digit.image


def _number(stages: Stages, recognise: Recognise, asked: Asked) -> list[list[Any]]:
    places: dict[int, int] = {}

    def ask(images: Pixels) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rows, scores = recognise(images)
        _note(images, rows, scores, asked)
        kept.append(rows)
        return rows, scores

    kept: list[NDArray[np.float32]] = []
    read = read_number(stages, ask)
    rows = [row for group in kept for row in group]
    for place, row in enumerate(rows):
        places.setdefault(row.__array_interface__["data"][0], place)
    return [[_edges(digit), _digest(digit.image), places[row.__array_interface__["data"][0]]] for digit, row in read]


def _note(images: Pixels, rows: NDArray[np.float32], scores: NDArray[np.float32], asked: Asked) -> None:
    for image, row, score in zip(images, rows, scores, strict=True):
        asked.append((_digest(image), float(row.max()), float(score), int(row.argmax()), bool(score >= ACCEPTED)))


def _turn(stages: Stages, recognise: Recognise, asked: Asked) -> list[Any] | None:
    """Tell whether the picture seems to be turned, as ``predict`` does."""

    def ask(images: Pixels) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rows, scores = recognise(images)
        _note(images, rows, scores, asked)
        return rows, scores

    if not stages.shapes:
        return None
    rows, scores = ask(np.stack([shape.image for shape in stages.shapes]))
    if not is_doubtful([*rows], [bool(score >= ACCEPTED) for score in scores]):
        return None
    turn = find_turn(stages.shapes, [float(score) for score in scores], ask)
    return [turn.degrees, [*turn.digits]] if turn else None


def _outcome(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except PictureError as refusal:
        return str(refusal)


def _digits(digits: Iterable[Digit]) -> list[list[Any]]:
    return [[_edges(digit), _digest(digit.image)] for digit in digits]


def _edges(digit: Digit) -> list[int]:
    box = digit.box
    return [box.top, box.left, box.bottom, box.right]


def _digest(plane: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(plane).tobytes()).hexdigest()[:16]


def main(arguments: list[str]) -> int:
    """Compare a campaign's pictures; the exit status is 1 when one differs."""
    from digitrec_edge import mnist, pretrained
    from runtimes import load
    from tests.pictures import recognise_with
    from tests.web_pictures import campaign

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--kinds", nargs="+", help="only these")
    parser.add_argument("--keep", type=Path, help="leave the files of the last batch in this folder")
    chosen = parser.parse_args(arguments)
    cases = campaign(mnist.load("test"), chosen.seed, chosen.scale, chosen.kinds or ())
    with load(pretrained.DEFAULT) as model, tempfile.TemporaryDirectory() as temporary:
        folder = chosen.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        result = compare(cases, recognise_with(model), folder)
    for found in result.differences[:20]:
        print(json.dumps(found)[:2_000])
    print("\n".join(result.lines()))
    print(f"{sum(result.read.values())} pictures, {len(result.differences)} differ; "
          f"Python with making them {result.python_s:.0f} s, node {result.node_s:.0f} s")  # fmt: skip
    return bool(result.differences)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
