"""The program as typer reads it: its commands, each from the file of its name, and what is refused for all of them."""

import gc
import math
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from digitrec_edge import __version__


class Program(TyperGroup):
    """The program, whose help shows each command's first sentence whole, on as many lines as that takes."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, found.get_short_help_str(limit=1000)) for name, found in commands if found])


class Command(TyperCommand):
    """A command that refuses what no type and no bound of an option refuses: nan, and an empty word.

    That a file may not be read is not wrong usage: it is left to who reads it.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for parameter in self.params:
            for kind in getattr(parameter.type, "types", [parameter.type]):
                if hasattr(kind, "readable"):
                    kind.readable = False

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words of the command line."""
        if "" in args:
            raise typer.BadParameter("an empty word is given, as an unset variable leaves one: name something", ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        gc.enable()
        for parameter in self.params:
            value = ctx.params.get(parameter.name)
            if isinstance(value, float) and not math.isfinite(value):
                raise typer.BadParameter(f"{value} is no finite number", ctx, parameter)
        return super().invoke(ctx)


COMMANDS = (
    "train", "export", "sign", "inspect", "verify", "strip", "benchmark", "robustness", "compare", "report", "predict",
    "read", "serve", "watch", "collect", "deploy", "doctor",
)  # fmt: skip
"""In the order of the help; each is a function in the file of its name."""


def program(names: Sequence[str] = COMMANDS) -> typer.Typer:
    """Return the program with these commands."""
    made = typer.Typer(
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
    made.callback()(common)
    for name in names:
        made.command(cls=Command)(getattr(import_module(f"{__package__}.{name}"), name))
    return made


def _print_version(asked: bool) -> None:
    if asked:
        print(f"digitrec-edge {__version__}")
        raise typer.Exit


def common(
    version: bool = typer.Option(False, "--version", help="Print the version.", callback=_print_version, is_eager=True),
) -> None:
    """Options of the program itself."""
