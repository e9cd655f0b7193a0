"""Which release of which runtime can run a model, told from the model's own operators.

The facts stand in support.json: what each release accepts, found by offering it models.
"""

import json
from functools import cache
from pathlib import Path

from digitrec_edge.formats.graph import Graph

_FACTS = Path(__file__).with_name("support.json")

CONTRIBUTED_OPSETS = {"com.microsoft opset": 1, "com.microsoft.nchwc opset": 1, "ai.onnx.ml opset": 5}
"""Opsets beside ai.onnx that every supported ONNX Runtime has."""


def version_key(version: str) -> tuple[int, ...]:
    """Turn ``2.14.0`` into ``(2, 14, 0)``; what is no number counts as 0."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))


@cache
def releases(runtime: str) -> dict[str, dict[str, int]]:
    """Return, per known release of a runtime, oldest first, the highest version of each operator."""
    facts = json.loads(_FACTS.read_text())["runtimes"][runtime]
    known: dict[str, int] = dict(CONTRIBUTED_OPSETS) if runtime == "onnxruntime" else {}
    complete = {}
    for release in sorted(facts, key=version_key):
        known = {**known, **facts[release]}
        complete[release] = known
    return complete


def _at(runtime: str, version: str) -> dict[str, int]:
    """What a version has: as the newest known release that is not newer, or else as the first."""
    known = releases(runtime)
    reached = [release for release in known if version_key(release) <= version_key(version)]
    return known[reached[-1] if reached else next(iter(known))]


def lacks(runtime: str, version: str, name: str, needed: int) -> bool:
    """Say whether a version of a runtime lacks an operator (or opset) in the needed version."""
    return _at(runtime, version).get(name, 0) < needed


def lacking(runtime: str, version: str, graph: Graph) -> str | None:
    """Say what a model needs that this version of a runtime does not have; None when it has all.

    A version between two known releases counts as the older one, one before all of them as the first.

    Returns:
        Such as ``needs FULLY_CONNECTED 12 (tflite-runtime 2.14.0 has 10 at the most)``.
    """
    has = _at(runtime, version)
    for name, needed in graph.needs:
        if name not in has:
            return f"needs {name} {needed} ({runtime} {version} does not have it)"
        if needed > has[name]:
            return f"needs {name} {needed} ({runtime} {version} has {has[name]} at the most)"
    return None


def oldest(runtime: str, graph: Graph) -> str | None:
    """Return the oldest known release of a runtime that runs a model, None when no known one does."""
    return next((release for release in releases(runtime) if lacking(runtime, release, graph) is None), None)
