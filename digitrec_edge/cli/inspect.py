"""``digitrec-edge inspect``."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitrec_edge.cli import terminal

if TYPE_CHECKING:
    from digitrec_edge.formats.graph import Tensor
    from digitrec_edge.verification.inspection import Inspection


def inspect(
    file: Annotated[Path, typer.Argument(help="A .tflite, .onnx or .ort file, with or without a card.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what a model file says of itself: card, tensors, operators, bytes per layer, hashes, runtimes.

    Needs no runtime. A file with a card is checked against its hashes first; a damaged one ends with exit 1.
    """
    from digitrec_edge import artifact
    from digitrec_edge.verification.inspection import inspect as examine

    result = examine(artifact.read(file))
    if as_json:
        terminal.print_json(dataclasses.asdict(result))
    else:
        _print(result)


def _print(result: "Inspection") -> None:
    print(f"{result.path}: {result.format}, {result.file_bytes:,} bytes, of these {result.payload_bytes:,} the model")
    print(f"file sha256   {result.file_sha256}")
    print(f"model sha256  {result.payload_sha256}")
    _print_card(result)
    title = "tensors (* input or output)"
    ports = {tensor.name for tensor in (*result.inputs, *result.outputs)}
    rows = [
        [
            tensor.name + (" *" if tensor.name in ports else ""),
            " x ".join(map(str, tensor.shape)) or "-",
            tensor.dtype,
            _range(tensor.scale, ".6g"),
            _range(tensor.zero_point, "d"),
            f"{tensor.stored_bytes:,}" if tensor.stored_bytes else "-",
        ]
        for tensor in _unique(result.tensors)
    ]
    columns = [
        ("name", False),
        ("shape", True),
        ("dtype", False),
        ("scale", True),
        ("zero point", True),
        ("bytes", True),
    ]
    terminal.print_table(title, columns, rows)
    total = sum(layer.stored_bytes for layer in result.layers) or 1
    versions = [operator.version for operator in result.operators]
    layers = [
        [
            layer.operator,
            str(version),
            ", ".join(layer.outputs),
            f"{layer.stored_bytes:,}",
            f"{layer.stored_bytes / total:.1%}",
        ]
        for layer, version in zip(result.layers, versions, strict=True)
    ]
    terminal.print_table(
        "operators",
        [("operator", False), ("version", True), ("writes", False), ("bytes", True), ("share", True)],
        layers,
    )
    answers = [[row.runtime, "yes" if row.runs else "no", row.why] for row in result.runtimes]
    terminal.print_table("runtimes", [("runtime", False), ("runs it", False), ("why", False)], answers)


def _print_card(result: "Inspection") -> None:
    card = result.card
    if card is None:
        print("card          none: not made by digitrec-edge; nothing vouches for it")
        return
    print(f"card          {card.name}, variant {card.variant}, for {card.requirements.target}")
    print(f"source        Keras model {card.source_sha256}")
    if card.training:
        print("training      " + ", ".join(f"{key} {value}" for key, value in card.training.items()))
    if card.calibration:
        calibration = card.calibration
        print(
            f"calibration   {calibration.images} training images, seed {calibration.seed}, "
            f"indices sha256 {calibration.indices_sha256[:16]}..."
        )
    if card.parity:
        parity = card.parity
        print(
            f"parity        {parity.accuracy:.2%} of {parity.images:,} test images "
            f"(Keras {parity.reference_accuracy:.2%}), agreement {parity.agreement:.2%}, on {parity.runtime}"
        )
    width, height = card.preprocessing.size
    print(
        f"input         {width} x {height} {card.preprocessing.channels}, divided by {card.preprocessing.divide_by:g}"
    )
    print("made with     " + ", ".join(f"{tool} {version}" for tool, version in card.tools.items()))


def _range(values: tuple[float, ...], form: str) -> str:
    """One number, or the range of many."""
    if not values:
        return "-"
    if len(set(values)) == 1:
        return f"{values[0]:{form}}"
    return f"{min(values):{form}} to {max(values):{form}}"


def _unique(tensors: "tuple[Tensor, ...]") -> "list[Tensor]":
    return list({tensor.name: tensor for tensor in tensors}.values())
