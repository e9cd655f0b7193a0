"""What commands that work on devices share: options and progress lines."""

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from digitrec_edge.cli import terminal
from digitrec_edge.cli.options import words_of

Timeout = Annotated[float, typer.Option(min=1, help="Seconds for each device, from the connection to the end.")]
DEFAULT_TIMEOUT_S = 3600.0


@contextmanager
def progress_of(hosts: Sequence[str]) -> Iterator[Callable[[str, str], None]]:
    """Yield what tells a host's progress: a moving line each in a terminal, lines one below the other elsewhere."""
    with terminal.status_lines() as bar:
        tasks = {host: bar.add_task(f"{host}: waiting", total=None) for host in hosts}
        lock, told = threading.Lock(), dict.fromkeys(hosts, "")

        def tell(host: str, text: str) -> None:
            text = terminal.escaped(text)
            bar.update(tasks[host], description=f"{host}: {text}")
            kind = text.partition(":")[0]
            with lock:
                if bar.disable and kind != told[host]:
                    told[host] = kind
                    print(f"{host}: {text}", file=sys.stderr, flush=True)

        yield tell


def check_extras(several: list[str] | None) -> list[str] | None:
    """Return extras of digitrec-edge, each named alone or several with commas between.

    Raises:
        typer.BadParameter: there is no such extra; names those there are.
    """
    from digitrec_edge.pip_lines import extras

    named = words_of(several)
    known = extras() if named else []
    for name in named:
        if known and name not in known:
            raise typer.BadParameter(f"no extra is called {name!r}; there are {', '.join(known)}")
    return named


def check_hosts(hosts: Sequence[str]) -> list[str]:
    """Return the hosts; one that is named twice is a mistake."""
    twice = {host for host in hosts if hosts.count(host) > 1}
    if twice:
        raise typer.BadParameter(f"{', '.join(sorted(twice))} is named twice", param_hint="--host")
    return list(hosts)
