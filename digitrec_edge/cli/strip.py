"""``digitrec-edge strip``."""

from pathlib import Path
from typing import Annotated

import typer

from digitrec_edge.cli import terminal
from digitrec_edge.cli.options import check_apart


def strip(
    file: Annotated[Path, typer.Argument(help="A model file that digitrec-edge exported, changed since or not.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write the model. Default: FILE with -stripped.")
    ] = None,
) -> None:
    """Write the model of an artifact alone, without card, sample and seal: a foreign file like any other.

    For a file that another tool has changed since it was exported, and for tools that want nothing but the model. What
    is written is checked as any foreign model is; what the card said of it no longer counts.
    """
    from digitrec_edge import artifact, formats
    from digitrec_edge.artifact.container import replace

    check_apart({"--output": output}, [file])
    found, model = artifact.read(file, sealed=False), artifact.strip(file)
    kind = formats.by_name(found.format.model)
    target = output or file.with_name(f"{file.stem}-stripped{kind.suffix if kind != found.format else file.suffix}")
    replace(target, model)
    print(f"{terminal.escaped(str(target))}  {len(model):,} bytes, a model without card, sample and seal")
