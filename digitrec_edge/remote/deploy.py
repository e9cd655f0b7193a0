"""Deploying: an artifact and a runtime on devices, one device after another, each proved before the next is touched.

What lies where on a device is told in :mod:`digitrec_edge.history`, and what it does in :mod:`digitrec_edge.placing`.
"""

import dataclasses
import getpass
import json
import platform
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from digitrec_edge import artifact, canary, history
from digitrec_edge.artifact.signature import KEY_FILE
from digitrec_edge.errors import ArtifactError, ChangedError, DeploymentError, RemoteError
from digitrec_edge.files import sha256
from digitrec_edge.history import CURRENT, FILE_NAME, HOME, OLDER, PREVIOUS, Event
from digitrec_edge.placing import ARTIFACTS, Order, Placed
from digitrec_edge.records import load_json, parse
from digitrec_edge.remote.extras import extras_for, with_signatures
from digitrec_edge.remote.refusals import why_failed
from digitrec_edge.remote.ssh import Connection
from digitrec_edge.remote.venv import LOCK, RemoteEnvironment, prepare

_PREVIOUS = re.compile(rf"{ARTIFACTS}/[0-9a-f]{{12}}/[^/]{{1,255}}")

OnStep = Callable[[str, str], None]


@dataclass(frozen=True)
class Job:
    """What to put in place on every device.

    Attributes:
        file: the artifact; None brings back the one before the one in place.
        canary: digits that it must read at least as well as the one in place; None: none.
        min_accuracy: share of them that it must read in any case.
        extras: to install beside what ``doctor`` names.
        limit_s: time for one device, from the connection to the end.
    """

    file: Path | None
    canary: Path | None
    min_accuracy: float | None
    extras: tuple[str, ...]
    limit_s: float


@dataclass(frozen=True)
class Deployed:
    """What is in place on a device now, or why it is what it was.

    Attributes:
        placed: None when nothing has changed there.
        command: what to type there.
        error: empty when all went well.
        touched: False where an earlier device failed, and this one was left alone.
    """

    host: str
    placed: Placed | None = None
    command: str = ""
    error: str = ""
    touched: bool = True


def check(job: Job) -> None:
    """See that what is asked for can be done, before any device is asked.

    Raises:
        ArtifactError: the artifact is damaged, changed, or without a card.
        DataError: the canary is none, too large, or has other labels.
    """
    if job.file is None:
        return
    try:
        card = artifact.read(job.file).card
    except ChangedError as cause:  # whose advice, to take the model as it is, is none here
        raise ChangedError(
            f"{job.file} is not as it was exported, so nobody can verify it on a device; copy it or export it again"
        ) from cause
    if card is None:
        raise ArtifactError(
            f"{job.file} carries no card, so nobody can verify it on a device; export it: digitrec-edge export"
        )
    if job.canary:
        canary.read(job.canary, len(card.labels))


def deploy(hosts: Sequence[str], job: Job, on_step: OnStep = lambda host, text: None) -> list[Deployed]:
    """Put an artifact in place on devices, one after another; after the first that fails no other is touched.

    Args:
        hosts: as ssh takes them.
        job: what to do.
        on_step: is told the host and what happens there.
    """
    done: list[Deployed] = []
    for host in hosts:
        if any(one.error for one in done):
            done.append(Deployed(host, touched=False))
            on_step(host, "not touched")
        else:
            done.append(_deploy_one(host, job, on_step))
    return done


def _deploy_one(host: str, job: Job, on_step: OnStep) -> Deployed:
    def tell(text: str) -> None:
        on_step(host, text)

    try:
        tell("connecting")
        with Connection(host, job.limit_s) as connection:
            result = _deploy_over(connection, job, tell)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is about this device)
        result = Deployed(host, error=why_failed(host, error))
    tell("failed" if result.error else "done")  # why is in the result
    return result


def _deploy_over(connection: Connection, job: Job, tell: Callable[[str], None]) -> Deployed:
    device = connection.examine([KEY_FILE])
    tell(f"connected: {device.describe()}")
    file = job.file or _previous(connection)
    extras = (*extras_for(connection.host, device, [file]), *job.extras)
    environment = prepare(connection, device, tuple(dict.fromkeys(extras)), tell, root=HOME)
    tell("sending the artifact" if job.file else "bringing back the artifact before")
    order = Order(_send(connection, job.file) if job.file else "", _who(), min_accuracy=job.min_accuracy)
    if job.canary:
        order = dataclasses.replace(order, canary=_send_canary(connection, job.canary))
    tell("trying it there")
    placed = _place(connection, environment, order)
    if job.file and placed.sha256 != sha256(job.file.read_bytes()):
        raise RemoteError(f"{connection.host}: it says that it has put another file in place")
    command = f"{environment.program} predict --model {HOME}/{CURRENT} PICTURE"
    return Deployed(connection.host, placed, command)


def _send(connection: Connection, file: Path) -> str:
    """Send an artifact and its signature to a folder of their own, named for what they are."""
    files = with_signatures([file])
    folder = f"{ARTIFACTS}/{sha256(b''.join(one.read_bytes() for one in files))[:12]}"
    connection.send(files, f"{HOME}/{folder}")
    return f"{folder}/{file.name}"


def _send_canary(connection: Connection, file: Path) -> str:
    folder, name = f"{ARTIFACTS}/canary", "canary.npz"
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / name
        copy.write_bytes(file.read_bytes())
        connection.send([copy], f"{HOME}/{folder}")
    return f"{folder}/{name}"


def _place(connection: Connection, environment: RemoteEnvironment, order: Order) -> Placed:
    text = json.dumps(dataclasses.asdict(order))
    argv = [environment.python, "-I", "-m", "digitrec_edge.placing", text]
    answer = connection.run(argv, HOME, lock=LOCK)
    if answer.status:
        said = answer.last_line[:500] or "it said nothing"
        raise DeploymentError(f"{connection.host}: {said}; what was in place there still is")
    try:
        return parse(Placed, load_json(answer.last_line), "answer")
    except ValueError as cause:
        raise RemoteError(f"{connection.host}: its answer is none that this version knows: {cause}") from cause


def _previous(connection: Connection) -> Path:
    """Return what lies there to be brought back, for its name says which runtime it needs."""
    answer = connection.run(["readlink", f"{HOME}/{PREVIOUS}"], "~")
    if answer.status or not _PREVIOUS.fullmatch(answer.last_line):
        raise DeploymentError(f"{connection.host}: no artifact before the one in place: nothing to bring back")
    return Path(answer.last_line)


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        user = "somebody"
    return f"{user}@{platform.node()}"[:255]


def read_history(host: str, limit_s: float) -> tuple[Event, ...]:
    """Return the history of a device, oldest event first; empty where nothing was ever deployed.

    Raises:
        RemoteError: it cannot be used, or what it sends is no history.
    """
    with Connection(host, limit_s) as connection:
        if not connection.examine([f"{HOME}/{FILE_NAME}"]).there:
            return ()
        names = (OLDER, FILE_NAME)
        answer = connection.run(["true"], HOME, fetch=names, fetch_bytes=history.LIMIT_BYTES)
    try:
        return tuple(event for name in names for event in history.parse_events(answer.files.get(name, b"")))
    except ValueError as cause:
        raise RemoteError(f"{host}: its history cannot be read: {cause}") from cause
