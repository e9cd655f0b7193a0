"""The command line: one file per command, thin bodies, heavy imports inside them; only what is typed is imported.

Exit status: 0 good, 1 the work failed, 2 wrong usage, 130 interrupted.
"""

import errno
import sys
from os.path import isfile

from digitrec_edge.cli import terminal
from digitrec_edge.cli.interrupts import STATUS, Interrupts
from digitrec_edge.errors import DigitrecError, InterruptedRunError


def main() -> None:
    """Run the command line; errors raised on purpose become one line and exit status 1, Ctrl-C 130."""
    interrupts = Interrupts()
    terminal.guard_streams()
    status: str | int | None = 0
    try:
        _run()
    except SystemExit as end:
        status = end.code
    except (Exception, KeyboardInterrupt):
        if not interrupts.seen:
            raise
    finally:
        interrupts.ignore()
    sys.exit(STATUS if interrupts.seen else status)


def _run() -> None:
    output = sys.stdout  # click puts another in its place when nobody reads any more
    try:
        try:
            _run_command(sys.argv[1:])
        finally:
            output.flush()
    except DigitrecError as error:
        print(f"digitrec-edge: {terminal.escaped(str(error))}", file=sys.stderr)
        sys.exit(130 if isinstance(error, InterruptedRunError) else 1)
    except terminal.StreamError as error:
        terminal.drop_output()
        if error.errno != errno.EPIPE:  # somebody who stopped reading wants no message either
            print(f"digitrec-edge: cannot write to standard output: {error.strerror}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        if error.filename is None:  # about no file that somebody named: a fault of ours, with its traceback
            raise
        print(f"digitrec-edge: {terminal.escaped(str(error.filename))}: {error.strerror}", file=sys.stderr)
        sys.exit(1)


def _run_command(words: list[str]) -> None:
    """Run what was typed; pictures alone need nobody who reads options, and are answered before typer is imported."""
    command, *given = words or [""]
    if command == "predict" and given and all(word[:1] != "-" and isfile(word) for word in given):  # noqa: PTH113
        from digitrec_edge.cli.pictures import Named
        from digitrec_edge.cli.reading import read_and_print

        sys.exit(read_and_print([Named(word) for word in given]))
    from digitrec_edge.cli.program import COMMANDS, program

    program([command] if command in COMMANDS else COMMANDS)()
