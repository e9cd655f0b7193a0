"""What a service is started with."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class ServiceLimits:
    """What clients may take of a service.

    Attributes:
        body_bytes: of one request.
        held_bytes: of all requests together whose bodies have more than ``SMALL_BYTES``.
        head_s: until a client has sent the head of a request, from connecting or from the last answer on.
        body_s: until it has sent the body.
        read_s: that reading a picture may take, and before it waiting for its turn.
        connections: at the same time.
        waiting: pictures that may wait for their turn.
    """

    body_bytes: int = 16 << 20
    held_bytes: int = 64 << 20
    head_s: float = 10.0
    body_s: float = 20.0
    read_s: float = 10.0
    connections: int = 256
    waiting: int = 512


@dataclass(frozen=True)
class Settings:
    """All that is asked of a service.

    Attributes:
        artifact: the file; it is watched, and exchanged when it changes.
        runtime: a name of the table of runtimes, or ``auto``.
        workers: processes that read pictures.
        key: public key that the artifact must be signed with; None is the one of this machine's configuration.
        token: that every request must bring; empty where none is asked.
        lan: whether others than this machine are listened to.
        names: hosts that it is called by, besides those that it knows.
        cert, tls_key: PEM files; None for plain http.
        keep: which answers are kept, as :class:`digitrec_edge.collection.Keep` writes it; empty for none.
        collection: the file that they are kept in, and that is shown to be corrected; None for none.
        keep_bytes: that it may have. A collection that nothing is kept in is only corrected: nothing goes from it.
    """

    artifact: Path
    runtime: str = "auto"
    workers: int = 1
    key: Path | None = None
    token: str = ""
    lan: bool = False
    host: str = "127.0.0.1"
    port: int = 8028
    names: tuple[str, ...] = ()
    cert: Path | None = None
    tls_key: Path | None = None
    keep: str = ""
    collection: Path | None = None
    keep_bytes: int = 256 << 20
    limits: ServiceLimits = field(default_factory=ServiceLimits)

    @property
    def scheme(self) -> str:
        """What its addresses begin with."""
        return "https" if self.cert else "http"
