"""Marks that are no digit, made to train on: letters, shapes, scribbles, parts and pairs of digits, textures.

Hendrycks, Mazeika, Dietterich, "Deep Anomaly Detection with Outlier Exposure" (ICLR 2019): a network that is shown such
marks and told that they are of no class is unsure of other ones, too. They are made by code, and by none of the
generators and fonts that :mod:`benchmarks` measures with.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.mnist import Digits
from digitrec_edge.quantization import PIXEL_MAX, SIDE
from digitrec_edge.training.letters import Points, curve, write_letter
from digitrec_edge.training.strokes import draw

Images = NDArray[np.uint8]
Strokes = list[Points]

_FIFTHS = np.linspace(0, 1, 5, endpoint=False)[None, :, None]

_BEND = 0.08
"""Standard deviation of a wave that bends a mark's strokes, of half its size."""

_COPIES = 4
"""A mark of strokes is drawn so often, each time in another way."""


@dataclass(frozen=True)
class Kind:
    """A kind of marks.

    Attributes:
        share: of all marks.
        make: draws so many, by chance, some of them from digits.
    """

    name: str
    share: float
    make: Callable[[int, Digits, np.random.Generator], Images]


def make_marks(count: int, digits: Digits, random: np.random.Generator) -> Images:
    """Make marks of all kinds, in a random order.

    Args:
        count: how many.
        digits: training digits, for marks that are parts of them or several at once.
        random: the same state gives the same marks.

    Returns:
        ``(count, 28, 28) uint8``, 0 is background.
    """
    ends = np.rint(count * np.cumsum([kind.share for kind in KINDS]) / sum(kind.share for kind in KINDS)).astype(int)
    sizes = np.diff([0, *ends])
    made = np.concatenate([kind.make(int(size), digits, random) for kind, size in zip(KINDS, sizes, strict=True)])
    return made[random.permutation(count)]


