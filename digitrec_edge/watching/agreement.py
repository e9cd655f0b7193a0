"""Agreement: a number is believed when so many frames in a row show it."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from digitrec_edge.watching.glimpse import Glimpse

DISAGREE = "frames disagree"


@dataclass(frozen=True)
class Agreed:
    """A number that frames in a row agree on, or why there is none.

    Attributes:
        text: None when there is none.
        probability: of the whole number: the product over its digits of each one's mean over the frames. The frames
            show one scene in one light, so what misleads one misleads all: agreeing is no further evidence, and raises
            no probability.
        frames: how many were agreed.
        reason: why there is none.
    """

    text: str | None
    probability: float | None
    frames: int
    reason: str | None


class Agreement:
    """Follows the glimpses of one region.

    A frame whose number cannot be told agrees with none: those before it do not count any more.

    Args:
        needed: how many frames in a row must agree.
    """

    def __init__(self, needed: int) -> None:
        self._needed = needed
        self._last: deque[Glimpse] = deque(maxlen=needed)

    def add(self, seen: Glimpse) -> Agreed:
        """Take what the next frame shows, and return what is known then."""
        if seen.text is None:
            self._last.clear()
            return Agreed(None, None, 0, seen.reason)
        self._last.append(seen)
        if len(self._last) < self._needed or any(one.text != seen.text for one in self._last):
            return Agreed(None, None, 0, DISAGREE)
        means = np.mean([one.probabilities for one in self._last], axis=0)
        return Agreed(seen.text, float(np.prod(means)), self._needed, None)
