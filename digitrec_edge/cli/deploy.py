"""``digitrec-edge deploy``."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitrec_edge.cli import terminal
from digitrec_edge.cli.options import find_artifact, parse_share
from digitrec_edge.cli.remote import DEFAULT_TIMEOUT_S, Timeout, check_extras, check_hosts, progress_of

if TYPE_CHECKING:
    from digitrec_edge.history import Event
    from digitrec_edge.remote.deploy import Deployed, Job

_COLUMNS = [
    ("time", False), ("event", False), ("artifact", False), ("variant", False), ("sha256", False), ("by", False),
    ("why", False),
]  # fmt: skip


def deploy(
    host: Annotated[list[str], typer.Option(help="Device, as for ssh: pi@raspberrypi.local; may be repeated.")],
    file: Annotated[
        Path | None, typer.Argument(callback=find_artifact, help="The artifact.", show_default=False)
    ] = None,
    canary: Annotated[
        Path | None,
        typer.Option(help="Digits, a .npz of collect --export, that it must read there as well as the one before."),
    ] = None,
    canary_accuracy: Annotated[
        str | None, typer.Option(help="Share of the canary that it must read right in any case, such as 95%.")
    ] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Bring back the artifact that was in place before; again: forward.")
    ] = False,
    show_history: Annotated[
        bool, typer.Option("--history", help="Show which artifact answered there when, and change nothing.")
    ] = False,
    extra: Annotated[
        list[str] | None,
        typer.Option(callback=check_extras, help="Install this extra there, too: serve, watch. May be repeated."),
    ] = None,
    timeout: Timeout = DEFAULT_TIMEOUT_S,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Put an artifact in place on devices over ssh, prove it there, keep the one before, and say what to type there.

    One device after another: the first that fails its self-test or the canary keeps the artifact that it had, and no
    later one is touched. Everything goes to ~/digitrec-edge of the login: nothing is installed system-wide and
    nobody needs root. It goes through your own ssh, with its configuration, keys and known hosts.
    """
    hosts = check_hosts(host)
    share = None if canary_accuracy is None else parse_share(canary_accuracy, "--canary-accuracy")
    _check_usage(file, canary, share, rollback=rollback, show_history=show_history)
    if show_history:
        if extra:
            raise typer.BadParameter("--history installs nothing", param_hint="--extra")
        _show_histories(hosts, timeout, as_json)
        return
    terminal.hold_native_output()
    from digitrec_edge.remote.deploy import Job, check

    job = Job(file, canary, share, tuple(extra or ()), timeout)
    check(job)
    _deploy(hosts, job, as_json)


def _check_usage(
    file: Path | None, canary: Path | None, share: float | None, *, rollback: bool, show_history: bool
) -> None:
    if rollback and show_history:
        raise typer.BadParameter("--rollback and --history exclude each other", param_hint="--history")
    if (rollback or show_history) and (file or canary):
        option = "--rollback" if rollback else "--history"
        raise typer.BadParameter(f"{option} takes no artifact and no canary", param_hint=option)
    if file is None and not rollback and not show_history:
        raise typer.BadParameter("name the artifact, or --rollback or --history", param_hint="FILE")
    if share is not None and canary is None:
        raise typer.BadParameter("which digits? Name them: --canary digits.npz", param_hint="--canary-accuracy")


def _deploy(hosts: Sequence[str], job: "Job", as_json: bool) -> None:
    from digitrec_edge.errors import DeploymentError
    from digitrec_edge.remote.deploy import deploy as deploy_to

    with progress_of(hosts) as tell:
        done = deploy_to(hosts, job, tell)
    if as_json:
        terminal.print_json({"devices": [dataclasses.asdict(result) for result in done]})
    else:
        for result in done:
            print("\n".join(terminal.escaped(line) for line in _told(result)))
    failed = [result.host for result in done if result.error]
    if failed:
        left = [result.host for result in done if not result.touched]
        more = f"; not touched: {', '.join(left)}" if left else ""
        raise DeploymentError(f"{failed[0]} failed{more}")


def _told(result: "Deployed") -> list[str]:
    """Say in lines what is in place on a device."""
    placed = result.placed
    if placed is None:
        return [f"{result.host}: FAILED: {result.error}" if result.touched else f"{result.host}: not touched"]
    before = f", before it {placed.before}" if placed.before else ""
    lines = [f"{result.host}: {placed.artifact} is in place{before}", *(f"  {line}" for line in placed.report)]
    if placed.canary:
        found = placed.canary
        than = f", the one before {found.right_before:,}" if found.right_before is not None else ""
        lines.append(f"  canary: {found.right:,} of {found.images:,} images read right{than}")
    return [*lines, f"  type there: {result.command}"]


def _show_histories(hosts: Sequence[str], timeout_s: float, as_json: bool) -> None:
    """Show the history of every device; exit status 1 when one cannot be asked."""
    from digitrec_edge.errors import RemoteError
    from digitrec_edge.remote.deploy import read_history
    from digitrec_edge.remote.refusals import why_failed

    failed: list[str] = []
    histories: dict[str, Any] = {}
    for host in hosts:
        try:
            histories[host] = read_history(host, timeout_s)
        except RemoteError as error:
            failed.append(f"{host}: {why_failed(host, error)}")
    if as_json:
        terminal.print_json({host: [dataclasses.asdict(one) for one in events] for host, events in histories.items()})
    else:
        for host, events in histories.items():
            _print_history(host, events)
    if failed:
        raise RemoteError("; ".join(failed))


def _print_history(host: str, events: "Sequence[Event]") -> None:
    if not events:
        print(terminal.escaped(f"{host}: nothing was deployed there"))
        return
    rows = [[one.time, one.event, one.artifact, one.variant, one.sha256[:12] or "-", one.by, one.why] for one in events]
    terminal.print_table(host, _COLUMNS, rows, drop=("sha256", "variant"), note="why")
