"""Digits that touch each other: which of the cuts part digits, only the recogniser can tell.

Every piece between two cuts is read, and the chain of pieces with the best sum of scores is the answer (as in Viterbi's
algorithm).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitrec_edge.frozen import Frozen
from digitrec_edge.preprocess.components import Box, find_components
from digitrec_edge.preprocess.cuts import Cut, find_cuts
from digitrec_edge.preprocess.normalise import normalise
from digitrec_edge.preprocess.stages import Digit, Stages

MIN_ASPECT, WIDE_ASPECT = 0.55, 0.75
"""Width by height; narrower shapes than the first are one digit, and up to the second those of a score of ``WHOLE``."""

WHOLE = 9.0
"""Of 21 made numbers of two digits that are so narrow none has it, of 638 single digits four fifths."""

PIECE_PX = 64
"""Of height; higher shapes are averaged down to it before they are cut, as each of many pieces is normalised."""

PIECE_ASPECTS = (0.08, 1.45)
MIN_PIECE_HEIGHT = 0.45
"""Of the whole's height; and width by the whole's height. Other pieces are not tried."""

INK = 0.3
"""Of full strength, in a piece."""

MIN_FRAGMENT = 0.06
"""Of a piece's ink; smaller parts are the neighbour's."""

SURE, DOUBT = 12.9, 2.7
"""The score of a piece from which on no more is gained, and what a point is worth up to it: a part of a digit, or a
digit and a half, may be sure to be a 3, but its score is lower than that of a whole 3."""

READ_AS = (21.1, 25.3, 33.6, 32.9, 19.5, 26.2, 24.2, 27.5, 23.9, 21.3)
"""What a piece costs that is read as 0, 1, ... 9: parts of digits are read as a 2 more often than as a 4."""

READ_AS_OTHER = 25.5
"""And of a label that is no digit: their mean."""

UNSURE = 11.6
"""What a logarithm of the probability costs."""

WIDEST, TOO_WIDE = 0.63, 22.4
LOWEST, TOO_LOW = 0.78, 63.4
"""A digit's width and height, by the whole's height, and what more or less of them costs."""

CROSSED, STROKES = 0.36, 5.6
"""What a cut costs by the square of the strokes' widths of ink that it goes through, and each stroke but the
first. They and the weights above were fitted together, for the least expected share of wrong readings of a conditional
random field, on 1,800 made numbers (``tests/pictures_touching.py``, seeds 1000 to 1149 and 2000 to 2449), 1,020 rows in
frames and 500 single digits, as the pretrained network reads them. All are differences of log-odds."""

BESIDE = 2.0
"""What each width of a stroke costs that a cut goes through between two strokes that lie side by side. It came later:
1 to 3 do alike on those seeds and on 2500 to 2699."""

Recognise = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""From ``(N, 28, 28) uint8`` to ``(N, 10) float32`` probabilities and ``(N,) float32`` scores, see
:mod:`digitrec_edge.no_digit`."""


class Piece(Frozen):
    """What may be one digit of several that touch.

    Attributes:
        digit: the piece as the recogniser takes it.
        width: by the whole's height.
        height: by the whole's height.
        crossed: the ink that its left cut goes through, in widths of a stroke; 0 at the left end.
        strokes: how many strokes that cut goes through.
        beside: the ink that it goes through between strokes that lie side by side, in widths of a stroke.
    """

    digit: Digit
    width: float
    height: float
    crossed: float
    strokes: int
    beside: float = 0.0


Score = Callable[[Piece, NDArray[np.float32], float], float]
"""How like a digit a piece is, from it, its ``(10,)`` probabilities and its score: more is likelier."""


def likeliness(piece: Piece, probabilities: NDArray[np.float32], score: float) -> float:
    """Return how sure the recogniser is, less what its answer, an unlikely width or height and the left cut cost."""
    label = int(probabilities.argmax())
    answer = READ_AS[label] if label < len(READ_AS) else READ_AS_OTHER
    doubt = answer - DOUBT * min(score, SURE) - UNSURE * float(np.log(max(float(probabilities.max()), 1e-6)))
    shape = TOO_WIDE * max(0.0, piece.width - WIDEST) + TOO_LOW * max(0.0, LOWEST - piece.height)
    cut = CROSSED * piece.crossed**2 + STROKES * max(0, piece.strokes - 1) + BESIDE * piece.beside
    return -(doubt + shape + cut)


