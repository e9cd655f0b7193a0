"""What ``benchmark --host`` and ``deploy`` share: options, progress lines, the table of hosts."""

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from digitrec_edge.cli import terminal

Timeout = Annotated[float, typer.Option(min=1, help="Seconds for each device, from the connection to the end.")]
DEFAULT_TIMEOUT_S = 3600.0


@contextmanager
def progress_of(hosts: Sequence[str]) -> Iterator[Callable[[str, str], None]]:
    """Yield what tells a host's progress: a moving line each in a terminal, lines one below the other elsewhere."""
    with terminal.status_lines() as bar:
        tasks = {host: bar.add_task(f"{host}: waiting", total=None) for host in hosts}
        lock, told = threading.Lock(), dict.fromkeys(hosts, "")

        def tell(host: str, text: str) -> None:
            bar.update(tasks[host], description=f"{host}: {text}")
            kind = text.partition(":")[0]
            with lock:
                if bar.disable and kind != told[host]:
                    told[host] = kind
                    print(f"{host}: {text}", file=sys.stderr, flush=True)

        yield tell


def check_hosts(hosts: Sequence[str]) -> list[str]:
    """Return the hosts; one that is named twice is a mistake."""
    twice = {host for host in hosts if hosts.count(host) > 1}
    if twice:
        raise typer.BadParameter(f"{', '.join(sorted(twice))} is named twice", param_hint="--host")
    return list(hosts)
