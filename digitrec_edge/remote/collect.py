"""Collecting: the collections of devices come home over ssh, into one file."""

import inspect
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from digitrec_edge.collection import Collection, Merged, merge
from digitrec_edge.errors import RemoteError
from digitrec_edge.remote import snapshot
from digitrec_edge.remote.refusals import why_failed
from digitrec_edge.remote.ssh import Connection
from digitrec_edge.remote.venv import CACHE

REMOTE_PATH = "~/digitrec-edge/collection.sqlite"
"""Where a device keeps what it was unsure of."""

COPY = "collection.sqlite"
COPY_BYTES = 512 << 20
"""A device may send so much."""


@dataclass(frozen=True)
class Collected:
    """What came from a device, or why nothing did.

    Attributes:
        merged: None when it failed.
        error: empty when all went well.
    """

    host: str
    merged: Merged | None = None
    error: str = ""


def collect(
    connection: Connection, path: str, into: Collection, on_step: Callable[[str], None] = lambda text: None
) -> Collected:
    """Bring a device's collection into one here; a failure is told in the result.

    ``path`` is the device's; one that is relative begins at the home folder of the login.
    The device keeps its own: what was brought once is known by its id the next time. The connection is opened here;
    whoever closes it meanwhile ends the waiting.
    """
    host = connection.host
    try:
        on_step("connecting")
        with connection, tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch) / COPY
            copy.write_bytes(_fetch(connection, path, on_step))
            on_step("merging")
            done = Collected(host, merge(into, copy))
    except Exception as error:  # noqa: BLE001  (whatever it is, it is about this device, and the others go on)
        on_step("failed")
        return Collected(host, error=why_failed(host, error))
    on_step("done")
    return done


def _fetch(connection: Connection, path: str, on_step: Callable[[str], None]) -> bytes:
    folder = f"{CACHE}/collect-{secrets.token_hex(4)}"
    connection.send((), folder)
    try:
        on_step("copying")
        argv = ["python3", "-c", inspect.getsource(snapshot), path, COPY, str(COPY_BYTES)]
        answer = connection.run(argv, folder, fetch=[COPY], fetch_bytes=COPY_BYTES, passing=True)
    finally:
        connection.remove(folder)
    if answer.status or COPY not in answer.files:
        raise RemoteError(f"{connection.host}: {answer.last_line[:300] or 'it said nothing'}")
    return answer.files[COPY]
