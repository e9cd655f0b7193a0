"""``digitrec-edge predict``: its options; the work is in :mod:`digitrec_edge.cli.reading`."""

from pathlib import Path
from typing import Annotated

import typer

from digitrec_edge.cli.options import ModelOption, RuntimeOption, ThreadsOption, check_apart
from digitrec_edge.cli.pictures import STANDARD_INPUT, Named, expand
from digitrec_edge.cli.reading import Form, default_artifact, read_and_print
from runtimes.table import AUTO


def predict(
    pictures: Annotated[
        list[str],
        typer.Argument(help="Pictures: files, folders, 'globs', or - for standard input.", metavar="PICTURE..."),
    ],
    model: ModelOption = None,
    runtime: RuntimeOption = AUTO,
    threads: ThreadsOption = 1,
    multi: Annotated[bool, typer.Option("--multi", help="Read several digits per picture, in reading order.")] = False,
    min_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="Report a digit of a lower probability as unsure.")
    ] = 0.0,
    accept_anything: Annotated[
        bool, typer.Option("--accept-anything", help="Name a digit whatever is on the picture.")
    ] = False,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Of folders, also those in them.")] = False,
    explain: Annotated[
        Path | None, typer.Option(help="Write a strip of all stages to this picture file (for one picture).")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Processes that read, 1 for this one alone. Default: one per core."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, an object per picture.")] = False,
    as_lines: Annotated[bool, typer.Option("--jsonl", help="Print a line of JSON per picture.")] = False,
) -> None:
    """Read the digit on each picture, or say that there is none: digit, probability and latency.

    PNG, JPEG, WebP, BMP, GIF, TIFF or AVIF of any mode and size, HEIC with the extra heif: scans, drawings,
    photographs of paper in uneven light, chalk on a board; the digit is found, scaled and centred as in MNIST.
    Several digits on one picture need --multi. Two times are printed: the model's own, from 28 x 28 pixels to the
    digit, and that from the file to the digit. A letter, a scribble or another mark is "no digit", with the digit
    that it is most like, where the artifact can tell. A picture that cannot be read, or has no digit, is reported
    and the others go on; then the exit status is 1. Results are printed as they come, in the order of the pictures.
    """
    from digitrec_edge.recognition import How

    named = list(expand(pictures, recursive))
    artifact = model or default_artifact(runtime)
    _check(named, explain, as_json and as_lines)
    check_apart({"--explain": explain}, [artifact, *(one.name for one in named)])
    how, form = How(multi, min_confidence, accept_anything), Form(explain, as_json, as_lines)
    if status := read_and_print(named, artifact, runtime, threads, how, form, jobs):
        raise typer.Exit(status)


def _check(named: list[Named], explain: Path | None, two_kinds: bool) -> None:
    if [one.name for one in named].count(STANDARD_INPUT) > 1:
        raise typer.BadParameter("standard input (-) can be read once", param_hint="PICTURE")
    if explain and len(named) != 1:
        raise typer.BadParameter(f"explains one picture, {len(named)} are given", param_hint="--explain")
    if explain and explain.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise typer.BadParameter(f"{explain} must end in .png, .jpg or .webp", param_hint="--explain")
    if two_kinds:
        raise typer.BadParameter("prints lines, and --json a list; give one of them", param_hint="--jsonl")
