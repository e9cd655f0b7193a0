"""A folder as a source: its pictures by name, and with ``follow`` those that appear."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from digitrec_edge.errors import PictureError, SourceError
from digitrec_edge.preprocess.reading import SUFFIXES, read
from digitrec_edge.watching.frames import LOST, Events, Frame, Missing
from digitrec_edge.watching.sources import Asked

POLL_S = 0.25

_Seen = dict[Path, tuple[int, int]]
"""Size and time of change of each file, in nanoseconds."""


def frames(text: str, asked: Asked) -> Events:
    """Yield the pictures of a folder by name; one that cannot be read is missing.

    With ``follow`` it goes on with the pictures that appear or change, each when it has stopped to change. All of them
    are read: where so many a second are asked for, one waits for its time. A folder that goes is waited for.

    Raises:
        SourceError: the folder cannot be read at first; or it holds no picture and is not followed.
    """
    folder = Path(text)
    done = _listed(folder)
    if not done and not asked.follow:
        raise SourceError(f"{folder} holds no pictures ({', '.join(SUFFIXES)}); add --follow to wait for some")
    yield from map(_frame, _in_time(sorted(done), asked.interval_s))
    lost = False
    while asked.follow:
        try:
            before = _listed(folder)
            time.sleep(POLL_S)
            now = _listed(folder)
        except SourceError as cause:
            if not lost:
                yield Missing(LOST, f"{cause}; waiting for it")
            lost = True
            time.sleep(POLL_S)
            continue
        lost = False
        for path in _in_time(_settled(done, before, now), asked.interval_s):
            done[path] = now[path]
            yield _frame(path)
        done = {path: done[path] for path in now if path in done}  # one that went may come again


def _in_time(paths: Iterable[Path], interval_s: float) -> Iterator[Path]:
    due_s = time.monotonic()
    for path in paths:
        time.sleep(max(0.0, due_s - time.monotonic()))
        due_s = time.monotonic() + interval_s
        yield path


def _settled(done: _Seen, before: _Seen, now: _Seen) -> Iterator[Path]:
    return (path for path in sorted(now) if before.get(path) == now[path] != done.get(path))


def _listed(folder: Path) -> _Seen:
    try:
        found = [p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith(".")]
        states = {path: path.stat() for path in found if path.is_file()}
    except FileNotFoundError:  # a file that went while we looked; or the folder itself
        if folder.is_dir():
            return _listed(folder)
        raise SourceError(f"no such folder: {folder}") from None
    except OSError as cause:
        raise SourceError(f"cannot read folder {folder}: {cause.strerror}") from cause
    return {path: (state.st_size, state.st_mtime_ns) for path, state in states.items()}


def _frame(path: Path) -> Frame | Missing:
    try:
        return Frame(read(path).grey, path.name, time.monotonic())
    except PictureError as error:
        return Missing("picture unreadable", str(error))
