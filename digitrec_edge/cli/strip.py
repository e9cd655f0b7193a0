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
    from digitrec_edge import artifact, formats, pretrained
    from digitrec_edge.artifact.container import replace

    source = pretrained.find(file)
    check_apart({"--output": output}, [source])
    found, model = artifact.read(source, sealed=False), artifact.strip(source)
    kind = formats.by_name(found.format.model)
    suffix = kind.suffix if kind != found.format else source.suffix
    target = output or file.parent / f"{source.stem}-stripped{suffix}"  # of one that ships: in the folder at hand
    replace(target, model)
    print(f"{terminal.escaped(str(target))}  {len(model):,} bytes, a model without card, sample and seal")
