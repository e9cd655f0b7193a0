"""The newest of what comes by itself: what nobody had time for is dropped, and never waits in a queue."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Generic, TypeVar

Item = TypeVar("Item")

END_S = 1.0
"""How long the thread may take to end before it is left behind."""


class _Grabber(Generic[Item]):
    """Goes through items in a thread of its own and keeps the newest alone."""

    def __init__(self, items: Iterator[Item]) -> None:
        self._items, self._change = items, threading.Condition()
        self._newest: list[Item] = []
        self._ended = False
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        failure: Exception | None = None
        try:
            for item in self._items:
                with self._change:
                    self._newest = [item]
                    self._change.notify_all()
                    if self._ended:
                        break
        except Exception as cause:  # noqa: BLE001  (it is raised where the items are asked for)
            failure = cause
        finally:
            if close := getattr(self._items, "close", None):
                close()
            with self._change:
                self._ended, self._failure = True, failure
                self._change.notify_all()

    def next(self, timeout_s: float) -> Item | None:
        """Return an item that was not returned before; None when there are no more, or none comes in time."""
        with self._change:
            self._change.wait_for(lambda: self._newest or self._ended, timeout_s)
            if self._newest:
                return self._newest.pop()
            if self._failure:
                raise self._failure
            return None

    def close(self) -> None:
        """End the thread at its next item; one that hangs in a driver is left behind."""
        with self._change:
            self._ended = True
        self._thread.join(END_S)


def newest(items: Iterator[Item], interval_s: float, timeout_s: float) -> Iterator[Item]:
    """Yield the newest item, then the one that is the newest ``interval_s`` later, and so on.

    Args:
        items: come by themselves; they are gone through in a thread of their own, and closed there.
        interval_s: between two that are yielded, at the least.
        timeout_s: it ends when no item comes for so long.
    """
    with closing(_Grabber(items)) as grabber:
        while (item := grabber.next(timeout_s)) is not None:
            start = time.monotonic()
            yield item
            time.sleep(max(0.0, start + interval_s - time.monotonic()))
