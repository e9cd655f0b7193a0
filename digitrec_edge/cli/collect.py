"""``digitrec-edge collect``."""

import dataclasses
import functools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitrec_edge.cli import terminal
from digitrec_edge.cli.options import MB, check_apart, refuse
from digitrec_edge.cli.remote import DEFAULT_TIMEOUT_S, Timeout, check_hosts, progress_of

if TYPE_CHECKING:
    from digitrec_edge.collection import Collection, Counts, Merged
    from digitrec_edge.remote.collect import Collected

DEFAULT_KEEP_MB = 4096
SQLITE_ENDS = ("", "-wal", "-shm", "-journal")
"""Of the names of a collection's files."""


def collect(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="The collection. Made when something is brought into it.")] = None,
    host: Annotated[
        list[str] | None,
        typer.Option(help="Bring home what this device kept, as for ssh: pi@raspberrypi.local; may be repeated."),
    ] = None,
    remote_path: Annotated[
        str | None,
        typer.Option(
            help="Where the devices keep it, from the login's home on. Default: digitrec-edge/collection.sqlite."
        ),
    ] = None,
    import_: Annotated[
        list[Path] | None,
        typer.Option("--import", help="Bring in another collection, or images and labels of a .npz; may be repeated."),
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write what was corrected to this .npz: images, labels, no_digit.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The same as FILE.")] = None,
    keep_mb: Annotated[
        int, typer.Option(min=1, help="The collection may have so many MB; the oldest uncorrected go first.")
    ] = DEFAULT_KEEP_MB,
    as_json: Annotated[bool, typer.Option("--json", help="Print what is in it as JSON.")] = False,
    timeout: Timeout = DEFAULT_TIMEOUT_S,
) -> None:
    """Show what a collection holds, bring the collections of devices home, or bring corrected digits in and out.

    A collection is what devices were unsure of: pictures, answers, and what people corrected. Nothing comes twice,
    the latest correction holds, and the devices keep their own. One device that fails does not stop the others.
    """
    terminal.hold_native_output()
    from digitrec_edge.collection import export_npz
    from digitrec_edge.errors import RemoteError

    path, hosts = _chosen(file, output), check_hosts(host or ())
    tell = functools.partial(print, file=sys.stderr if as_json else sys.stdout)
    check_apart({"--export": export}, [*(f"{path}{end}" for end in SQLITE_ENDS), *(import_ or ())])
    brings = bool(hosts or import_)
    if not hosts:
        refuse(context, ("remote_path", "timeout"), "is about a device; name it: --host")
    if not brings:
        refuse(context, ("keep_mb",), "bounds what is brought in; say what: --host or --import")
    with _opened(path, keep_mb * MB if brings else None, create=brings) as collection:
        for source in import_ or ():
            _import(collection, source, tell)
        collected = _bring_home(hosts, remote_path, collection, timeout, tell) if hosts else []
        if export:
            found = export_npz(collection, export)
            digits = terminal.counted(int((found.labels >= 0).sum()), "digit")
            tell(f"{export}: {digits}, {(found.labels < 0).sum():,} no digit")
        if as_json:
            print(json.dumps(dataclasses.asdict(collection.counts()), indent=1))
        elif not export and (import_ or not hosts or any(result.merged for result in collected)):
            show(collection.counts(), path)
    failed = [result.host for result in collected if result.error]
    if failed:
        raise RemoteError(f"{len(failed)} of {len(collected)} devices failed: {', '.join(failed)}")


def _chosen(file: Path | None, output: Path | None) -> Path:
    if (file is None) == (output is None):
        raise typer.BadParameter("name one collection, such as collection.sqlite", param_hint="FILE")
    return file or output or Path()


@contextmanager
def _opened(path: Path, limit_bytes: int | None, *, create: bool) -> "Iterator[Collection]":
    """Open a collection; one that is made for what is brought into it goes again where nothing was."""
    from digitrec_edge.collection import Collection

    made, empty = create and not path.exists(), False
    try:
        with Collection(path, limit_bytes, create=create) as collection:
            try:
                yield collection
            finally:
                empty = made and not collection.counts().items
    finally:
        for end in SQLITE_ENDS if empty else ():
            Path(f"{path}{end}").unlink(missing_ok=True)


def _import(collection: "Collection", source: Path, tell: Callable[[str], None]) -> None:
    from digitrec_edge.collection import import_npz, merge

    bring = import_npz if source.suffix == ".npz" else merge
    done = bring(collection, source)
    tell(f"{terminal.escaped(str(source))}: {_brought(done)}")


def _brought(done: "Merged") -> str:
    corrections = terminal.counted(done.corrections, "correction")
    return f"{terminal.counted(done.items, 'item')}, {done.new:,} new, {corrections} new"


def _bring_home(
    hosts: Sequence[str], path: str | None, collection: "Collection", limit_s: float, tell: Callable[[str], None]
) -> "list[Collected]":
    from concurrent.futures import ThreadPoolExecutor
    from contextlib import ExitStack, closing

    from digitrec_edge.remote.collect import REMOTE_PATH
    from digitrec_edge.remote.collect import collect as collect_from
    from digitrec_edge.remote.ssh import Connection

    with progress_of(hosts) as step, ThreadPoolExecutor(len(hosts)) as pool, ExitStack() as opened:

        def bring(connection: Connection) -> "Collected":
            return collect_from(connection, path or REMOTE_PATH, collection, lambda text: step(connection.host, text))

        # closed on Ctrl-C before the pool waits: ssh does not hear it by itself
        connections = [opened.enter_context(closing(Connection(host, limit_s))) for host in hosts]
        done = list(pool.map(bring, connections))
    for result in done:
        if result.merged is None:
            tell(terminal.escaped(f"{result.host}: FAILED: {result.error}"))
        else:
            tell(f"{result.host}: {_brought(result.merged)}")
    return done


def show(counts: "Counts", path: Path) -> None:
    """Print the tables of what is in a collection."""
    name, items = terminal.escaped(str(path)), terminal.counted(counts.items, "item")
    print(
        f"{name}: {items}, {counts.corrected:,} corrected, {counts.file_bytes / MB:,.1f} MB; "
        f"{counts.removed:,} went to make room"
    )
    said = [*dict.fromkeys([*counts.answers, *counts.corrections])]
    said.sort(key=lambda text: (not text.isdecimal(), len(text), text))
    rows = [[text, f"{counts.answers.get(text, 0):,}", f"{counts.corrections.get(text, 0):,}"] for text in said]
    terminal.print_table("digits", [("digit", False), ("answered", True), ("corrected to", True)], rows)
    for title, numbers in (("source", counts.sources), ("artifact", counts.artifacts)):
        rows = [[terminal.escaped(key) or "none: imported", f"{number:,}"] for key, number in numbers.items()]
        terminal.print_table(f"{title}s", [(title, False), ("items", True)], rows)
