"""Kills a piece of work at each of its file operations in turn, as a power cut would, and shows what is left.

An audit hook (PEP 578) sees every file that Python opens for writing, renames, removes or makes; a forked child kills
itself right before the chosen one. A file that is emptied when it is opened counts twice: before, and when it is empty.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_EVENTS = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.chown", "os.truncate"})


def crash_points(work: Callable[[Path], object], prepare: Callable[[], Path]) -> Iterator[tuple[int, Path]]:
    """Run ``work`` in a fresh folder for each of its file operations, killed right before that one.

    Args:
        work: gets the folder; runs in a forked child, so it must need no thread of this process.
        prepare: makes a folder as the work finds it.

    Yields:
        The number of the operation, from 1, and the folder as the killed child left it.
    """
    point = 1
    while True:
        folder = prepare()
        if not killed_at(point, work, folder):
            return
        yield point, folder
        point += 1


def killed_at(point: int, work: Callable[[Path], object], folder: Path) -> bool:
    """Run ``work`` in a forked child that kills itself right before its file operation ``point``, counted from 1.

    Returns:
        Whether it came to that; if not, the work was done.
    """
    status, _ = _fork(point, work, folder)
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0, f"the work itself failed: exit status {os.WEXITSTATUS(status)}"
        return False
    assert os.WTERMSIG(status) == signal.SIGKILL
    return True


def count_operations(work: Callable[[Path], object], folder: Path) -> int:
    """Run ``work`` in a forked child to its end and return how many file operations it has."""
    status, seen = _fork(0, work, folder)
    assert status == 0, "the work itself failed"
    return seen


def _fork(point: int, work: Callable[[Path], object], folder: Path) -> tuple[int, int]:
    """Return how the child ended, and how many operations it saw when it came to its end."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            killer = Killer(point, folder)
            sys.addaudithook(killer)
            work(folder)
            os.write(write, str(killer.seen).encode())
            os._exit(0)
        except BaseException:  # noqa: BLE001  (a forked child must not run on into the tests)
            import traceback

            traceback.print_exc()
            os._exit(1)
    os.close(write)
    with os.fdopen(read) as answer:
        seen = int(answer.readline() or 0)
    return os.waitpid(child, 0)[1], seen


class Killer:
    """An audit hook that kills its process at an operation inside a folder."""

    def __init__(self, point: int, folder: Path) -> None:
        self._point, self._folder, self.seen = point, str(folder), 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _EVENTS and not (event == "open" and _writes(arguments)):
            return
        if not any(isinstance(name, str | bytes | os.PathLike) and self._inside(name) for name in arguments):
            return
        self.step()
        if event == "open" and arguments[2] & os.O_TRUNC and Path(arguments[0]).exists():
            self.step(lambda: os.truncate(arguments[0], 0))

    def step(self, done: Callable[[], None] = lambda: None) -> None:
        """Count a moment; at the chosen one let happen what is then done already, and die."""
        self.seen += 1
        if self.seen == self._point:
            done()
            os.kill(os.getpid(), signal.SIGKILL)

    def _inside(self, name: Any) -> bool:
        return os.fsdecode(name).startswith(self._folder)


def _writes(arguments: tuple[Any, ...]) -> bool:
    flags = arguments[2]
    return isinstance(flags, int) and bool(flags & _WRITING)
