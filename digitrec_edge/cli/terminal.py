"""The terminal: tables on standard output, progress on standard error, native log lines nowhere."""

import io
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import IO, Any, cast

from digitrec_edge.records import strict_json

DEBUG_VARIABLE = "DIGITREC_DEBUG"
USUAL_WIDTH = 80
"""Of a terminal that does not say."""


_CONTROLS = {
    code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    for code in (*range(0x20), *range(0x7F, 0xA0), *range(0x2028, 0x202F), *range(0x2066, 0x206A))
    if chr(code) not in "\n\t"
}
"""What moves a terminal's cursor, changes its settings or turns the direction of writing, and how it is shown."""


def escaped(text: str) -> str:
    """Return text of any origin in one line that a terminal shows and does not obey."""
    return text.translate(_CONTROLS).replace("\n", "\\n")


def counted(number: int, noun: str) -> str:
    """Return ``1 picture`` or ``2 pictures``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


class StreamError(OSError):
    """Standard output or error that takes nothing: nobody reads the pipe, or the disk is full."""


class _Stream(io.TextIOWrapper):
    """Standard output or error: whatever is written there is shown, nothing of it is obeyed."""

    optional = False
    """Whether the program goes on where it takes nothing: an answer is worth more than what is said beside it."""

    def write(self, text: str) -> int:
        return self.write_styled(text.translate(_CONTROLS))

    def write_styled(self, text: str) -> int:
        """Write text with the control sequences of our own styles."""
        try:
            return super().write(text)
        except OSError as cause:
            self._failed(cause)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as cause:
            self._failed(cause)

    def _failed(self, cause: OSError) -> None:
        if not self.optional:
            raise StreamError(cause.errno, cause.strerror) from cause
        _drop(self.fileno())


class _Styled:
    """A stream for rich, which writes styles and moves the cursor."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self.write: Callable[[str], int] = stream.write_styled if isinstance(stream, _Stream) else stream.write

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def guard_streams() -> None:
    """Make the standard streams fit to be used, whatever they were when the program was started.

    A closed one leads to the null device, a character that its encoding lacks is escaped, and control sequences in
    file names, cards or a device's words are shown and not obeyed.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, "r", closefd=False)
    sys.stdout, sys.stderr = _open_stream(sys.stdout, 1), _open_stream(sys.stderr, 2)
    sys.stderr.optional = True


def _open_stream(old: Any, descriptor: int) -> _Stream:
    if old is None:
        old = os.fdopen(descriptor, "w", closefd=False)
    old.flush()
    encoding, buffering = old.encoding, old.line_buffering
    return _Stream(old.detach(), encoding=encoding, errors="backslashreplace", line_buffering=buffering)


def drop_output() -> None:
    """Let what is still buffered for standard output go nowhere, so that the end of the program is quiet."""
    _drop(1)


def _drop(descriptor: int) -> None:
    """Have a file descriptor lead to the null device."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, descriptor)
    os.close(sink)


def hold_native_output() -> None:
    """Keep the log lines that C++ libraries write straight to file descriptor 2 off the terminal.

    Python's own ``sys.stderr`` keeps writing to the terminal. Set ``DIGITREC_DEBUG=1`` to see all.
    """
    if os.environ.get(DEBUG_VARIABLE):
        return
    sys.stderr.flush()
    terminal = os.dup(2)
    encoding = sys.stderr.encoding
    sys.stderr = _Stream(os.fdopen(terminal, "wb"), encoding=encoding, errors="backslashreplace", line_buffering=True)
    sys.stderr.optional = True
    _drop(2)


def progress() -> Any:
    """Return a rich progress bar with elapsed and remaining time, on standard error."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=_console(),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


class Counter:
    """A line on standard error that counts what is done, when that is a terminal and there are several to do.

    The line is gone while anything else is printed: results go to standard output, which may be the same terminal, and
    would be drawn over, or drawn on the wrong stream, by :func:`progress`. Results that are no whole lines leave no
    room for it there.

    Args:
        total: how many there are to do.
        noun: what they are.
        beside_lines: whether results are whole lines.
    """

    def __init__(self, total: int, noun: str, *, beside_lines: bool = True) -> None:
        self._total, self._noun = total, noun
        self._start = time.monotonic()
        room = sys.stderr.isatty() and (beside_lines or not sys.stdout.isatty())
        self._write = _Styled(sys.stderr).write if total > 1 and room else None
        self._columns = 0

    def show(self, done: int) -> None:
        """Write the line; nothing else is printed until :meth:`clear`."""
        if self._write is None:
            return
        line = f"{done} of {self._total} {self._noun}"
        if done:
            left_s = round((time.monotonic() - self._start) / done * (self._total - done))
            line += f", {left_s // 3600}:{left_s // 60 % 60:02}:{left_s % 60:02} left"
        self._write("\r" + line.ljust(self._columns))
        self._columns = len(line)
        sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._write is not None and self._columns:
            self._write("\r" + " " * self._columns + "\r")
            self._columns = 0
            sys.stderr.flush()


def status_lines() -> Any:
    """Return a rich display of one moving line per task, with elapsed time, on standard error."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        console=_console(),
        disable=not sys.stderr.isatty(),
    )


def _console() -> Any:
    from rich.console import Console

    return Console(file=cast(IO[str], _Styled(sys.stderr)))


def print_table(
    title: str,
    columns: Sequence[tuple[str, bool]],
    rows: Sequence[Sequence[str]],
    *,
    drop: Sequence[str] = (),
    note: str = "",
) -> None:
    """Print a table as wide as the terminal; in a pipe or a file it has all columns, whatever their width.

    Args:
        title: printed above in a line of its own; may be empty.
        columns: (heading, whether to align right).
        rows: a cell per column.
        drop: headings of columns that a narrow terminal can do without, the least important first.
        note: heading of the column that can stand below, see :func:`digitrec_edge.cli.layout.lay_out`.
    """
    from digitrec_edge.cli.layout import Heading, lay_out

    rule = "─" if "utf" in (sys.stdout.encoding or "").lower() else "-"
    headings = [Heading(heading.translate(_CONTROLS), right) for heading, right in columns]
    cells = [[escaped(cell) for cell in row] for row in rows]
    lines = lay_out(headings, cells, terminal_width(sys.stdout), drop=drop, note=note, rule=rule)
    print("\n".join([*([escaped(title), ""] if title else []), *lines, ""]))


def terminal_width(stream: IO[str]) -> int | None:
    """Return the columns of the terminal that a stream leads to; None when it leads to a pipe or a file."""
    if not stream.isatty():
        return None
    asked = os.environ.get("COLUMNS", "")
    try:
        found = int(asked) if asked.isdecimal() else os.get_terminal_size(stream.fileno()).columns
    except OSError:
        found = 0
    return found or USUAL_WIDTH


def print_json(value: Any) -> None:
    """Print strict JSON, which has no NaN and no infinity: they become null."""
    print(strict_json(value, indent=1))


def print_json_list(values: Iterable[Any]) -> None:
    """Print what :func:`print_json` prints of a list, value by value as they come."""
    before = "["
    for value in values:
        text = strict_json([value], indent=1)
        print(before + text.removeprefix("[").removesuffix("\n]"), end="", flush=True)
        before = ","
    print("[]" if before == "[" else "\n]", flush=True)


def print_json_lines(values: Iterable[Any]) -> None:
    """Print each value as a line of strict JSON as they come."""
    for value in values:
        print(strict_json(value), flush=True)
