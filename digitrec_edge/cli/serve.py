"""``digitrec-edge serve``."""

import re
import sys
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitrec_edge.cli import terminal
from digitrec_edge.cli.options import MB, RuntimeOption, find_artifact
from digitrec_edge.cli.reading import default_artifact
from runtimes.table import AUTO

if TYPE_CHECKING:
    from digitrec_edge.service.settings import Settings

UNIT = "digitrec-edge.service"
STATE_FOLDER = Path("/var/lib/digitrec-edge")
_LOOPBACK, _EVERYWHERE = "127.0.0.1", "0.0.0.0"
KEEP_MB = 256
FIRST_PORT = 1024
"""Those below are for processes with rights."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}")
"""What stands in a Host header before the port."""


def serve(
    artifact: Annotated[
        Path | None,
        typer.Argument(
            callback=find_artifact, help="Artifact to serve; exchanged when its file is. Default: the pretrained one."
        ),
    ] = None,
    runtime: RuntimeOption = AUTO,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0 takes a free one.")] = 8028,
    lan: Annotated[
        bool, typer.Option("--lan", help="Listen to the network, too; every request must then bring a token.")
    ] = False,
    name: Annotated[
        list[str] | None, typer.Option(help="Another name or address that this machine is called by. May be repeated.")
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="File with the token, made when missing; on loopback, too, one is asked for then. "
            "Default with --lan: ~/.config/digitrec-edge/serve-token."
        ),
    ] = None,
    tls: Annotated[
        tuple[Path, Path] | None,
        typer.Option(help="Certificate and private key, PEM files: https.", metavar="CERT KEY"),
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(help="Keep answers to correct them at /review: unsure (and no digit), all, or a share, 1/100."),
    ] = None,
    collection: Annotated[
        Path | None,
        typer.Option(
            help="File that they are kept in. Default: collection.sqlite. Without --keep: one that is there, to be "
            "corrected at /review; nothing is added, and nothing goes."
        ),
    ] = None,
    keep_mb: Annotated[
        int | None,
        typer.Option(
            min=1, max=1_000_000, help="Megabytes that it may have; the oldest uncorrected go first. Default: 256."
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes that read pictures. Default: one per core.")
    ] = None,
    max_body_mb: Annotated[int, typer.Option(min=1, max=48, help="Megabytes that a request may have.")] = 16,
    max_connections: Annotated[int, typer.Option(min=1, max=10_000, help="Connections at the same time.")] = 256,
    key: Annotated[
        Path | None, typer.Option(help="Public key in a PEM file that the artifact must be signed with.")
    ] = None,
    print_unit: Annotated[
        bool, typer.Option("--print-unit", help="Print a unit for systemd, with a sandbox, and end.")
    ] = False,
) -> None:
    """Read digits over HTTP: a page to draw on, POST /v1/read for pictures, /metrics, /review, /openapi.json.

    Only this machine is listened to, unless --lan says otherwise. Each picture is read by a process beside the one
    that listens; bodies, pixels, times and connections are bounded. When the artifact's file changes, the new one is
    tested here and takes the old one's place without a lost request; one that fails is refused, and the old one goes
    on. SIGTERM ends the service when all that was asked is answered.
    """
    terminal.hold_native_output()
    given = _settings(artifact, runtime, port, lan=lan, names=_names(name or []), tls=tls, workers=workers)
    given = _with_keeping(given, keep, collection, keep_mb)
    given = _with_limits(given, max_body_mb * MB, max_connections)
    given = replace(given, key=key)
    if print_unit:
        _print_unit(given, asks_token=lan or token_file is not None)
        return
    _need_extra()
    from digitrec_edge.service.server import open_socket, run
    from digitrec_edge.service.token import default_file, read_token

    if lan or token_file:
        token_file = token_file or default_file()
        given = replace(given, token=read_token(token_file))
    listener = open_socket(given)
    given = replace(given, port=listener.getsockname()[1])
    run(given, listener, _say, lambda: _show(given, token_file))


def _names(texts: list[str]) -> list[str]:
    for text in texts:
        if not (_NAME.fullmatch(text) or _is_address(text)):
            raise typer.BadParameter(
                f"{text!r} is no name or address; give it without http:// and port, such as meter.local",
                param_hint="--name",
            )
    return texts


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _settings(
    artifact: Path | None,
    runtime: str,
    port: int,
    *,
    lan: bool,
    names: list[str],
    tls: tuple[Path, Path] | None,
    workers: int | None,
) -> "Settings":
    from digitrec_edge.cli.cores import usable_cores
    from digitrec_edge.service.settings import Settings

    cert, tls_key = tls or (None, None)
    return Settings(
        artifact or default_artifact(runtime), runtime, workers or usable_cores(), lan=lan,
        host=_EVERYWHERE if lan else _LOOPBACK, port=port, names=tuple(names), cert=cert, tls_key=tls_key,
    )  # fmt: skip


def _with_keeping(given: "Settings", keep: str | None, collection: Path | None, limit_mb: int | None) -> "Settings":
    from digitrec_edge.collection import Keep
    from digitrec_edge.errors import CollectionError

    try:
        keeps = keep is not None and Keep.parse(keep).keeps
    except CollectionError as error:
        raise typer.BadParameter(str(error), param_hint="--keep") from None
    if keep is None or not keeps:
        if limit_mb is not None:
            raise typer.BadParameter("bounds what is kept, and nothing is: add --keep unsure", param_hint="--keep-mb")
        return replace(given, collection=collection)
    return replace(
        given, keep=keep, collection=collection or Path("collection.sqlite"), keep_bytes=(limit_mb or KEEP_MB) * MB
    )


def _with_limits(given: "Settings", body_bytes: int, connections: int) -> "Settings":
    limits = given.limits
    held = max(limits.held_bytes, 2 * body_bytes)
    return replace(given, limits=replace(limits, body_bytes=body_bytes, held_bytes=held, connections=connections))


def _need_extra() -> None:
    from digitrec_edge.errors import NotInstalledError
    from digitrec_edge.pip_lines import install_extra

    try:
        import httptools  # noqa: F401
        import prometheus_client  # noqa: F401
        import python_multipart  # noqa: F401
        import segno  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as cause:
        raise NotInstalledError(f"serve needs {cause.name}, which is not installed: {install_extra('serve')}") from None


def _say(line: str) -> None:
    print(terminal.escaped(line), file=sys.stderr, flush=True)


def _show(given: "Settings", token_file: Path | None) -> None:
    """Say where it can be reached; the token is shown in a terminal alone, for a log is read by others."""
    from digitrec_edge.service.token import addresses, qr_code

    hosts = (addresses() if given.lan else []) or [_LOOPBACK]
    places = [f"{given.scheme}://{host}:{given.port}/" for host in (*hosts, *given.names)]
    in_terminal = sys.stdout.isatty()
    query = f"?token={given.token}" if given.token and in_terminal else ""
    for place in places:
        print(f"listening at {place}{query}", flush=True)
    if given.lan and not given.cert:
        print(
            "This is plain http: whoever shares the network can read pictures and token on their way. --tls CERT KEY "
            "is https.", flush=True,
        )  # fmt: skip
    if query:
        print(qr_code(places[0] + query), flush=True)
    elif given.token:
        print(f"The token is in {token_file}.", flush=True)


def _print_unit(given: "Settings", *, asks_token: bool) -> None:
    if given.port < FIRST_PORT:
        raise typer.BadParameter(
            f"{given.port}: a unit without rights listens from {FIRST_PORT:,} on", param_hint="--port"
        )
    from digitrec_edge.service.unit import unit

    absolute = replace(given, artifact=Path(given.artifact).absolute())
    words = [str(absolute.artifact), "--runtime", given.runtime, "--port", str(given.port)]
    words += ["--lan"] if given.lan else []
    for one in given.names:
        words += ["--name", one]
    words += ["--token-file", str(STATE_FOLDER / "token")] if asks_token else []
    if given.key:
        absolute = replace(absolute, key=given.key.absolute())
    if given.cert and given.tls_key:
        absolute = replace(absolute, cert=given.cert.absolute(), tls_key=given.tls_key.absolute())
        words += ["--tls", str(absolute.cert), str(absolute.tls_key)]
    words += ["--collection", str(STATE_FOLDER / given.collection.name)] if given.collection else []
    words += ["--keep", given.keep, "--keep-mb", str(given.keep_bytes // MB)] if given.keep else []
    words += ["--workers", str(given.workers), "--max-body-mb", str(given.limits.body_bytes // MB)]
    words += ["--max-connections", str(given.limits.connections)]
    words += ["--key", str(absolute.key)] if given.key else []
    print(unit(absolute, words, UNIT), end="")
