"""Running a service: a socket, the readers, the watch over the artifact, and an end after the last answer."""

import asyncio
import contextlib
import logging
import signal
import socket
import ssl
from collections.abc import Callable, Generator
from pathlib import Path

import uvicorn

from digitrec_edge import history
from digitrec_edge.artifact import Artifact
from digitrec_edge.errors import CollectionError, OutputError, ServiceError
from digitrec_edge.files import read_file
from digitrec_edge.service.app import App, Service
from digitrec_edge.service.connections import protocol, sweep
from digitrec_edge.service.exchange import Happening, ModelExchange
from digitrec_edge.service.keeping import Keeper
from digitrec_edge.service.memory import return_large_blocks
from digitrec_edge.service.metrics import Metrics
from digitrec_edge.service.parameters import BodyRoom
from digitrec_edge.service.settings import Settings

Say = Callable[[str], None]
BACKLOG = 512
TLS_BYTES = 1 << 20
STOP_S = 20
"""For what is being answered when the service is stopped."""

BY = "serve"


class _Server(uvicorn.Server):
    """uvicorn without its own signals: it would raise them again at the end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to :func:`run`."""
        yield


def open_socket(settings: Settings) -> socket.socket:
    """Listen.

    Raises:
        ServiceError: the address is taken, or none of this machine.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)
    except OSError as cause:
        listener.close()
        raise ServiceError(
            f"cannot listen at {settings.host} port {settings.port}: {cause.strerror}; choose another: --port"
        ) from cause
    return listener


def run(settings: Settings, listener: socket.socket, say: Say, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; what is being answered then is answered.

    Args:
        settings: what is asked.
        listener: where to listen; closed at the end.
        say: takes lines for people.
        ready: called when requests are answered.

    Raises:
        DigitrecError: the artifact cannot be served, or the collection not be opened.
    """
    return_large_blocks()
    try:
        import uvloop

        factory = uvloop.new_event_loop
    except ImportError:  # it has no wheel for some systems; the standard loop is a tenth slower
        factory = None
    with listener, asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_run(settings, listener, say, ready))


async def _run(settings: Settings, listener: socket.socket, say: Say, ready: Callable[[], None]) -> None:
    metrics = Metrics()
    exchange = ModelExchange(settings, lambda event: _tell(event, settings, metrics, say), metrics.readers_lost.inc)
    keeper = _open_keeper(settings, metrics, say)
    service = Service(settings, exchange, metrics, keeper, BodyRoom(settings.limits.held_bytes))
    try:
        config = _config(service)
        await exchange.start()
        await _serve(service, config, listener, ready)
    finally:
        await exchange.close()
        if keeper:
            await keeper.close()


def _open_keeper(settings: Settings, metrics: Metrics, say: Say) -> Keeper | None:
    if settings.collection is None:
        return None
    if not settings.keep and not settings.collection.exists():
        raise CollectionError(f"no such collection: {settings.collection}; --keep unsure begins one")
    limit_bytes = settings.keep_bytes if settings.keep else None
    return Keeper(settings.collection, settings.keep or "none", limit_bytes, metrics, say)


async def _serve(service: Service, config: uvicorn.Config, listener: socket.socket, ready: Callable[[], None]) -> None:
    server = _Server(config)
    connections = server.server_state.connections
    metrics, exchange = service.metrics, service.exchange
    metrics.gauge("digitrec_connections", "Connections that are open.", lambda: len(connections))
    metrics.gauge("digitrec_waiting", "Pictures that are read or wait.", lambda: exchange.serving.staff.waiting)
    metrics.gauge("digitrec_readers", "Processes that read pictures.", lambda: exchange.serving.staff.present)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, setattr, server, "should_exit", True)
    loop.add_signal_handler(signal.SIGHUP, exchange.ask)
    work = [loop.create_task(exchange.watch()), loop.create_task(sweep(connections))]
    try:
        ready()
        await server.serve([listener])
    finally:
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)


def _config(service: Service) -> uvicorn.Config:
    settings = service.settings
    config = uvicorn.Config(
        App(service), http=protocol(settings.limits), ws="none", lifespan="off", interface="asgi3", log_config=None,
        log_level=logging.ERROR, access_log=False, proxy_headers=False, server_header=False,
        timeout_keep_alive=int(settings.limits.head_s), timeout_graceful_shutdown=STOP_S, backlog=BACKLOG,
        ssl_certfile=settings.cert, ssl_keyfile=settings.tls_key,
    )  # fmt: skip
    for path in filter(None, (settings.cert, settings.tls_key)):
        read_file(path, limit_bytes=TLS_BYTES, error=ServiceError)
    try:
        config.load()
    except (OSError, ssl.SSLError) as cause:
        raise ServiceError(f"--tls: {_tls_fault(settings)} ({cause.strerror or cause})") from cause
    return config


def _tls_fault(settings: Settings) -> str:
    """Say which of the two files it is."""
    try:
        ssl.create_default_context(cafile=settings.cert)
    except (OSError, ssl.SSLError):
        return f"{settings.cert} is no certificate in a PEM file"
    return f"{settings.tls_key} is no PEM file with the private key of {settings.cert}"


def _tell(event: Happening, settings: Settings, metrics: Metrics, say: Say) -> None:
    """Say, count and record what happened to an artifact."""
    say(event.text)
    metrics.happened(event.name)
    if event.name in ("serving", "exchanged") and isinstance(event.artifact, Artifact):
        card = event.artifact.card
        metrics.serves(
            name=event.artifact.name,
            sha256=event.sha256,
            variant=card.variant if card else "",
            file=event.artifact.path.name,
        )
    folder = history.folder_of(Path(settings.artifact))
    if folder is None:
        return
    try:
        history.record(folder, event.name, event.artifact, by=BY, why=event.why)
    except OutputError as error:
        say(f"not in the history: {error}")
