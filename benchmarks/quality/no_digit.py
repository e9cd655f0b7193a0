"""How well digits are told from what is none: letters, shapes, scribbles, parts of digits and pairs of them.

The letters are glyphs of handwriting fonts, drawn once by ``benchmarks/scripts/letter_glyphs.py``; the rest is made
here, by a rule and a seed. Training never sees any of it: it has marks of its own making, and none of these fonts.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitrec_edge.errors import BenchmarkError
from digitrec_edge.files import read_file
from digitrec_edge.mnist import Digits
from digitrec_edge.no_digit import score
from digitrec_edge.npz import read_arrays
from digitrec_edge.preprocess.normalise import normalise
from digitrec_edge.quantization import PIXEL_MAX, SIDE
from runtimes import Model

Images = NDArray[np.uint8]

GLYPHS = Path(__file__).with_name("letters.npz")
SEED = 20_000
COUNT = 400
_LIMIT_BYTES = 4 << 20
_PICTURE_PX = 280


@dataclass(frozen=True)
class Marks:
    """A set of pictures that show no digit.

    Attributes:
        rule: what they are, in words.
        make: makes ``(N, 28, 28) uint8`` of the test digits.
    """

    name: str
    rule: str
    make: Callable[[Digits], Images]


@dataclass(frozen=True)
class MarksResult:
    """A set of marks in an artifact.

    Attributes:
        accepted: share that was taken for a digit, 0 to 1.
        auroc: how often a digit has a higher score than a mark, 0 to 1.
    """

    name: str
    images: int
    accepted: float
    auroc: float


@dataclass(frozen=True)
class Told:
    """Digits and marks in an artifact.

    Attributes:
        threshold: of the card; None where everything is taken for a digit.
        digits: images of the test set.
        kept: share of the test digits that are taken for one, 0 to 1.
    """

    threshold: float | None
    digits: int
    kept: float
    results: tuple[MarksResult, ...]


def measure_no_digit(model: Model, digits: Digits) -> Told:
    """Run a loaded model over the test digits and every set of ``MARKS``."""
    scores = score(model.logits(digits.images))
    results = []
    for marks in MARKS:
        images = marks.make(digits)
        if not len(images):
            continue  # of a single digit there are no pairs
        of_marks = score(model.logits(images))
        accepted = float((of_marks >= model.threshold).mean())
        results.append(MarksResult(marks.name, len(of_marks), accepted, auroc(scores, of_marks)))
    no_digit = model.card.no_digit if model.card else None
    kept = float((scores >= model.threshold).mean())
    return Told(no_digit.threshold if no_digit else None, len(digits), kept, tuple(results))


def auroc(digits: NDArray[np.float32], marks: NDArray[np.float32]) -> float:
    """Return the area under the ROC curve: how often a digit's score is above a mark's, ties counting half.

    The Mann-Whitney statistic, as in Hanley, McNeil, "The meaning and use of the area under a receiver operating
    characteristic (ROC) curve" (Radiology 143, 1982).
    """
    ordered = np.sort(marks)
    below, not_above = np.searchsorted(ordered, digits, "left"), np.searchsorted(ordered, digits, "right")
    return float((below + not_above).mean() / (2 * len(marks)))


def _letters(digits: Digits) -> Images:
    (images,) = read_arrays(read_file(GLYPHS, limit_bytes=_LIMIT_BYTES, error=BenchmarkError), ["images"])
    return images.astype(np.uint8)


@functools.cache
def _shapes() -> Images:
    random = np.random.default_rng(SEED)
    found: list[Images] = []
    for k in range(COUNT):
        picture = Image.new("L", (_PICTURE_PX, _PICTURE_PX), PIXEL_MAX)
        draw = ImageDraw.Draw(picture)
        width = int(random.integers(6, 22))
        for line in _OUTLINES[k % len(_OUTLINES)](random):
            points = [(_PICTURE_PX / 2 + 100 * x, _PICTURE_PX / 2 + 100 * y) for x, y in line.tolist()]
            draw.line(points, fill=0, width=width, joint="curve")
        found.append(_in_mnists_form(picture))
    return np.stack(found)


def _in_mnists_form(picture: Image.Image) -> Images:
    """Return the ink of a drawing, dark on white, as ``(28, 28) uint8``."""
    ink = (PIXEL_MAX - np.asarray(picture, np.float32)) / PIXEL_MAX
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return normalise(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _square(random: np.random.Generator) -> list[NDArray[np.float64]]:
    turn, height = random.uniform(-0.4, 0.4), random.uniform(0.7, 1.4)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1], [1, -1]]) * (0.75, 0.75 * height)
    cos, sin = np.cos(turn), np.sin(turn)
    return [corners @ np.array([[cos, sin], [-sin, cos]])]


def _star(random: np.random.Generator) -> list[NDArray[np.float64]]:
    points = int(random.integers(5, 8))
    angles = random.uniform(0, 7) + np.pi * np.arange(2 * points + 2) / points
    lengths = np.where(np.arange(len(angles)) % 2, 1.0, random.uniform(0.35, 0.6))
    return [np.stack([np.cos(angles) * lengths, np.sin(angles) * lengths], axis=1)]


def _triangle(random: np.random.Generator) -> list[NDArray[np.float64]]:
    angles = random.uniform(0, 7) + np.cumsum([0, *random.uniform(1.6, 2.6, 2)])
    corners = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return [corners[[0, 1, 2, 0, 1]]]


def _cross(random: np.random.Generator) -> list[NDArray[np.float64]]:
    lines = [np.array([[-1.0, 0], [1, 0]]), np.array([[0, -1.0], [0, 1]])]
    return lines + [np.array([[-0.8, -0.8], [0.8, 0.8]])] * int(random.integers(2))


def _scribble(random: np.random.Generator) -> list[NDArray[np.float64]]:
    return [random.uniform(-1, 1, (int(random.integers(5, 14)), 2))]


def _loops(random: np.random.Generator) -> list[NDArray[np.float64]]:
    """A Lissajous figure, of different frequencies: no ellipse."""
    across, down = random.choice(np.arange(2, 7), 2, replace=False)
    t, phases = np.linspace(0, 2 * np.pi, 200), random.uniform(0, 7, 2)
    return [np.stack([np.sin(across * t + phases[0]), np.sin(down * t + phases[1])], axis=1)]


_OUTLINES = (_square, _star, _triangle, _cross, _scribble, _loops)


def _parts(digits: Digits) -> Images:
    """Halves of digits, in the middle of the image: left, right, upper and lower ones in turn."""
    images = np.zeros((min(COUNT, len(digits)), SIDE, SIDE), np.uint8)
    for k in range(len(images)):
        turns = k % 4
        turned = np.rot90(digits.images[k], turns)
        half = np.zeros_like(turned)
        half[:, SIDE // 4 : 3 * SIDE // 4] = turned[:, : SIDE // 2]
        images[k] = np.rot90(half, -turns)
    return images


def _pairs(digits: Digits) -> Images:
    """Two digits side by side, scaled to the size of one: 20 pixels at the longer side."""
    count = min(COUNT, len(digits) // 2)
    images = np.zeros((count, SIDE, SIDE), np.uint8)
    for k in range(count):
        pair = np.concatenate([digits.images[2 * k][:, 4:24], digits.images[2 * k + 1][:, 4:24]], axis=1)
        small = Image.fromarray(pair).resize((20, 14), Image.Resampling.BOX)
        images[k, 7:21, 4:24] = np.asarray(small)
    return images


MARKS = (
    Marks("letters", "handwriting fonts, without O, I, S, Z, B and the like", _letters),
    Marks("shapes", "squares, stars, triangles, crosses, scribbles", lambda digits: _shapes()),
    Marks("parts", "halves of test digits; some look like digits", _parts),
    Marks("pairs", "two test digits at once", _pairs),
)
