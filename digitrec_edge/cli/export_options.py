"""Options of ``export`` that stand for rows of a table, made from the rows."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from digitrec_edge import formats
from digitrec_edge.cli.options import listed
from digitrec_edge.errors import InputError
from digitrec_edge.variants import VARIANTS, Variant
from runtimes.elsewhere import find_target, target_names


def check_target(name: str | None) -> str | None:
    """Let pass what artifacts are made for; None stands for the first runtime of each format."""
    try:
        return name if name is None else find_target(name).name
    except InputError as error:
        raise typer.BadParameter(str(error)) from None


TargetOption = Annotated[
    str | None,
    typer.Option(
        help=f"Runtime to fit: {listed(target_names())}. Default: the first of each format.", callback=check_target
    ),
]


def flag_per_variant(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command a flag for each row of the table of variants; its ``chosen`` gets the rows asked for."""
    rows = {row.option.replace("-", "_"): row for row in VARIANTS}

    @functools.wraps(command)
    def with_flags(**values: Any) -> None:
        chosen = [row for name, row in rows.items() if values.pop(name)]
        command(chosen=chosen, **values)

    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        parameters += [_flag(name, row) for name, row in rows.items()] if parameter.name == "chosen" else [parameter]
    with_flags.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_flags.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_flags


def _flag(name: str, row: Variant) -> inspect.Parameter:
    text = f"{row.stem}{formats.by_name(row.format).suffix}: {row.help}."
    option = Annotated[bool, typer.Option(f"--{row.option}", help=text)]
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=False, annotation=option)
