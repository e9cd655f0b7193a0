"""A picture that lies on its side or upside down: its digits are turned and read again, where they are not read surely.

A network that was shown turned digits as marks that are none gives them low scores, and the same digits upright high
ones. A 0, 1 or 8 upside down stays what it is, and a 6 is a 9: these are read surely, and nothing is said of them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.frozen import Frozen
from digitrec_edge.preprocess.normalise import normalise
from digitrec_edge.preprocess.stages import Digit

if TYPE_CHECKING:
    from digitrec_edge.preprocess.touching import Recognise

SURE = 0.9
"""Probability; a digit that is read as surely is not turned."""

MIN_SCORE, MIN_GAIN = 7.0, 6.0
"""What the mean score of the turned digits must be, and by how much it must be above that of the digits as they are.
Chosen on 600 photographs (``tests/photographs.py``, seed 177): said of 1 of 594 that were read right, and of 415 of 582
that were turned."""

TURNS = {90: 3, 180: 2, 270: 1}
"""Degrees clockwise, and quarters counter-clockwise."""


class Turn(Frozen):
    """How a picture would be read more surely.

    Attributes:
        degrees: 90, 180 or 270, clockwise.
        digits: what each digit would be, in the order in which they were given.
    """

    degrees: int
    digits: tuple[int, ...]


def is_doubtful(probabilities: Sequence[NDArray[np.float32]], accepted: Sequence[bool]) -> bool:
    """Whether at least half of the digits are no digits, or not sure.

    Args:
        probabilities: ``(10,)`` of each digit.
        accepted: of each digit, whether its score is that of one.
    """
    pairs = zip(probabilities, accepted, strict=True)
    doubtful = sum(not taken or float(row.max()) < SURE for row, taken in pairs)
    return 2 * doubtful >= len(accepted) > 0


def find_turn(digits: Sequence[Digit], scores: Sequence[float], recognise: "Recognise") -> Turn | None:
    """Find the turn by which digits are read far more surely.

    Args:
        digits: of a picture, at least one.
        scores: of each, as it is.
        recognise: a recogniser.

    Returns:
        None when there is no such turn.
    """
    strengths = [digit.strength for digit in digits if digit.strength is not None]
    if not strengths:
        return None
    found: list[tuple[float, Turn]] = []
    for degrees, quarters in TURNS.items():
        images = [normalise(np.ascontiguousarray(np.rot90(strength, quarters))) for strength in strengths]
        rows, turned = recognise(np.stack(images))
        found.append((float(turned.mean()), Turn(degrees, tuple(int(row.argmax()) for row in rows))))
    score, turn = max(found, key=lambda pair: pair[0])
    return turn if score >= MIN_SCORE and score >= float(np.mean(scores)) + MIN_GAIN else None
