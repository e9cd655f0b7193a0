"""Letters as strokes, for training on what is no digit.

A letter is written in several hands, each a text: strokes parted by ``|``, the points of a stroke by blanks, a point as
its column and row on a grid of 10 x 10. A stroke is a smooth curve through its points, or straight lines between them
where it begins with ``-``. Letters that many people write like a digit are left out: O, o, I, i, l, S, s, Z, z, q, g
and B.
"""

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""A line through ``(N, 2)`` points, x and y; a mark lies within about -1 to 1."""

HANDS: dict[str, tuple[str, ...]] = {
    "A": ("-09 40 89|-16 76", "09 20 50 80 99|-15 95", "-09 50 99|05 45 95"),
    "C": ("81 50 20 04 06 29 59 88", "92 60 20 04 07 39 79 98", "80 40 13 06 29 69"),
    "D": ("-10 19|10 60 93 96 69 19", "-20 19|00 50 92 96 69 09", "-30 29|10 60 94 86 49 09"),
    "E": ("-90 10 19 99|-14 74", "81 40 11 23 54|54 14 06 29 69 98", "-80 20 09 79|-15 65"),
    "F": ("-90 10 19|-15 65", "-80 30 19|-24 64"),
    "G": (
        "91 60 20 04 06 29 69 96|-55 96 99", "81 50 10 05 28 69 95 55", "92 50 10 04 07 39 78 96|-56 96",
        "80 40 13 06 29 69 86 65", "81 40 13 07 39 78|-65 85 89",
    ),
    "H": ("-10 19|-80 79|-15 85", "-20 19|-90 89|-05 95"),
    "J": ("80 86 69 29 06", "-20 90|60 67 49 19 07", "70 77 59 29 07", "50 56 39 09", "-30 80|60 58 29 07"),
    "K": ("-10 19|-90 15 99", "-20 19|90 54 25|25 57 99"),
    "L": ("-10 19 89", "30 26 19|19 59 98", "-30 19 79", "40 20 24 19 49 98"),
    "M": ("-09 10 55 90 99", "09 20 45 70 99", "-19 00 46 90 89"),
    "N": ("-09 10 89 90", "09 11 30 68 89 91 90"),
    "P": ("-10 19|10 70 93 65 15", "-30 19|11 50 92 65 25"),
    "Q": ("50 20 04 06 29 69 95 93 70 50|-66 99", "50 20 04 06 29 69 95 93 70 50|56 78 99"),
    "R": ("-10 19|10 70 92 64 14|-44 99", "-20 19|01 40 82 64 24|24 66 99"),
    "T": ("-00 90|-50 49", "-00 90|-50 59", "01 40 90|-50 39"),
    "U": ("10 06 39 69 96 90", "10 06 49 86 90|-90 99", "00 06 29 59 86 80", "20 06 29 69 80"),
    "V": ("-00 49 90", "00 27 49 67 90", "00 39 59 81 90"),
    "W": ("-00 29 42 79 90", "00 29 43 69 90", "00 07 29 47 43|43 57 79 96 90"),
    "X": ("-00 99|-90 09", "00 34 69 99|90 54 09"),
    "Y": ("-00 55 90|-55 49", "00 34 65|-90 39", "00 24 54 80|80 65 39", "-00 44 80|-44 39"),
    "a": (
        "81 40 13 07 29 69 84|82 87 99", "82 50 20 06 29 59 83|-80 79 99", "71 40 12 06 29 59 74|-71 79",
        "31 61 73 79|74 35 17 39 69 77", "80 50 22 05 18 49 76 80|80 77 99",
    ),
    "b": ("-10 19|14 50 85 88 59 19", "-20 19|25 55 77 59 19", "30 15 19|16 45 76 69 29"),
    "c": ("82 50 20 05 08 39 79", "81 40 13 07 29 69", "80 40 05 29 89"),
    "d": ("84 54 15 08 39 69 86|-80 89", "75 44 16 28 59 76|-70 79", "74 34 07 29 69|80 76 79 99"),
    "e": ("05 75 82 50 20 05 08 39 79 97", "15 64 81 50 20 05 19 59 97", "04 54 82 50 21 05 29 88"),
    "f": ("81 50 32 39|-04 74", "90 60 43 37 29|-14 84", "70 41 38 19|-05 75"),
    "h": ("-10 19|15 44 74 85 89", "20 14 19|16 45 65 79", "30 10 15 19|16 44 66 69 98"),
    "j": ("60 67 49 19 08", "63 67 49 19|-60 61", "-20 60|60 67 39 08"),
    "k": ("-10 19|-83 15 89", "20 19|64 34 16|16 47 89"),
    "m": ("-13 19|14 33 45 49|45 63 84 89", "09 03 22 34 39|35 52 74 79|75 92 99", "03 09|05 23 45 49|45 63 84 88 99"),
    "n": ("-13 19|15 43 74 85 89", "02 13 19|15 43 75 79 99", "09 01|02 40 73 79"),
    "p": ("-10 19|11 50 83 86 57 16", "20 19|22 61 83 66 26"),
    "r": ("-10 19|14 41 80 92", "-13 19|15 44 84", "00 12 19|14 31 80"),
    "t": ("-40 49|-13 83", "-40 48|48 69 88|-13 83", "50 37 59 88|-03 83"),
    "u": ("12 16 29 59 84 82|-82 89", "02 16 39 66 72|72 78 99", "00 06 29 69 85|-80 89", "00 07 39 77 80|80 88 99"),
    "v": ("-10 49 80", "00 29 49 75 90", "00 37 49 70 91"),
    "w": ("-00 29 42 79 90", "00 07 29 47 43|43 57 79 96 90"),
    "x": ("-10 89|-80 19", "00 34 69 99|90 54 09", "00 44 48 09|90 54 58 99"),
    "y": ("-10 45|-80 29", "10 14 35 64 80|80 68 39 19", "00 24 54 80|80 74 49 09", "-00 44|-90 19"),
    "?": ("12 30 60 82 54 57|-59 59",),
    "&": ("98 40 20 43 16 28 59 84",),
}  # fmt: skip

_TREMBLE = (0.03, 0.11)
"""Standard deviation of a point, of half the letter's size; drawn for each letter."""


def write_letter(random: np.random.Generator) -> list[Points]:
    """Write some letter in some hand, its points moved by chance."""
    hands = _ALL[int(random.integers(len(_ALL)))]
    tremble = random.uniform(*_TREMBLE)
    strokes = []
    for straight, points in hands:
        moved = points + random.normal(0, tremble, points.shape)
        strokes.append(moved if straight else curve(moved))
    return strokes


def curve(points: Points, steps: int = 6) -> Points:
    """Return a smooth line through points: a uniform Catmull-Rom spline, ``steps`` pieces between two of them.

    Catmull, Rom, "A class of local interpolating splines" (Computer Aided Geometric Design, 1974).
    """
    padded = np.concatenate([points[:1], points, points[-1:]])
    p0, p1, p2, p3 = (padded[k : k + len(points) - 1, None] for k in range(4))
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    between = (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - 3 * p2 + p3 - p0) * t**3) / 2
    return np.concatenate([between.reshape(-1, 2), points[-1:]])


def _parse(hand: str) -> list[tuple[bool, Points]]:
    strokes = []
    for stroke in hand.split("|"):
        points = [[int(point[0]), int(point[1])] for point in stroke.removeprefix("-").split()]
        strokes.append((stroke.startswith("-"), np.array(points) / 4.5 - 1))
    return strokes


_ALL = [_parse(hand) for hands in HANDS.values() for hand in hands]
