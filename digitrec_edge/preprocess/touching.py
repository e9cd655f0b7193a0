"""Digits that touch each other: places to cut, and the cuts whose pieces read best.

Cuts are paths from the top to the bottom of least ink (as in seam carving, Avidan and Shamir 2007), not only upright
lines: a 7 may reach over its neighbour. Which of them part digits only the recogniser can tell, so every piece between
two cuts is read, and the chain of pieces with the best sum of scores is the answer (as in Viterbi's algorithm).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge.preprocess.components import Box, find_components
from digitrec_edge.preprocess.normalise import normalise
from digitrec_edge.preprocess.stages import Digit, Stages

MIN_ASPECT = 0.75
"""Width by height; narrower shapes are one digit."""

PIECE_ASPECTS = (0.08, 1.45)
MIN_PIECE_HEIGHT = 0.45
"""Of the whole's height; and width by the whole's height. Other pieces are not tried."""

SEARCH_PX = 40
"""Of height, at which cuts are looked for."""

SIDEWAYS = (0.1, 0.4, 1.0)
"""What a step to the side costs, in pixels of ink at that height: winding cuts and straight ones."""

CUTS_PER_HEIGHT = 6.0
"""So many cuts at most, of each kind, for a width equal to the height."""

APART_PX = 1.2
"""The mean distance of two cuts at that height; nearer ones are the same."""

MIN_FRAGMENT = 0.06
"""Of a piece's ink; smaller parts are the neighbour's."""

WIDEST, TOO_WIDE = 0.66, 0.11
LOWEST, TOO_LOW = 0.86, 0.1
"""A digit's width and height, by the whole's height, and what more or less of them costs, in logarithms. These four
and the next two were chosen together on 120 made numbers (tests/pictures_touching.py, seeds 0 to 39) and 120 digits."""

CUT, INK = 0.02, 0.008
"""What a cut costs, and each stroke's width of ink that it goes through."""

STROKE = 0.1
"""Of the whole's height."""

Probabilities = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""From ``(N, 28, 28) uint8`` to ``(N, 10) float32``."""


@dataclass(frozen=True)
class Piece:
    """What may be one digit of several that touch.

    Attributes:
        digit: the piece as the recogniser takes it.
        width: by the whole's height.
        height: by the whole's height.
        crossed: the ink that its left cut goes through, in widths of a stroke; 0 at the left end.
    """

    digit: Digit
    width: float
    height: float
    crossed: float


Score = Callable[[Piece, NDArray[np.float32]], float]
"""How like a digit a piece is, from it and its ``(10,)`` probabilities, as a logarithm: 0 is sure."""


def likeliness(piece: Piece, probabilities: NDArray[np.float32]) -> float:
    """Return the logarithm of the highest probability, less what a width and height unlike digits cost."""
    cost = TOO_WIDE * max(0.0, piece.width - WIDEST) + TOO_LOW * max(0.0, LOWEST - piece.height)
    return float(np.log(max(float(probabilities.max()), 1e-6))) - cost


def read_number(
    stages: Stages, probabilities: Probabilities, score: Score = likeliness
) -> list[tuple[Digit, NDArray[np.float32]]]:
    """Read every digit of a picture, those that touch each other one by one.

    Args:
        stages: of the picture.
        probabilities: of a recogniser, for pictures of digits.
        score: of a piece of a shape that may be several digits.

    Returns:
        The digits in reading order, each with its ``(10,)`` probabilities.

    Raises:
        PictureError: there is nothing like a digit.
    """
    read: list[tuple[Digit, NDArray[np.float32]]] = []
    for digit in stages.several():
        if digit.strength is None or digit.strength.shape[1] < MIN_ASPECT * digit.strength.shape[0]:
            read.append((digit, probabilities(digit.image[None])[0]))
        else:
            read += _best(digit, probabilities, score)
    return read


def _best(digit: Digit, probabilities: Probabilities, score: Score) -> list[tuple[Digit, NDArray[np.float32]]]:
    """Return the chain of pieces, from the left end to the right one, of the best sum of scores."""
    pieces = find_pieces(digit)
    rows = probabilities(np.stack([piece.digit.image for piece in pieces.values()]))
    best: dict[int, tuple[float, list[tuple[Digit, NDArray[np.float32]]]]] = {0: (0.0, [])}
    for (start, end), row in sorted(zip(pieces, rows, strict=True), key=lambda pair: pair[0]):
        if start not in best:
            continue
        piece = pieces[start, end]
        total = best[start][0] + score(piece, row) - (CUT + INK * piece.crossed if start else 0.0)
        if end not in best or total > best[end][0]:
            best[end] = (total, [*best[start][1], (piece.digit, row)])
    last = max(end for _, end in pieces)
    return best[last][1] if last in best else [(digit, probabilities(digit.image[None])[0])]


def find_pieces(digit: Digit) -> dict[tuple[int, int], Piece]:
    """Return what lies between any two cuts through a shape, by the numbers of the cuts; 0 is the left end.

    Raises:
        ValueError: the shape's own pixels are not known.
    """
    if digit.strength is None:
        raise ValueError("the digit was made without its strength")
    strength = digit.strength
    height, width = strength.shape
    seams, crossed = _seams(strength)
    edges = [np.zeros(height), *seams, np.full(height, float(width))]
    costs = [0.0, *crossed, 0.0]
    pieces = {}
    for start in range(len(edges) - 1):
        for end in range(start + 1, len(edges)):
            piece = _piece(digit, strength, edges[start], edges[end], costs[start])
            if piece or (start == 0 and end == len(edges) - 1):
                pieces[start, end] = piece or Piece(digit, width / height, 1.0, 0.0)
    return pieces


def _piece(
    digit: Digit, strength: NDArray[np.float32], left: NDArray[np.float64], right: NDArray[np.float64], crossed: float
) -> Piece | None:
    height, width = strength.shape
    low, high = PIECE_ASPECTS
    if not low * height <= float((right - left).mean()) <= high * height + 1:
        return None
    columns = np.arange(width)
    own = np.where((columns >= left[:, None]) & (columns < right[:, None]), strength, 0).astype(np.float32)
    labels, parts = find_components(own > 0.3)
    kept = [part for part in parts if part.area >= MIN_FRAGMENT * sum(p.area for p in parts)]
    if not kept:
        return None
    box = kept[0].box
    for part in kept:
        box = box.union(part.box)
    if box.height < MIN_PIECE_HEIGHT * height or not low * height <= box.width <= high * height:
        return None
    dropped = (labels > 0) & ~np.isin(labels, [part.label for part in kept])
    cut = np.where(dropped, 0, own)[box.top : box.bottom, box.left : box.right]
    return Piece(_placed(digit, box, cut), box.width / height, box.height / height, crossed)


def _placed(digit: Digit, box: Box, strength: NDArray[np.float32]) -> Digit:
    """Return a part of a digit as one of its own; ``box`` is in pixels of the digit's strength."""
    assert digit.strength is not None
    scale = digit.box.height / digit.strength.shape[0]
    left, top = digit.box.left, digit.box.top
    edges = (top + box.top * scale, left + box.left * scale, top + box.bottom * scale, left + box.right * scale)
    return Digit(Box(*(round(edge) for edge in edges)), normalise(strength), strength)


