"""Pictures as people take them: what is common to the made sets, and measuring how many are read right.

A picture is a function of its kind and its seed alone. Seeds 0 to 9,999 are for choosing, those from 20,000 on for
reporting. The handwriting is MNIST's test digits; light, blur, noise and JPEG are those of ``photographs.py``.

``python tests/pictures.py frames [--seeds 20000 20200] [--kinds box comb] [--save FOLDER]`` measures one set.
"""

import argparse
import dataclasses
import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if not __package__:  # run as a script
    sys.path.insert(0, str(Path(__file__).parents[1]))
from digitrec_edge import mnist
from digitrec_edge.errors import PictureError
from digitrec_edge.preprocess import decode, read_stages
from digitrec_edge.preprocess.touching import Recognise, read_number
from runtimes import Model
from tests import photographs
from tests.photographs import Plane, Scene

SETS = ("frames", "ruled", "sheets", "dark", "touching", "ones")
UNIT = 224
"""Pixels of a digit's height in the flat drawing, before it is projected."""

Random = np.random.Generator
Make = Callable[[mnist.Digits, str, int], "Made"]


@dataclass(frozen=True)
class Made:
    """A JPEG file's bytes and what is written on it; ``multi`` when it is read with ``--multi``."""

    data: bytes
    text: str
    multi: bool = False


@dataclass(frozen=True)
class Layer:
    """Something on the picture: how much it covers, ``(H, W)`` 0 to 1 in the flat drawing, and its colour."""

    cover: Plane
    colour: tuple[int, int, int]


def handwriting(digit: NDArray[np.uint8], pen: float, height: int = UNIT) -> Plane:
    """Return one digit, cut at its bounds, ``height`` pixels high, 0 to 1."""
    outline = photographs._outline(digit, pen)
    rows, columns = np.flatnonzero((outline > 0.5).any(axis=1)), np.flatnonzero((outline > 0.5).any(axis=0))
    cut = outline[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    width = max(8, round(height * cut.shape[1] / cut.shape[0]))
    return np.asarray(Image.fromarray(cut).resize((width, height), Image.Resampling.BICUBIC), np.float32)


def written(digits: mnist.Digits, random: Random) -> tuple[Plane, Scene, str]:
    """Return some digit as it is written, a scene on paper, and what the digit is."""
    index = int(random.integers(len(digits)))
    shape = handwriting(digits.images[index], float(random.uniform(0.3, 0.5)))
    scene = photographs.draw_scene(random)
    if scene.board:
        scene = dataclasses.replace(scene, board=False, ink=(25, 25, 30), paper=(244, 238, 220))
    return shape, scene, str(digits.labels[index])


def row_of(shapes: Sequence[Plane], cell: int, margin: int, random: Random) -> tuple[Plane, list[tuple[int, int]]]:
    """Write shapes into cells of ``cell`` width, each near its middle; returns the drawing and the cells' edges."""
    height = max(shape.shape[0] for shape in shapes)
    page = np.zeros((height + 2 * margin, len(shapes) * cell + 2 * margin), np.float32)
    cells = []
    for k, shape in enumerate(shapes):
        left = margin + k * cell
        cells.append((left, left + cell))
        room = cell - shape.shape[1]
        start = max(0, left + room // 2 + round(random.uniform(-0.2, 0.2) * max(room, 0)))
        target = page[margin : margin + shape.shape[0], start : start + shape.shape[1]]
        np.maximum(target, shape[: target.shape[0], : target.shape[1]], out=target)
    return page, cells


def expose(layers: Sequence[Layer], scene: Scene, random: Random, shine: Plane | None = None, beyond: int = 0) -> bytes:
    """Photograph layers, the later ones over the earlier ones, under light that ``shine`` is added to.

    ``scene.digit_px`` is the longer side of what is drawn, in pixels of the picture, without ``beyond``: so many pixels
    of the drawing at each side may lie outside of the picture.
    """
    planes = _project([layer.cover for layer in layers], scene, random, beyond)
    height, width = planes[0].shape
    picture: Plane = np.zeros((height, width, 3), np.float32) + np.array(scene.paper, np.float32)
    for plane, layer in zip(planes, layers, strict=True):
        covered = (plane * np.clip(1 - 0.12 * np.abs(photographs._texture(height, width, 2, random)), 0.3, 1))[
            ..., None
        ]
        picture += (np.array(layer.colour, np.float32) - picture) * covered
    picture += 4 * photographs._texture(height, width, 3, random)[..., None]
    picture *= photographs._light(height, width, scene, random)[..., None]
    if shine is not None:
        picture += shine[..., None]
    return photographs.develop(picture, scene, random)


def _project(planes: Sequence[Plane], scene: Scene, random: Random, beyond: int) -> list[Plane]:
    """Place the drawing in the frame: scaled, turned, in perspective, wholly inside where there is room."""
    width, height = scene.size
    bottom, right = (side - beyond for side in planes[0].shape)
    corners = np.array([[beyond, beyond], [right, beyond], [right, bottom], [beyond, bottom]], float)
    numbers = photographs.place(corners, scene.digit_px / (max(bottom, right) - beyond), scene, random)
    kind = Image.Resampling.BICUBIC
    flat = [Image.fromarray(p).transform((width, height), Image.Transform.PERSPECTIVE, numbers, kind) for p in planes]
    return [np.clip(np.asarray(plane, np.float32), 0, 1) for plane in flat]


def recognise_with(model: Model) -> Recognise:
    """Return what reads pieces of a number."""

    def recognise(images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        prediction = model.predict(images)
        return prediction.probabilities, prediction.scores

    return recognise


def read(made: Made, model: Model) -> str:
    """Return what is read on a picture, or why nothing is."""
    try:
        stages = read_stages(decode(made.data, "picture"))
        if made.multi:
            return "".join(str(row.argmax()) for _, row in read_number(stages, recognise_with(model)))
        return str(model.classify(stages.single().image))
    except PictureError as error:
        return str(error)


def module_of(name: str) -> tuple[tuple[str, ...], Make]:
    """Return the kinds of a set and what makes one picture of it."""
    module = importlib.import_module(f"tests.pictures_{name}")
    return module.KINDS, module.make


def main(arguments: list[str]) -> int:
    """Measure how many pictures of a set are read right, by kind."""
    from digitrec_edge import pretrained
    from runtimes import load

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("set", choices=SETS)
    parser.add_argument("--seeds", type=int, nargs=2, default=(20_000, 20_200), metavar=("FIRST", "END"))
    parser.add_argument("--kinds", nargs="+")
    parser.add_argument("--save", type=Path, help="write what was read wrong into this folder")
    chosen = parser.parse_args(arguments)
    kinds, make = module_of(chosen.set)
    digits = mnist.load("test")
    with load(pretrained.DEFAULT) as model:
        for kind in chosen.kinds or kinds:
            right = 0
            for seed in range(*chosen.seeds):
                made = make(digits, kind, seed)
                found = read(made, model)
                right += found == made.text
                if found != made.text:
                    print(f"{kind} {seed}: {made.text} was read as: {found}")
                    if chosen.save:
                        chosen.save.mkdir(parents=True, exist_ok=True)
                        (chosen.save / f"{kind}-{seed}-{made.text}.jpg").write_bytes(made.data)
            count = len(range(*chosen.seeds))
            print(f"{kind}: {right} of {count} read right: {right / count:.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
