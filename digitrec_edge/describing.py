"""What a card says of a payload, which is found out by reading it."""

from typing import Any

from digitrec_edge import formats
from digitrec_edge.artifact.card import Requirements, TensorCard
from digitrec_edge.errors import ConversionError
from digitrec_edge.files import sha256
from digitrec_edge.formats.graph import Graph, MalformedError, Tensor
from digitrec_edge.variants import Variant
from runtimes import support
from runtimes.table import Target, for_format


def payload_fields(variant: Variant, target: Target, payload: bytes) -> dict[str, Any]:
    """Return the fields of a card that are the payload's own; what it needs must be what its target has.

    Raises:
        ConversionError: it cannot be read, or the target's release lacks an operator.
    """
    try:
        graph: Graph = formats.by_name(variant.format).load().describe(payload)
    except MalformedError as cause:
        raise ConversionError(f"--{variant.option}: the converter wrote what cannot be read: {cause}") from cause
    lacking = support.lacking(target, target.release, graph)
    if lacking:
        raise ConversionError(f"--{variant.option} {lacking}; choose another --target")
    return {
        "name": f"{variant.name}{suffix(variant, target)}",
        "format": formats.by_name(variant.format).model,
        "variant": variant.precision.name,
        "inputs": tuple(_port(tensor) for tensor in graph.inputs),
        "outputs": tuple(_port(tensor) for tensor in graph.outputs),
        "payload_sha256": sha256(payload),
        "requirements": Requirements(
            target.name,
            dict(graph.needs),
            {row.name: support.oldest(row, graph) for row in for_format(variant.format)},
        ),
    }


def suffix(variant: Variant, target: Target) -> str:
    """Return what a target adds to an artifact's name: nothing where it is the usual one of the format."""
    return "" if target is for_format(variant.format)[0] else target.suffix


def _port(tensor: Tensor) -> TensorCard:
    return TensorCard(
        tensor.name,
        tensor.shape,
        tensor.dtype,
        tensor.scale[0] if tensor.scale else None,
        tensor.zero_point[0] if tensor.zero_point else None,
    )