def _seams(strength: NDArray[np.float32]) -> tuple[list[NDArray[np.float64]], list[float]]:
    """Return cuts from left to right, ``(height,) float64`` columns each, and the ink each goes through."""
    height, width = strength.shape
    scale = min(1.0, SEARCH_PX / height)
    size = (max(4, round(width * scale)), max(4, round(height * scale)))
    small = np.asarray(Image.fromarray(strength).resize(size, Image.Resampling.BOX), np.float32)
    most = max(3, int(CUTS_PER_HEIGHT * width / height))
    paths = _apart([path for sideways in SIDEWAYS for path in _paths(small, sideways, most)])
    rows = (np.arange(height) + 0.5) * len(small) / height - 0.5
    here = np.arange(len(small))
    seams = [(np.interp(rows, here, path) + 0.5) * width / small.shape[1] for path in paths]
    return seams, [float(small[here, path].sum()) / (STROKE * len(small)) for path in paths]


def _paths(small: NDArray[np.float32], sideways: float, most: int) -> list[NDArray[np.int64]]:
    """Return the cheapest paths from top to bottom through columns of the middle row that are better than others."""
    down, back = _least_ink(small, sideways)
    up, forth = _least_ink(small[::-1], sideways)
    middle = len(small) // 2
    above = len(small) - 1 - middle
    columns = _lowest(down[middle] + up[above] - small[middle], most)
    return [np.concatenate([_trace(back, middle, k), _trace(forth, above, k)[-2::-1]]) for k in columns]


def _apart(paths: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Drop paths that are nearly the same as an earlier one; the others from left to right."""
    kept: list[NDArray[np.int64]] = []
    for path in paths:
        if all(float(np.abs(path - other).mean()) >= APART_PX for other in kept):
            kept.append(path)
    return sorted(kept, key=lambda path: float(path.mean()))


def _least_ink(small: NDArray[np.float32], sideways: float) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Return the least ink from the top to every pixel, and the step from the row above that it came by."""
    total, steps = small.copy(), np.zeros(small.shape, np.int8)
    for row in range(1, len(small)):
        above = np.pad(total[row - 1], 1, constant_values=np.inf)
        ways = np.stack([above[1:-1], above[:-2] + sideways, above[2:] + sideways])
        came = ways.argmin(axis=0)
        total[row] += ways.min(axis=0)
        steps[row] = np.array([0, -1, 1], np.int8)[came]
    return total, steps


def _trace(steps: NDArray[np.int8], row: int, column: int) -> NDArray[np.int64]:
    """Return the columns of the path from the top to a pixel."""
    path = [column]
    for here in range(row, 0, -1):
        path.append(path[-1] + int(steps[here, path[-1]]))
    return np.array(path[::-1])


def _lowest(total: NDArray[np.float32], most: int) -> list[int]:
    """Return the columns of up to ``most`` local minima, from left to right."""
    padded = np.pad(total, 1, constant_values=np.inf)
    minima = np.flatnonzero((total <= padded[:-2]) & (total < padded[2:]))
    inside: Sequence[int] = [int(k) for k in minima if 1 < k < len(total) - 2]
    return sorted(sorted(inside, key=lambda k: float(total[k]))[:most])
