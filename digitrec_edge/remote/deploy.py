"""Deploying: an artifact and a runtime on a device, tried there."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from digitrec_edge import artifact
from digitrec_edge.artifact import signature_path
from digitrec_edge.artifact.signature import KEY_FILE
from digitrec_edge.errors import ArtifactError, RemoteError
from digitrec_edge.remote.extras import extras_for, with_signatures
from digitrec_edge.remote.refusals import why_failed
from digitrec_edge.remote.ssh import Connection
from digitrec_edge.remote.venv import prepare

HOME = "~/digitrec-edge"


@dataclass(frozen=True)
class Deployed:
    """What is on a device now, or why it is not.

    Attributes:
        path: of the artifact there.
        report: what ``digitrec-edge verify`` said there.
        command: what to type there.
        error: empty when all went well.
    """

    host: str
    path: str = ""
    report: tuple[str, ...] = ()
    command: str = ""
    error: str = ""


def check(path: Path) -> None:
    """See that a file is worth deploying, before any device is asked.

    Raises:
        ArtifactError: damaged, or without a card.
    """
    if artifact.read(path).card is None:
        raise ArtifactError(
            f"{path} carries no card, so nobody can verify it on a device; export it: digitrec-edge export"
        )


def deploy(host: str, path: Path, limit_s: float, on_step: Callable[[str], None] = lambda text: None) -> Deployed:
    """Leave a verified artifact and a runtime on a device; a failure is told in the result."""
    try:
        on_step("connecting")
        with Connection(host, limit_s) as connection:
            device = connection.examine([KEY_FILE])
            on_step(f"connected: {device.describe()}")
            environment = prepare(connection, device, extras_for(host, device, [path]), on_step, root=HOME)
            on_step("sending the artifact")
            connection.remove(f"{HOME}/{signature_path(path).name}")
            connection.send(with_signatures([path]), HOME)
            on_step("verifying it there")
            answer = connection.run([environment.program, "verify", path.name], HOME)
            if answer.status:
                raise RemoteError(f"{host}: verify failed there: {next(iter(answer.lines[-1:]), 'it said nothing')}")
    except Exception as error:  # noqa: BLE001  (whatever it is, it is about this device, and the others go on)
        failed = Deployed(host, error=why_failed(host, error))
        on_step(f"failed: {failed.error}")
        return failed
    on_step("done")
    remote = f"{HOME}/{path.name}"
    command = f"{environment.program} predict --model {HOME}/{shlex.quote(path.name)} PICTURE"
    return Deployed(host, remote, tuple(answer.lines), command)
