"""``digitrec-edge inspect``."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitrec_edge import pretrained
from digitrec_edge.cli import terminal
from digitrec_edge.cli.options import check_apart

if TYPE_CHECKING:
    from digitrec_edge.artifact.card import Card
    from digitrec_edge.verification.inspection import Inspection

MOST_LABELS = 62
"""So many are shown: letters of both cases and digits are as many."""


def inspect(
    file: Annotated[
        Path,
        typer.Argument(
            callback=pretrained.find,
            help="A .tflite, .onnx, .ort, -c.zip, -java.zip or .html file, with or without a card.",
            show_default="the pretrained one",
        ),
    ] = pretrained.DEFAULT,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    bom: Annotated[
        Path | None, typer.Option(help="Write what the artifact is made of to this file: a CycloneDX ML-BOM.")
    ] = None,
) -> None:
    """Show what a model file says of itself: card, tensors, operators, bytes per layer, hashes, runtimes.

    Needs no runtime. A file with a card is checked against its hashes first; a damaged one ends with exit 1.
    """
    from digitrec_edge import artifact
    from digitrec_edge.files import write_file
    from digitrec_edge.verification.bom import write_bom
    from digitrec_edge.verification.inspection import inspect as examine

    check_apart({"--bom": bom}, [file])
    found = artifact.read(file)
    if bom:
        write_file(bom, write_bom(found))
    result = examine(found)
    if as_json:
        terminal.print_json(dataclasses.asdict(result))
        return
    size = f"{result.file_bytes:,} bytes, of these {result.payload_bytes:,} the model"
    print(f"{terminal.escaped(str(result.path))}: {result.format}, {size}")
    for name, text in [
        ("file sha256", result.file_sha256),
        ("model sha256", result.payload_sha256),
        *(_card(result.card) if result.card else [("card", "none: digitrec-edge did not make this file")]),
        *result.remarks,
    ]:
        print(f"{name:13} {text}")
    _print_tensors(result)
    _print_operators(result)
    _print_layers(result)
    answers = [[row.runtime, "yes" if row.runs else "no", row.why] for row in result.runtimes]
    terminal.print_table("runtimes", [("runtime", False), ("runs it", False), ("why", False)], answers, note="why")


def _card(card: "Card") -> list[tuple[str, str]]:
    """Return what a card says, a line each."""
    preprocessing = card.preprocessing
    lines = [
        ("card", f"{card.name}, variant {card.variant}, for {card.requirements.target}"),
        ("source", f"Keras model {card.source_sha256}"),
        ("training", ", ".join(f"{key} {value}" for key, value in (card.training or {}).items())),
    ]
    if card.calibration:
        calibration = card.calibration
        lines.append(
            ("calibration", f"{calibration.images} training images, {calibration.blemished} of them blemished, "
             f"seed {calibration.seed}, indices sha256 {calibration.indices_sha256[:16]}...")
        )  # fmt: skip
    if card.no_digit:
        told = card.no_digit
        share = f"{told.kept:.2%} of {told.images:,} held-out digits reach it"
        lines.append(("no digit", f"below a score of {told.threshold:g}; {share}"))
    if card.parity:
        parity = card.parity
        lines.append(
            ("parity", f"{parity.accuracy:.2%} of {parity.images:,} test images "
             f"(Keras {parity.reference_accuracy:.2%}), agreement {parity.agreement:.2%}, on {parity.runtime}")
        )  # fmt: skip
    size = " x ".join(map(str, preprocessing.size))
    lines += [
        ("input", f"{size} {preprocessing.channels}, divided by {preprocessing.divide_by:g}"),
        ("labels", _listed(card.labels)),
        ("made with", ", ".join(f"{tool} {version}" for tool, version in card.tools.items())),
    ]
    return [line for line in lines if line[1]]


def _listed(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - MOST_LABELS} more" if len(labels) > MOST_LABELS else ""
    return (" " if max(map(len, labels)) == 1 else ", ").join(labels[:MOST_LABELS]) + more


def _print_tensors(result: "Inspection") -> None:
    ports = {tensor.name for tensor in (*result.inputs, *result.outputs)}
    rows = [
        [
            tensor.name + (" *" if tensor.name in ports else ""),
            _shape(tensor.shape),
            tensor.dtype,
            _range(tensor.scale, ".6g"),
            _range(tensor.zero_point, "d"),
            f"{tensor.stored_bytes:,}" if tensor.stored_bytes else "-",
        ]
        for tensor in {tensor.name: tensor for tensor in result.tensors}.values()
    ]
    terminal.print_table(
        "tensors (* input or output)",
        [("name", False), ("shape", True), ("dtype", False), ("scale", True), ("zero point", True), ("bytes", True)],
        rows,
        drop=("zero point", "scale"),
    )


def _print_operators(result: "Inspection") -> None:
    rows = [[operator.name, str(operator.version), ", ".join(operator.outputs)] for operator in result.operators]
    terminal.print_table("operators", [("operator", False), ("version", True), ("writes", False)], rows)


def _print_layers(result: "Inspection") -> None:
    columns = [("layer", False), ("shape", True), ("operator", False), ("bytes", True), ("share", True)]
    rows = [
        (f"layer {k}", _shape(layer.shape), layer.operator, layer.stored_bytes)
        for k, layer in enumerate(result.layers, 1)
    ] + [("rest of the file", "-", "-", result.rest_bytes)]
    cells = [[*words, f"{size:,}", f"{size / result.file_bytes:.1%}"] for *words, size in rows]
    terminal.print_table("bytes per layer", columns, cells)


def _shape(sizes: tuple[int | str, ...]) -> str:
    return " x ".join(map(str, sizes)) or "-"


def _range(values: tuple[float, ...], form: str) -> str:
    """One number, or the range of many."""
    if not values:
        return "-"
    if len(set(values)) == 1:
        return f"{values[0]:{form}}"
    return f"{min(values):{form}} to {max(values):{form}}"
