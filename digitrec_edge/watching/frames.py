"""Frames: what every source gives, and how a source that fails is opened again."""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitrec_edge.errors import SourceError

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
"""Before a source is opened again; each wait is twice the one before, until there is a frame."""


@dataclass(frozen=True)
class Frame:
    """One picture of a source.

    Attributes:
        pixels: ``(height, width) uint8`` in grey, or ``(height, width, 3) uint8`` in red, green, blue.
        name: what messages call it.
        clock_s: seconds on a clock of the source that only goes on: of a video its own, else that of this machine.
    """

    pixels: NDArray[np.uint8]
    name: str
    clock_s: float

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.pixels.shape[1], self.pixels.shape[0]


@dataclass(frozen=True)
class Missing:
    """That there is no frame now, and why.

    Attributes:
        reason: for the reading.
        detail: for whoever looks after the source.
    """

    reason: str
    detail: str


Events = Generator[Frame | Missing, None, None]

_ROUNDING_S = 1e-6

LOST = "source lost"


def paced(events: Events, per_second: float | None) -> Events:
    """Pass on at most so many frames a second of the source's clock; all where ``per_second`` is None."""
    due_s, interval_s = -np.inf, 1 / per_second if per_second else 0.0
    for event in events:
        if isinstance(event, Frame):
            if event.clock_s < due_s - _ROUNDING_S:
                continue
            due_s = due_s + interval_s if due_s + interval_s > event.clock_s else event.clock_s + interval_s
        yield event


def reopened(open_source: Callable[[], Events], wait: Callable[[float], object] = time.sleep) -> Events:
    """Yield the frames of a source that has no end; when it fails it is opened again, after longer and longer waits.

    Args:
        open_source: opens it; the frames raise :class:`SourceError` when it fails, and end when it closes.
        wait: for so many seconds.

    Raises:
        SourceError: it cannot be opened the first time, or gives no frame then.
    """
    seen, wait_s = False, FIRST_WAIT_S
    while True:
        try:
            for event in open_source():
                seen, wait_s = True, FIRST_WAIT_S
                yield event
            cause = "it was closed"
        except SourceError as error:
            cause = str(error)
        if not seen:
            raise SourceError(cause)
        yield Missing(LOST, f"{cause}; trying again in {wait_s:.0f} s")
        wait(wait_s)
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)
