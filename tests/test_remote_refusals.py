"""What a person is told when a device cannot be used: the cause, and what to type."""

import pytest

from digitrec_edge.errors import (
    BusyDeviceError,
    ConnectionLostError,
    HostKeyError,
    LoginRefusedError,
    RemoteError,
    UnfitDeviceError,
    UnreachableError,
)
from digitrec_edge.installation import pythons
from digitrec_edge.remote.refusals import explain_lost, explain_refusal, explain_ssh

HOST = "pi@raspberrypi.local"


@pytest.mark.parametrize(
    ("said", "kind", "advice"),
    [
        ("ssh: Could not resolve hostname raspberrypi.local: Name or service not known", UnreachableError, "ping"),
        ("ssh: connect to host 10.0.0.9 port 22: Connection refused", UnreachableError, "no ssh server"),
        ("ssh: connect to host 10.0.0.9 port 22: Connection timed out", UnreachableError, "no answer"),
        ("ssh: connect to host 10.0.0.9 port 22: No route to host", UnreachableError, "no way to it"),
        ("pi@raspberrypi.local: Permission denied (publickey,password).", LoginRefusedError, f"ssh-copy-id {HOST}"),
        ("Received disconnect: Too many authentication failures", LoginRefusedError, "IdentitiesOnly"),
        ("No ED25519 host key is known\nHost key verification failed.", HostKeyError, f"by hand.*ssh {HOST}"),
        (
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
            HostKeyError,
            "ssh-keygen -R raspberrypi.local",
        ),
        ("kex_exchange_identification: something new", UnreachableError, "something new.*try by hand"),
        ("", UnreachableError, "ssh said nothing"),
    ],
)
def test_what_ssh_says_is_explained(said: str, kind: type[RemoteError], advice: str) -> None:
    error = explain_ssh(HOST, said)
    assert type(error) is kind
    with pytest.raises(kind, match=advice):
        raise error
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("kind", "message", "error", "text"),
    [
        ("no python", "", UnfitDeviceError, "apt-get install python3"),
        ("python", "3.9.2", UnfitDeviceError, f"3.9.2; Python {pythons.RANGE}"),
        ("disk", "No space left", UnfitDeviceError, "disk is full: No space left; what makes room: "),
        ("busy", "another one", BusyDeviceError, "another one"),
        ("system", "odd", RemoteError, "odd"),
    ],
)
def test_refusals_of_the_device_are_explained(kind: str, message: str, error: type[RemoteError], text: str) -> None:
    explained = explain_refusal(HOST, kind, message)
    assert type(explained) is error
    assert text in str(explained)


def test_a_lost_connection_says_that_nothing_counts() -> None:
    error = explain_lost(HOST, "client_loop: send disconnect: Broken pipe\n")
    assert isinstance(error, ConnectionLostError)
    assert "Broken pipe" in str(error)
    assert "nothing of this run counts" in str(error)
