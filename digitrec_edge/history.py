"""The history of a device: which artifact answered when, a line of JSON per event in ``history.jsonl``, oldest first.

``digitrec-edge deploy`` keeps these in one folder, ``~/digitrec-edge`` of the login:

    current          link to the artifact that is in place; a new one takes its place by an atomic rename of the link
    previous         link to the one before it
    artifacts/*/     the files that these lead to, each with its signature in a folder of its own; they never change
    history.jsonl    what happened, written by deploy and by what answers there

What answers on the device opens ``current`` (artifacts are recognised by their content, so the link needs no suffix),
sees by ``os.stat``, which follows links, that another file is in place, and records in :func:`folder_of` what it did.
It calls ``Path.resolve()`` on the link first and reads what that gives: artifact and signature are then of one
deployment, even if another one happens meanwhile.
"""

import dataclasses
import errno
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, get_args

from digitrec_edge.artifact import Artifact
from digitrec_edge.errors import DataError, OutputError
from digitrec_edge.files import make_folder, sha256
from digitrec_edge.records import NewerVersionError, Within, load_json, parse, read_version

HOME = "~/digitrec-edge"
CURRENT, PREVIOUS, FILE_NAME = "current", "previous", "history.jsonl"
OLDER = "history.1.jsonl"
"""Where a full history goes; the one that was there before goes."""

LIMIT_BYTES = 1 << 20
"""A longer history is full: some 3,500 events."""

VERSION = 1

Happened = Literal["deployed", "rolled back", "serving", "exchanged", "refused", "stopped"]
Line = Annotated[str, Within(0, 255)]


@dataclass(frozen=True)
class Event:
    """Something that happened to what answers on a device.

    Attributes:
        time: UTC, ``2026-11-28T21:04:05Z``, by the device's clock.
        event: ``deployed`` and ``rolled back``: it was put in place; ``serving`` and ``exchanged``: it answers from now
            on, from the start or in place of another; ``stopped``: it answers no more; ``refused``: it did not
            get there, and the one before goes on.
        artifact: name of its file.
        sha256: of the whole file; empty where it could not be read.
        variant: on its card; empty without one.
        by: who did it, such as ``pi@desk`` or ``serve``.
        why: reason of a refusal, else empty.
    """

    time: Line
    event: Happened
    artifact: Line
    sha256: Line
    variant: Line
    by: Line
    why: Line
    history_version: int = VERSION


def folder_of(file: Path) -> Path | None:
    """Return the folder in whose history an artifact's events belong; None for one that was not deployed.

    Args:
        file: what was named: the link ``current``, or another path.
    """
    return file.parent.absolute() if file.name == CURRENT and file.is_symlink() else None


def record(folder: Path, event: Happened, artifact: Artifact | Path, *, by: str, why: str = "") -> Event:
    """Add an event to the history of a folder: one write at its end, on disk when this returns.

    Args:
        folder: made when it is missing.
        event: what happened.
        artifact: whom it happened to; a path where the file could not be read.
        by: who did it.
        why: reason of a refusal.

    Returns:
        What was written; long texts are cut, and control characters replaced.

    Raises:
        OutputError: it cannot be written.
        ValueError: no such event.
    """
    if event not in get_args(Happened):
        raise ValueError(f"event is {event!r}, one of {', '.join(get_args(Happened))} is allowed")
    found = artifact if isinstance(artifact, Artifact) else None
    path = artifact.path if isinstance(artifact, Artifact) else artifact
    added = Event(
        time=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        event=event,
        artifact=_line(path.name),
        sha256=sha256(found.data) if found else "",
        variant=_line(found.card.variant) if found and found.card else "",
        by=_line(by),
        why=_line(why),
    )
    make_folder(folder)
    try:
        _append(folder / FILE_NAME, json.dumps(dataclasses.asdict(added)).encode() + b"\n")
    except OSError as cause:
        raise OutputError(f"cannot write {str(folder / FILE_NAME)!r}: {cause.strerror}") from cause
    return added


def _line(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text[:255])


def _append(path: Path, line: bytes) -> None:
    import fcntl  # Windows has none; it reads histories, and is no device

    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            if not _is_still(path, descriptor):
                continue  # another process has put it aside
            half = size and os.pread(descriptor, 1, size - 1) != b"\n"  # the power went while it was written
            whole = b"\n" * bool(half) + line
            if size + len(whole) > LIMIT_BYTES:
                path.replace(path.with_name(OLDER))
                continue
            if os.write(descriptor, whole) != len(whole):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
            return
        finally:
            os.close(descriptor)


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def read(folder: Path) -> tuple[Event, ...]:
    """Read the history of a folder, oldest event first; empty where nothing has happened yet.

    Raises:
        DataError: it cannot be read, is larger than any that is written, or is of a newer version.
    """
    events: list[Event] = []
    for path in (folder / OLDER, folder / FILE_NAME):
        try:
            with path.open("rb") as stream:
                data = stream.read(LIMIT_BYTES + 1)
        except FileNotFoundError:
            continue
        except OSError as cause:
            raise DataError(f"cannot read {str(path)!r}: {cause.strerror}") from cause
        try:
            events += parse_events(data)
        except ValueError as cause:
            raise DataError(f"{path} is no history: {cause}") from cause
    return tuple(events)


def parse_events(data: bytes) -> tuple[Event, ...]:
    """Read lines of a history; half a line, as a power cut leaves it, is passed over.

    Raises:
        ValueError: too long, or a whole line that is no event or of a newer version.
    """
    if len(data) > LIMIT_BYTES:
        raise ValueError(f"more than {LIMIT_BYTES:,} bytes")
    events = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not (line.startswith(b"{") and line.endswith(b"}")):
            continue
        try:
            events.append(read_version(load_json(line), "history_version", _READERS, ""))
        except NewerVersionError:
            raise
        except ValueError as cause:
            raise ValueError(f"line {number}: {cause}") from cause
    return tuple(events)


_READERS = {VERSION: lambda raw: parse(Event, raw, "history")}
"""Version -> reader; what a later version adds, the readers of older ones fill in."""
