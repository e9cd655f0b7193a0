"""Frames: a source that fails is opened again, the newest frame is what counts, and none waits in a queue."""

import itertools
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from digitrec_edge.errors import SourceError
from digitrec_edge.watching.frames import LONGEST_WAIT_S, Frame, Missing, paced, reopened
from digitrec_edge.watching.newest import newest

GREYS = [np.full((48, 64, 3), grey, np.uint8) for grey in (30, 90, 150, 210)]


def test_a_source_that_fails_is_opened_again_after_longer_and_longer_waits() -> None:
    frame, waits, opened = Frame(GREYS[0], "f", 0.0), list[float](), itertools.count()

    def open_it() -> Iterator[Frame]:
        number = next(opened)
        if number in (0, 9):
            yield frame
        raise SourceError("unplugged")

    events = reopened(open_it, waits.append)  # type: ignore[arg-type]
    found = [*itertools.islice(events, 12)]
    assert [isinstance(event, Frame) for event in found] == [k in (0, 10) for k in range(12)]
    assert found[1] == Missing("source lost", "unplugged; trying again in 1 s")
    assert waits == [1, 2, 4, 8, 16, 32, LONGEST_WAIT_S, LONGEST_WAIT_S, LONGEST_WAIT_S]


def test_a_source_that_never_opened_is_an_error() -> None:
    def open_it() -> Iterator[Frame]:
        raise SourceError("no such camera")
        yield

    with pytest.raises(SourceError, match="no such camera"):
        next(reopened(open_it))  # type: ignore[arg-type]


def test_the_newest_is_given_and_the_rest_dropped() -> None:
    step, started = threading.Semaphore(0), threading.Event()

    def items() -> Iterator[int]:
        yield 0
        started.set()
        yield from range(1, 6)
        step.acquire()
        yield 9

    found = newest(items(), 0.0, 60.0)
    first = next(found)
    started.wait(60)
    seen = [first]
    while seen[-1] != 5:
        seen.append(next(found))
    step.release()
    assert seen == sorted(set(seen))
    assert [*found] == [9]


def test_what_fails_or_hangs_ends_the_newest() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise SourceError("unplugged")

    found = newest(failing(), 0.0, 60.0)
    assert next(found) == 1
    with pytest.raises(SourceError, match="unplugged"):
        next(found)
    hang = threading.Event()
    assert [*newest((1 for _ in iter(hang.wait, True)), 0.0, 0.05)] == []
    hang.set()


def test_frames_are_passed_on_at_the_pace_that_is_asked_for() -> None:
    frames = [Frame(GREYS[0], str(k), k / 30) for k in range(90)]
    passed = [*paced((frame for frame in frames), 2)]
    assert [getattr(one, "clock_s", None) for one in passed] == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0, 2.5])
