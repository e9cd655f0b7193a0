"""The terminal: tables on standard output, progress on standard error, native log lines nowhere."""

import json
import math
import os
import sys
import tempfile
from typing import IO, Any

DEBUG_VARIABLE = "DIGITREC_DEBUG"
PROGRESS_VARIABLE = "DIGITREC_PROGRESS"


def hold_native_output() -> None:
    """Keep the log lines that C++ libraries write straight to file descriptor 2 off the terminal.

    Python's own ``sys.stderr`` keeps writing to the terminal. Set ``DIGITREC_DEBUG=1`` to see all.
    """
    if os.environ.get(DEBUG_VARIABLE):
        return
    sys.stderr.flush()
    terminal = os.dup(2)
    sys.stderr = os.fdopen(terminal, "w", buffering=1, errors="backslashreplace")
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)


def progress() -> Any:
    """Return a rich progress bar with elapsed and remaining time, on standard error."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


def step(bar: Any, task: Any, done: int, total: int, text: str) -> None:
    """Move a progress bar; as lines for whoever asked for lines, such as the other end of an ssh connection."""
    bar.update(task, completed=done, total=total, description=text)
    if os.environ.get(PROGRESS_VARIABLE) == "lines":
        print(f"progress {done}/{total} {text}", file=sys.stderr, flush=True)


def status_lines() -> Any:
    """Return a rich display of one moving line per task, with elapsed time, on standard error."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=Console(file=sys.stderr),
        disable=not sys.stderr.isatty(),
    )


def print_table(
    title: str, columns: list[tuple[str, bool]], rows: list[list[str]], stream: IO[str] | None = None
) -> None:
    """Print a table; ``columns`` are (heading, whether to align right)."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    stream = stream or sys.stdout
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading, right in columns:
        table.add_column(heading, justify="right" if right else "left", no_wrap=right, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console = Console(file=stream, highlight=False, markup=False, width=None if stream.isatty() else 160)
    with console.capture() as capture:
        console.print(table)
    stream.write("".join(line.rstrip() + "\n" for line in capture.get().splitlines()))


def print_json(value: Any) -> None:
    """Print strict JSON, which has no NaN and no infinity: they become null."""
    print(json.dumps(_finite(value), indent=1, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
