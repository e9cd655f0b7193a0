"""``digitrec-edge verify``."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from digitrec_edge.cli import terminal
from digitrec_edge.cli.options import RuntimeOption, find_artifact
from digitrec_edge.cli.reading import default_artifact
from runtimes.table import AUTO


def verify(
    file: Annotated[
        Path | None,
        typer.Argument(
            callback=find_artifact,
            help="An artifact that digitrec-edge exported. Default: the pretrained one.",
        ),
    ] = None,
    runtime: RuntimeOption = AUTO,
    key: Annotated[
        Path | None, typer.Option(help="Public key in a PEM file that the file must be signed with.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check an artifact on this machine: its hashes, its signature, then a self-test in the runtime here.

    Hashes tell whether the file is whole, and nothing of who made it: only a signature and its --key do.

    The self-test runs the test images that travel inside the file and compares their logits with those at
    export, within a tolerance per variant. Exit 1, and the differing images, when it fails.
    """
    terminal.hold_native_output()
    from digitrec_edge.artifact import signature
    from digitrec_edge.verification.selftest import self_test
    from runtimes.loading import load

    file = file or default_artifact(runtime)
    with load(file, runtime, key=key) as model:
        result = self_test(model.artifact, model)
        signed = signature.check(model.artifact, key)
        labels = model.labels
    if as_json:
        terminal.print_json({"passed": result.passed, "signature": signed, **dataclasses.asdict(result)})
    else:
        print(terminal.escaped(f"{file}: whole; {signed}"))
        print(terminal.escaped(result.summary))
        for image in result.differing:
            print(
                f"  test image {image.index}, a {labels[image.label]}: {labels[image.digit]} here, "
                f"{labels[image.expected_digit]} at export, "
                f"logit difference {image.largest_difference:.2g}"
            )
    if not result.passed:
        raise typer.Exit(1)
