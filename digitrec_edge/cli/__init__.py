"""The command line: one file per command, thin bodies, heavy imports inside them.

Exit status: 0 good, 1 the work failed, 2 wrong usage, 130 interrupted.
"""

import errno
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from digitrec_edge import __version__
from digitrec_edge.cli import terminal
from digitrec_edge.cli.benchmark import benchmark
from digitrec_edge.cli.compare import compare
from digitrec_edge.cli.deploy import deploy
from digitrec_edge.cli.doctor import doctor
from digitrec_edge.cli.export import export
from digitrec_edge.cli.inspect import inspect
from digitrec_edge.cli.interrupts import STATUS, Interrupts
from digitrec_edge.cli.predict import predict
from digitrec_edge.cli.report import report
from digitrec_edge.cli.robustness import robustness
from digitrec_edge.cli.sign import sign
from digitrec_edge.cli.strip import strip
from digitrec_edge.cli.train import train
from digitrec_edge.cli.verify import verify
from digitrec_edge.errors import DigitrecError, InterruptedRunError


class Program(TyperGroup):
    """The program, whose help shows each command's first sentence whole, on as many lines as that takes."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, found.get_short_help_str(limit=1000)) for name, found in commands if found])


app = typer.Typer(
    cls=Program,
    name="digitrec-edge",
    help="Take a hand-written digit recogniser to small devices: train, export, run, and measure that nothing "
    "was lost.\n\nThe way: train writes build/model.keras; export writes build/artifacts; copy one artifact to a "
    "device; predict and benchmark run it there.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    train,
    export,
    sign,
    inspect,
    verify,
    strip,
    benchmark,
    robustness,
    compare,
    report,
    predict,
    deploy,
    doctor,
):
    app.command()(command)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"digitrec-edge {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: bool = typer.Option(False, "--version", help="Print the version.", callback=_print_version, is_eager=True),
) -> None:
    """Options of the program itself."""


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
            app()
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
