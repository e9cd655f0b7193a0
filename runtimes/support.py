"""Which release of which runtime can run a model, told from the model's own operators.

The facts stand in support.json: what each release accepts, found by offering it models. A runtime without an entry
there refuses what it cannot run when it is given the model.
"""

import json
from functools import cache
from pathlib import Path

from digitrec_edge.formats.graph import Graph
from digitrec_edge.variants import Variant
from runtimes.table import RuntimeRow

FACTS = Path(__file__).with_name("support.json")


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


def _at(row: RuntimeRow, version: str) -> dict[str, int] | None:
    """What a version has: as the newest known release that is not newer, or else as the first."""
    known = releases(row.name)
    reached = [release for release in known if version_key(release) <= version_key(version)]
    return known[reached[-1] if reached else next(iter(known))] if known else None


def lacks(row: RuntimeRow, version: str, name: str, needed: int) -> bool:
    """Say whether a version of a runtime is known to lack an operator (or opset) in the needed version."""
    has = _at(row, version)
    return has is not None and has.get(name, 0) < needed


def fits(row: RuntimeRow, variant: Variant) -> bool:
    """Say whether the release that artifacts are made for can run a variant at all."""
    computes = not row.activations or variant.precision.activations in row.activations
    return computes and row.runs(variant.format) and not (variant.needs and lacks(row, row.release, *variant.needs))


def lacking(row: RuntimeRow, version: str, graph: Graph) -> str | None:
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
    types = {tensor.name: tensor.dtype for tensor in graph.tensors}
    for name in (name for operator in graph.operators for name in operator.outputs if row.activations):
        if types[name] not in row.activations:
            return f"computes with {types[name]} ({row.name} {version} with {' and '.join(row.activations)} alone)"
    return None


def oldest(row: RuntimeRow, graph: Graph) -> str | None:
    """Return the oldest known release of a runtime that runs a model, None when no known one does."""
    return next((release for release in releases(row.name) if lacking(row, release, graph) is None), None)
