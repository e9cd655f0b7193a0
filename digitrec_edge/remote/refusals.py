"""Why a device could not be used, told from what OpenSSH and the device's side say, with what to do next."""

from digitrec_edge.errors import (
    BusyDeviceError,
    ConnectionLostError,
    DigitrecError,
    HostKeyError,
    LoginRefusedError,
    RemoteError,
    UnfitDeviceError,
    UnreachableError,
)
from digitrec_edge.installation import pythons

ROOM = (
    "what makes room: environments of earlier versions, ~/digitrec-edge/env-* and ~/.cache/digitrec-edge/env-*, where "
    "nothing runs from them"
)
"""Neither deploy nor benchmark removes them: a service may be started from one of deploy's."""

NO_PYTHON = 43
"""Exit status of the login shell's command when there is no python3."""

_SSH: tuple[tuple[str, type[RemoteError], str], ...] = (
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        HostKeyError,
        "its host key is not the one you know: another machine, or a fresh installation. Compare the fingerprint "
        "on the device; if it is right: ssh-keygen -R {name}, then ssh {host}",
    ),
    (
        "Host key verification failed",
        HostKeyError,
        "its host key is unknown here. Connect once by hand and compare the fingerprint: ssh {host}",
    ),
    (
        "Permission denied",
        LoginRefusedError,
        "it accepts none of your keys. Is yours loaded (ssh-add -l)? Is it there? Send it: ssh-copy-id {host}",
    ),
    (
        "Too many authentication failures",
        LoginRefusedError,
        "you offered too many keys. Name the right one in ~/.ssh/config: IdentityFile, IdentitiesOnly yes",
    ),
    (
        "Could not resolve hostname",
        UnreachableError,
        "no such name on this network. Is it switched on and connected? Try: ping {name}",
    ),
    ("Connection refused", UnreachableError, "it is there, but has no ssh server running; on a Pi: sudo raspi-config"),
    ("timed out", UnreachableError, "no answer. Is it switched on, and on this network? Try: ping {name}"),
    ("No route to host", UnreachableError, "no way to it. Is it switched on, and on this network? Try: ping {name}"),
    ("Network is unreachable", UnreachableError, "this machine has no network to reach it by"),
)


def explain_ssh(host: str, stderr: str) -> RemoteError:
    """Turn what ssh said when it could not connect into an error."""
    name = host.rpartition("@")[2]
    for words, kind, advice in _SSH:
        if words in stderr:
            return kind(f"{host}: {advice.format(host=host, name=name)}")
    return UnreachableError(f"{host}: ssh could not connect: {_last_line(stderr)}; try by hand: ssh {host}")


def explain_lost(host: str, stderr: str) -> RemoteError:
    """Turn the end of a connection before the end of its answer into an error."""
    return ConnectionLostError(
        f"{host}: the connection broke halfway ({_last_line(stderr)}); nothing of this run counts, and what ran "
        "there was ended; run it again"
    )


def explain_refusal(host: str, kind: str, message: str) -> RemoteError:
    """Turn a refusal of the device's side into an error."""
    message = message[:300]
    texts = {
        "no python": f"it has no python3; Python {pythons.RANGE} is needed: sudo apt-get install python3",
        "python": f"its python3 is {message}; Python {pythons.RANGE} is needed",
        "disk": f"its disk is full: {message}; {ROOM}",
        "busy": message,
        "damaged": f"{message}; run it again",
    }
    kinds = {"busy": BusyDeviceError, **dict.fromkeys(("no python", "python", "disk"), UnfitDeviceError)}
    return kinds.get(kind, RemoteError)(f"{host}: {texts.get(kind, message)}")


def why_failed(host: str, error: Exception) -> str:
    """Say in one line, without the host, why a device could not be used."""
    if isinstance(error, DigitrecError):
        return " ".join(str(error).removeprefix(f"{host}: ").split(chr(10)))[:1000]
    return f"unexpected {type(error).__name__}: {str(error)[:300]!r}; please report this"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "ssh said nothing"