def _of_strokes(
    write: Callable[[np.random.Generator], Strokes],
) -> Callable[[int, Digits, np.random.Generator], Images]:
    """Make a kind of what writes one mark."""

    def make(count: int, digits: Digits, random: np.random.Generator) -> Images:
        marks = [_bent(write(random), random) for _ in range(-(-count // _COPIES))]
        return draw(marks, _COPIES, random)[:count] if count else np.empty((0, SIDE, SIDE), np.uint8)

    return make


def _bent(strokes: Strokes, random: np.random.Generator) -> Strokes:
    """Move every point by smooth waves; the longer straight lines bend, too."""
    waves, phases = random.normal(0, 2, (3, 2)), random.uniform(0, 2 * np.pi, 3)
    sizes = random.normal(0, _BEND, (3, 2))
    finer = [_refined(stroke) if len(stroke) < 6 else stroke for stroke in _scaled(strokes)]
    return [stroke + np.sin(stroke @ waves.T + phases) @ sizes for stroke in finer]


def _refined(points: Points) -> Points:
    """Return the same straight lines with points between."""
    between = points[:-1, None] + (points[1:, None] - points[:-1, None]) * _FIFTHS
    return np.concatenate([between.reshape(-1, 2), points[-1:]])


def _scaled(strokes: Sequence[Points]) -> Strokes:
    """Bring strokes into -1 to 1."""
    every = np.concatenate(strokes)
    low, high = every.min(axis=0), every.max(axis=0)
    return [(stroke - (low + high) / 2) / max((high - low).max() / 2, 1e-6) for stroke in strokes]


def _two_letters(random: np.random.Generator) -> Strokes:
    left, right = _scaled(write_letter(random)), _scaled(write_letter(random))
    return [*left, *(stroke + np.array([random.uniform(1.4, 2.2), 0]) for stroke in right)]


def _scribble(random: np.random.Generator) -> Strokes:
    """One or several smooth lines, a zigzag, or separate straight lines, through random points."""
    kind = random.integers(4)
    if kind == 0:
        return [curve(random.uniform(-1, 1, (random.integers(4, 14), 2)))]
    if kind == 1:
        return [curve(random.uniform(-1, 1, (random.integers(3, 7), 2))) for _ in range(random.integers(2, 4))]
    if kind == 2:
        return [random.uniform(-1, 1, (2, 2)) for _ in range(random.integers(2, 7))]
    return [random.uniform(-1, 1, (random.integers(4, 10), 2))]


def _ring(corners: int, phase: float = 0.0) -> Points:
    angles = phase + 2 * np.pi * np.arange(corners + 1) / corners
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _shape(random: np.random.Generator) -> Strokes:
    return _SHAPES[int(random.integers(len(_SHAPES)))](random)


def _polygon(random: np.random.Generator) -> Strokes:
    points = _ring(int(random.integers(3, 7)), random.uniform(0, 7))
    points[:-1] *= random.uniform(0.8, 1.2, (len(points) - 1, 1))
    points[-1] = points[0]
    return [points]


def _star(random: np.random.Generator) -> Strokes:
    points = int(random.integers(4, 9))
    outline = _ring(2 * points, random.uniform(0, 7))
    outline[1::2] *= random.uniform(0.3, 0.6)
    return [outline]


def _heart(random: np.random.Generator) -> Strokes:
    t = np.linspace(0, 2 * np.pi, 30)
    height = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return [np.stack([np.sin(t) ** 3, -height / 16], axis=1)]


def _spiral(random: np.random.Generator) -> Strokes:
    t = np.linspace(0, random.uniform(7, 16), 60)
    return [np.stack([t * np.cos(t), t * np.sin(t)], axis=1)]


def _zigzag(random: np.random.Generator) -> Strokes:
    corners = int(random.integers(4, 9))
    return [np.stack([np.linspace(-1, 1, corners), np.resize([-1.0, 1.0], corners) * random.uniform(0.3, 0.9)], axis=1)]


def _wave(random: np.random.Generator) -> Strokes:
    t = np.linspace(-1, 1, 40)
    return [np.stack([t, random.uniform(0.2, 0.6) * np.sin(t * random.uniform(4, 10) + random.uniform(0, 7))], axis=1)]


def _bars(random: np.random.Generator) -> Strokes:
    lines = [np.array([[-1.0, y], [1.0, y]]) for y in np.linspace(-0.7, 0.7, int(random.integers(2, 5)))]
    return lines if random.random() < 0.5 else [line[:, ::-1] for line in lines]


def _fixed(*strokes: Sequence[tuple[float, float]]) -> Callable[[np.random.Generator], Strokes]:
    return lambda random: [np.array(stroke, float) for stroke in strokes]


_SHAPES: tuple[Callable[[np.random.Generator], Strokes], ...] = (
    _polygon, _star, _heart, _spiral, _zigzag, _wave, _bars,
    lambda random: [_ring(4, np.pi / 4) * (random.uniform(0.5, 1), 1)],
    lambda random: [_ring(5, random.uniform(0, 7))[[0, 2, 4, 1, 3, 0]]],
    lambda random: [_ring(24), _ring(24) * random.uniform(0.3, 0.65)],
    lambda random: [_ring(24), np.array([[-0.9, 0], [0.9, 0]]), np.array([[0, -0.9], [0, 0.9]])],
    _fixed([(-1, 0), (1, 0)], [(0, -1), (0, 1)]),
    _fixed([(-1, -1), (1, 1)], [(-1, 1), (1, -1)]),
    _fixed([(-1, 0), (1, 0)], [(0, -1), (0, 1)], [(-0.7, -0.7), (0.7, 0.7)], [(-0.7, 0.7), (0.7, -0.7)]),
    _fixed([(-1, 0), (1, 0)], [(0.4, -0.6), (1, 0), (0.4, 0.6)]),
    _fixed([(-1, 0), (-0.3, 0.8), (1, -1)]),
    _fixed([(-1, -0.4), (1, -0.4)], [(-1, 0.4), (1, 0.4)], [(-0.4, -1), (-0.4, 1)], [(0.4, -1), (0.4, 1)]),
)  # fmt: skip


def _some(digits: Digits, count: int, random: np.random.Generator, among: Sequence[int] = range(10)) -> Images:
    places = np.flatnonzero(np.isin(digits.labels, among))
    return digits.images[places[random.integers(0, len(places), count)]]


def _two_digits(count: int, digits: Digits, random: np.random.Generator) -> Images:
    """Two digits side by side, each squeezed to half its width."""
    left, right = (
        np.maximum(part[:, :, 4:24:2], part[:, :, 5:24:2]) for part in (_some(digits, count, random) for _ in range(2))
    )
    images = np.zeros((count, SIDE, SIDE), np.uint8)
    images[:, :, 4:14] = left
    starts = random.integers(12, 16, count)
    for start in range(12, 16):
        rows = np.flatnonzero(starts == start)
        images[rows, :, start : start + 10] = np.maximum(images[rows, :, start : start + 10], right[rows])
    return images


def _overlapping_digits(count: int, digits: Digits, random: np.random.Generator) -> Images:
    """Two digits of full width, one over the other's side."""
    left, right = _some(digits, count, random), _some(digits, count, random)
    images = np.empty_like(left)
    moves = random.integers(4, 8, count)
    for move in range(4, 8):
        rows = np.flatnonzero(moves == move)
        there = np.zeros((2, len(rows), SIDE, SIDE), np.uint8)
        there[0, :, :, :-move], there[1, :, :, move:] = left[rows][:, :, move:], right[rows][:, :, :-move]
        images[rows] = there.max(axis=0)
    return images


def _turned_digits(count: int, digits: Digits, random: np.random.Generator) -> Images:
    """Digits mirrored, upside down or on their side, where they are no digit then; without such digits two overlap."""
    turns = [(among, turn) for among, turn in _TURNS if np.isin(digits.labels, among).any()]
    if not turns:
        return _overlapping_digits(count, digits, random)
    kinds = random.integers(0, len(turns), count)
    images = np.empty((count, SIDE, SIDE), np.uint8)
    for kind, (among, turn) in enumerate(turns):
        rows = np.flatnonzero(kinds == kind)
        images[rows] = turn(_some(digits, len(rows), random, among))
    return images


_TURNS: tuple[tuple[tuple[int, ...], Callable[[Images], Images]], ...] = (
    ((2, 3, 4, 5, 7), lambda images: images[:, ::-1, ::-1]),
    ((2, 3, 4, 5, 7), lambda images: images[:, :, ::-1]),
    ((1, 2, 3, 4, 5, 6, 7, 9), lambda images: images.swapaxes(1, 2)[:, ::-1]),
    ((1, 2, 3, 4, 5, 6, 7, 9), lambda images: images.swapaxes(1, 2)[:, :, ::-1]),
)
"""Which digits, and how they are turned: by half, mirrored, by a quarter either way."""


def _textures(count: int, digits: Digits, random: np.random.Generator) -> Images:
    """Noise, noise in blocks, stripes, and a disc of some size somewhere, a quarter of each."""
    down, right = np.mgrid[:SIDE, :SIDE].astype(np.float32)

    def drawn(low: float, high: float) -> NDArray[np.float32]:
        return random.uniform(low, high, (count, 1, 1)).astype(np.float32)

    noise = random.random((count, SIDE, SIDE), np.float32) * drawn(0.2, 1)
    blocks = (random.random((count, SIDE // 4, SIDE // 4), np.float32) > drawn(0.3, 0.7)).repeat(4, 1).repeat(4, 2)
    angle, pitch = drawn(0, np.pi), drawn(0.4, 2)
    stripes = (1 + np.sin((right * np.cos(angle) + down * np.sin(angle)) * pitch + drawn(0, 7))) / 2
    discs = np.hypot(right - drawn(4, 24), down - drawn(4, 24)) < drawn(2, 12)
    chosen = np.choose(random.integers(0, 4, (count, 1, 1)), [noise, blocks, stripes, discs])
    return np.rint(PIXEL_MAX * chosen).astype(np.uint8)


KINDS = (
    Kind("letter", 0.60, _of_strokes(write_letter)),
    Kind("two letters", 0.04, _of_strokes(_two_letters)),
    Kind("shape", 0.10, _of_strokes(_shape)),
    Kind("scribble", 0.08, _of_strokes(_scribble)),
    Kind("two digits", 0.03, _two_digits),
    Kind("overlapping digits", 0.02, _overlapping_digits),
    Kind("turned digit", 0.09, _turned_digits),
    Kind("texture", 0.04, _textures),
)
