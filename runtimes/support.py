"""Which release of which runtime can run a model, told from the model's own operators.

The facts stand in support.json: what each release accepts, found by offering it models. A runtime without an entry
there refuses what it cannot run when it is given the model.
"""

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from digitrec_edge.formats.graph import Graph
from runtimes.table import Target

if TYPE_CHECKING:
    from digitrec_edge.variants import Variant

FACTS = Path(__file__).with_name("support.json")
LAYERS, WIDENS = ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D"), "DEQUANTIZE"
"""Operators of TFLite that have weights, and the one that makes float32 of narrow ones."""


def version_key(version: str) -> tuple[int, ...]:
    """Turn ``2.14.0`` into ``(2, 14, 0)``; what is no number counts as 0."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))


@cache
def releases(runtime: str) -> dict[str, dict[str, int]]:
    """Return, per known release of a runtime, oldest first, the highest version of each operator or opset.

    Empty for a runtime of which nothing is recorded.
    """
    facts = json.loads(FACTS.read_text(encoding="utf-8"))["runtimes"].get(runtime, {})
    known: dict[str, int] = {}
    complete = {}
    for release in sorted(facts, key=version_key):
        known = {**known, **facts[release]}
        complete[release] = known
    return complete


def _at(row: Target, version: str) -> dict[str, int] | None:
    """What a version has: as the newest known release that is not newer, or else as the first."""
    known = releases(row.name)
    reached = [release for release in known if version_key(release) <= version_key(version)]
    return known[reached[-1] if reached else next(iter(known))] if known else None


def lacks(row: Target, version: str, name: str, needed: int) -> bool:
    """Say whether a version of a runtime is known to lack an operator (or opset) in the needed version."""
    has = _at(row, version)
    return has is not None and has.get(name, 0) < needed


def fits(row: Target, variant: "Variant") -> bool:
    """Say whether the release that artifacts are made for can run a variant at all."""
    kind = variant.precision
    computes = not row.activations or kind.activations in row.activations
    computes = computes and (not row.layers or (kind.activations, kind.weights) in row.layers)
    gives = not row.borders or any(name in row.borders for name in variant.outputs)
    lacking = variant.needs and lacks(row, row.release, *variant.needs)
    return computes and gives and row.runs(variant.format) and not lacking


def can_be_made(row: Target, precision: str, format_name: str) -> bool:
    """Say whether a variant of a precision, by its name, and a format can be exported for a runtime."""
    from digitrec_edge.variants import VARIANTS

    return any((one.precision.name, one.format) == (precision, format_name) and fits(row, one) for one in VARIANTS)


def lacking(row: Target, version: str, graph: Graph) -> str | None:
    """Say what a model needs that this version of a runtime does not have; None when it has all.

    A version between two known releases counts as the older one, one before all of them as the first.

    Returns:
        Such as ``needs FULLY_CONNECTED 12 (tflite-runtime 2.14.0 has 10 at the most)``.
    """
    has = _at(row, version)
    if has is None:
        return None
    for name, needed in graph.needs:
        if name not in has:
            return f"needs {name} {needed} ({row.name} {version} does not have it)"
        if needed > has[name]:
            return f"needs {name} {needed} ({row.name} {version} has {has[name]} at the most)"
    return _odd_type(row, version, graph)


def _odd_type(row: Target, version: str, graph: Graph) -> str | None:
    """Say which type of number a runtime does not take at the borders of a model, or in it."""
    called = f"{row.called} {'.'.join(version.split('.')[:2])}"
    for tensor in (*graph.inputs, *graph.outputs) if row.borders else ():
        if tensor.dtype not in row.borders:
            return f"{tensor.dtype.upper()} is not supported by {called}"
    types = {tensor.name: tensor.dtype for tensor in graph.tensors}
    for name in (name for operator in graph.operators for name in operator.outputs if row.activations):
        if types[name] not in row.activations:
            return f"computes with {types[name]} ({row.name} {version} with {' and '.join(row.activations)} alone)"
    for numbers, weights in layer_types(graph) if row.layers else ():
        if (numbers, weights) not in row.layers:
            return f"{numbers} times {weights.upper()} is not supported by {called}"
    return None


def layer_types(graph: Graph) -> list[tuple[str, str]]:
    """Return of each layer the types of what goes in and of its weights, as they are stored."""
    types = {tensor.name: tensor.dtype for tensor in graph.tensors}
    stored = {one.outputs[0]: types[one.inputs[0]] for one in graph.operators if one.name == WIDENS}
    layers = [one.inputs for one in graph.operators if one.name in LAYERS and len(one.inputs) > 1]
    return [(types.get(one[0], ""), stored.get(one[1]) or types.get(one[1], "")) for one in layers]


def oldest(row: Target, graph: Graph) -> str | None:
    """Return the oldest known release of a runtime that runs a model, None when no known one does."""
    return next((release for release in releases(row.name) if lacking(row, release, graph) is None), None)
