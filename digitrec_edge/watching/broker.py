"""An MQTT broker, as it is named on the command line; the password comes from a variable or a file."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from digitrec_edge.errors import PublishError
from digitrec_edge.watching.addresses import secret

PASSWORD_VARIABLE = "DIGITREC_MQTT_PASSWORD"
PORTS = {"mqtt": 1883, "mqtts": 8883}
"""By scheme; mqtts is TLS."""

_FORM = "mqtt[s]://USER@HOST:PORT/TOPIC"
_WILDCARDS = "+#"


@dataclass(frozen=True)
class Broker:
    """Where readings are published.

    Attributes:
        topic: readings are published below it.
        user: None where none logs in.
        password: None where there is none.
        tls: whether the connection is encrypted, and the broker's certificate checked.
        ca: a file of the certificates that are trusted; None for those of the system.
    """

    host: str
    port: int
    topic: str
    user: str | None
    password: str | None
    tls: bool
    ca: Path | None

    def __repr__(self) -> str:
        return f"Broker({self.host}:{self.port}/{self.topic})"


def parse_broker(address: str, password_file: Path | None, ca: Path | None) -> Broker:
    """Read the address of a broker.

    Raises:
        ValueError: it is none, or holds a password; the address is not repeated.
        PublishError: the file of the password cannot be read.
    """
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise ValueError(f"no address; give {_FORM}") from None
    topic = parts.path.strip("/")
    if parts.scheme not in PORTS or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"no address; give {_FORM}")
    if parts.password is not None:
        raise ValueError(f"a password there would show in lists of processes; put it in {PASSWORD_VARIABLE} or a file")
    if not topic or not topic.isprintable() or any(mark in topic for mark in _WILDCARDS):
        raise ValueError(f"no topic, or one with {' or '.join(_WILDCARDS)}; give {_FORM}")
    if ca is not None and parts.scheme != "mqtts":
        raise ValueError("certificates are checked with mqtts:// alone")
    password = secret(password_file, PublishError) if password_file else os.environ.get(PASSWORD_VARIABLE) or None
    user = unquote(parts.username) if parts.username else None
    if password is not None and user is None:
        raise ValueError(f"there is a password and no user; give {_FORM}")
    return Broker(parts.hostname, port or PORTS[parts.scheme], topic, user, password, parts.scheme == "mqtts", ca)