def read_number(
    stages: Stages, recognise: Recognise, score: Score = likeliness
) -> list[tuple[Digit, NDArray[np.float32]]]:
    """Read every digit of a picture, those that touch each other one by one.

    Args:
        stages: of the picture.
        recognise: a recogniser, for pictures of digits.
        score: of a piece of a shape that may be several digits.

    Returns:
        The digits in reading order, each with its ``(10,)`` probabilities.

    Raises:
        PictureError: there is nothing like a digit.
    """
    read: list[tuple[Digit, NDArray[np.float32]]] = []
    for digit in stages.several():
        height, width = (1, 0) if digit.strength is None else digit.strength.shape
        if width >= WIDE_ASPECT * height:
            read += _best(digit, recognise, score)
            continue
        rows, scores = recognise(digit.image[None])
        surely_one = width < MIN_ASPECT * height or scores[0] >= WHOLE
        cut = [] if surely_one else _best(digit, recognise, score)
        read += cut if len(cut) > 1 else [(digit, rows[0])]
    return read


def _best(digit: Digit, recognise: Recognise, score: Score) -> list[tuple[Digit, NDArray[np.float32]]]:
    """Return the chain of pieces, from the left end to the right one, of the best sum of scores."""
    pieces = find_pieces(digit)
    rows, scores = recognise(np.stack([piece.digit.image for piece in pieces.values()]))
    best: dict[int, tuple[float, list[tuple[Digit, NDArray[np.float32]]]]] = {0: (0.0, [])}
    for (start, end), row, sure in sorted(zip(pieces, rows, scores, strict=True), key=lambda one: one[0]):
        if start not in best:
            continue
        piece = pieces[start, end]
        total = best[start][0] + score(piece, row, float(sure))
        if end not in best or total > best[end][0]:
            best[end] = (total, [*best[start][1], (piece.digit, row)])
    return best[max(end for _, end in pieces)][1]


def find_pieces(digit: Digit) -> dict[tuple[int, int], Piece]:
    """Return what lies between any two cuts through a shape, by the numbers of the cuts; 0 is the left end.

    The whole shape, from the left end to the right one, is always among them.

    Raises:
        ValueError: the shape's own pixels are not known.
    """
    if digit.strength is None:
        raise ValueError("the digit was made without its strength")
    strength = _reduced(digit.strength)
    height, width = strength.shape
    ends = [Cut(np.full(height, float(column)), 0.0, 0, 0.0) for column in (0, width)]
    edges = [ends[0], *find_cuts(strength), ends[1]]
    pieces = {(0, len(edges) - 1): Piece(digit, width / height, 1.0, 0.0, 0)}
    for start in range(len(edges) - 1):
        for end in range(start + 1, len(edges)):
            if piece := _piece(digit, strength, edges[start], edges[end]):
                pieces[start, end] = piece
    return pieces


def _reduced(strength: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = strength.shape
    if height <= PIECE_PX:
        return strength
    size = (max(1, round(width * PIECE_PX / height)), PIECE_PX)
    return np.asarray(Image.fromarray(strength).resize(size, Image.Resampling.BOX), np.float32)


def _piece(digit: Digit, strength: NDArray[np.float32], left: Cut, right: Cut) -> Piece | None:
    """Return what lies between two cuts, without fragments of its neighbours; None when it cannot be a digit."""
    height, width = strength.shape
    low, high = PIECE_ASPECTS
    if not low * height <= float((right.columns - left.columns).mean()) <= high * height + 1:
        return None
    first, last = max(0, int(left.columns.min())), min(width, int(right.columns.max()) + 1)
    columns = np.arange(first, last)
    between = (columns >= left.columns[:, None]) & (columns < right.columns[:, None])
    own = np.where(between, strength[:, first:last], 0).astype(np.float32)
    labels, parts = find_components(own > INK)
    kept = [part for part in parts if part.area >= MIN_FRAGMENT * sum(p.area for p in parts)]
    if not kept:
        return None
    box = kept[0].box
    for part in kept:
        box = box.union(part.box)
    if box.height < MIN_PIECE_HEIGHT * height or not low * height <= box.width <= high * height:
        return None
    if len(kept) < len(parts):
        own[(labels > 0) & ~np.isin(labels, [part.label for part in kept])] = 0
    cut = own[box.top : box.bottom, box.left : box.right]
    box = Box(box.top, box.left + first, box.bottom, box.right + first)
    placed = _placed(digit, digit.box.height / height, box, cut)
    return Piece(placed, box.width / height, box.height / height, left.crossed, left.strokes, left.beside)


def _placed(digit: Digit, scale: float, box: Box, strength: NDArray[np.float32]) -> Digit:
    """Return a part of a digit as one of its own; ``scale`` is pixels of the picture by one of ``box``."""
    left, top = digit.box.left, digit.box.top
    edges = (top + box.top * scale, left + box.left * scale, top + box.bottom * scale, left + box.right * scale)
    return Digit(Box(*(round(edge) for edge in edges)), normalise(strength), strength)
