"""Options that several commands share."""

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from digitrec_edge import pretrained
from digitrec_edge.errors import InputError
from runtimes.table import AUTO, find, names

MB = 1 << 20
"""Of every limit that an option gives."""

_MOST_DIGITS = 20
"""Of a number in an option, zeros before it too."""


def check_runtime(name: str) -> str:
    """Let pass what is a runtime's name or ``auto``.

    Raises:
        typer.BadParameter: names those there are; the exit status is 2.
    """
    return name if name == AUTO else _find(name)


def _find(name: str) -> str:
    try:
        return find(name).name
    except InputError as error:
        raise typer.BadParameter(str(error)) from None


def find_artifact(path: Path | None) -> Path | None:
    """Return the file of an artifact that is named as a path, or as one of those that ship with this."""
    return path and pretrained.find(path)


def find_artifacts(paths: list[Path] | None) -> list[Path] | None:
    """Do the same for several."""
    return paths and [pretrained.find(path) for path in paths]


def check_runtimes(several: list[str] | None) -> list[str] | None:
    """Let pass what are names of runtimes; ``auto`` is none of them."""
    for name in words_of(several):
        if name == AUTO:
            raise typer.BadParameter("leave --runtime out to measure in every runtime")
        check_runtime(name)
    return several


def words_of(values: Iterable[str] | None) -> list[str]:
    """Return the words of an option that may be repeated, and hold several with commas between."""
    return [word.strip() for value in values or () for word in value.split(",") if word.strip()]


def listed(words: list[str]) -> str:
    """Join words for a help text: ``a, b or c``."""
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]


def whole_number(word: str, most: int) -> int | None:
    """Return the number from 1 to ``most`` that a word is, or None; Python reads none of more than 4,300 digits."""
    found = int(word) if word.isdecimal() and len(word) <= _MOST_DIGITS else 0
    return found if 1 <= found <= most else None


def one_of(names: tuple[str, ...]) -> Callable[[str | None], str | None]:
    """Make a check that lets pass one of these names, or None."""

    def check(value: str | None) -> str | None:
        if value is not None and value not in names:
            raise typer.BadParameter(f"{value!r}; choose from {', '.join(names)}")
        return value

    return check


RuntimeOption = Annotated[str, typer.Option(help=f"{listed([AUTO, *names()])}.", callback=check_runtime)]
RuntimesOption = Annotated[
    list[str] | None,
    typer.Option(help=f"{listed(names())}; may be repeated. Default: all for each format.", callback=check_runtimes),
]
ModelOption = Annotated[
    Path | None,
    typer.Option(
        help=f"Artifact to use; {' and '.join(pretrained.NAMED)} ship with this. Default: the pretrained int8 one.",
        callback=find_artifact,
    ),
]
ThreadsOption = Annotated[int, typer.Option(min=1, max=256, help="Threads that the runtime may use.")]
DataOption = Annotated[
    Path | None, typer.Option(help="Your own digits: a folder with the four IDX files, or a .npz. Default: MNIST.")
]


def refuse(context: typer.Context, names: Collection[str], why: str) -> None:
    """Refuse parameters that were typed and would be ignored.

    Args:
        context: of the command.
        names: of the parameters.
        why: for the message.

    Raises:
        typer.BadParameter: names the first that was typed.
    """
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name in names and source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(why, param_hint=parameter.opts[0])


def parse_share(text: str, option: str, most: float = 1.0) -> float:
    """Read ``5%`` or ``0.05``, a share of at most ``most``; more than 1 is only told with a sign."""
    number = text.strip().removesuffix("%")
    percent = number != text.strip()
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share < 100:
        raise typer.BadParameter(f"{text!r} is no share; give 5% or 0.05", param_hint=option)
    if share > 1 and not percent:
        raise typer.BadParameter(
            f"{text!r} is {100 * share:g} %; give {share:g}% or {share / 100:g}", param_hint=option
        )
    if share > most:
        raise typer.BadParameter(f"{text!r} is more than all of them; 100% is the most", param_hint=option)
    return share


def parse_points(text: str, option: str) -> float:
    """Read ``0.2pp`` or ``0.2``."""
    try:
        points = float(text.strip().removesuffix("pp"))
    except ValueError:
        points = -1.0
    if not 0 <= points <= 100:
        raise typer.BadParameter(f"{text!r} are no percentage points; give 0 to 100, such as 0.2pp", param_hint=option)
    return points


def check_apart(outputs: Mapping[str, Path | None], inputs: Iterable[str | Path]) -> None:
    """Refuse to write a file that is read, or one file twice, by whatever name or link.

    Args:
        outputs: by option; None where it is not given.
        inputs: what is read.
    """
    from digitrec_edge.files import is_stream

    files = {option: path for option, path in outputs.items() if path is not None and not is_stream(path)}
    uses = {os.path.realpath(path): "read" for path in inputs} if files else {}
    for option, path in files.items():
        own = f"written by {option}"
        use = uses.setdefault(os.path.realpath(path), own)
        if use != own:
            raise typer.BadParameter(f"{str(path)!r} is also {use}: name another file", param_hint=option)
