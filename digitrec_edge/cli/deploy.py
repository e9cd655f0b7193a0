"""``digitrec-edge deploy``."""

from pathlib import Path
from typing import Annotated

import typer

from digitrec_edge.cli import terminal
from digitrec_edge.cli.remote import DEFAULT_TIMEOUT_S, Timeout, check_hosts, progress_of


def deploy(
    file: Annotated[Path, typer.Argument(help="The artifact.")],
    host: Annotated[list[str], typer.Option(help="Device, as for ssh: pi@raspberrypi.local; may be repeated.")],
    timeout: Timeout = DEFAULT_TIMEOUT_S,
) -> None:
    """Put an artifact and a runtime for it on devices over ssh, verify it there, and say what to type there.

    Everything goes to ~/digitrec-edge of the login: nothing is installed system-wide and nobody needs root.
    It goes through your own ssh, with its configuration, keys and known hosts.
    """
    terminal.hold_native_output()
    from concurrent.futures import ThreadPoolExecutor

    from digitrec_edge.errors import RemoteError
    from digitrec_edge.remote.deploy import check
    from digitrec_edge.remote.deploy import deploy as deploy_to

    hosts = check_hosts(host)
    check(file)
    with progress_of(hosts) as tell, ThreadPoolExecutor(len(hosts)) as pool:
        done = list(pool.map(lambda one: deploy_to(one, file, timeout, lambda text: tell(one, text)), hosts))
    for result in done:
        if result.error:
            print(terminal.escaped(f"{result.host}: FAILED: {result.error}"))
        else:
            print(f"{result.host}: {result.path}")
            for line in result.report:
                print(f"  {terminal.escaped(line)}")
            print(f"  type there: {result.command}")
    failed = [result.host for result in done if result.error]
    if failed:
        raise RemoteError(f"{len(failed)} of {len(done)} devices failed: {', '.join(failed)}")
