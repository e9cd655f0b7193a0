"""The JSON Schema of a results file, made from the dataclasses that it is read into.

``python -m benchmarks.results.schema`` prints it; a test keeps the published file equal to that.
"""

import dataclasses
import inspect
import json
import types
import typing
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from benchmarks.results.document import RESULTS_VERSION, Document
from digitrec_edge.records import Within

PUBLISHED = Path(__file__).parent / f"benchmark-{RESULTS_VERSION}.schema.json"
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def make_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a document."""
    definitions: dict[str, Any] = {}
    top = _object(Document, definitions)
    top["properties"]["version"] = {"const": RESULTS_VERSION}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:digitrec-edge:benchmark:{RESULTS_VERSION}",
        "title": "digitrec-edge benchmark results",
        **top,
        "$defs": dict(sorted(definitions.items())),
    }


def published() -> bytes:
    """Return the published schema as the file has it."""
    return PUBLISHED.read_bytes()


def _object(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind, include_extras=True)
    names = [field.name for field in dataclasses.fields(kind)]
    about, attributes = _documentation(kind)
    properties = {name: _schema(hints[name], definitions) for name in names}
    for name, text in attributes.items():
        properties[name] = {**properties[name], "description": text}
    return {
        "description": about,
        "type": "object",
        "properties": properties,
        "required": names,
        "additionalProperties": False,
    }


def _schema(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    if origin is Annotated:
        return {**_schema(arguments[0], definitions), **_bounds(arguments[0], arguments[1])}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(option, definitions) for option in arguments]}
    if origin is tuple and arguments[-1] is Ellipsis:
        return {"type": "array", "items": _schema(arguments[0], definitions)}
    if origin is tuple:
        items = [_schema(item, definitions) for item in arguments]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1], definitions)}
    if not dataclasses.is_dataclass(hint):
        raise TypeError(f"no JSON Schema for {hint}")
    name: str = typing.cast(type, hint).__name__
    if name not in definitions:
        definitions[name] = {}
        definitions[name] = _object(hint, definitions)
    return {"$ref": f"#/$defs/{name}"}


def _bounds(hint: Any, within: Within) -> dict[str, float]:
    """Say in JSON Schema what a number, or the length of a text or a list, may be."""
    lowest, highest = ("minLength", "maxLength") if hint is str else ("minimum", "maximum")
    if get_origin(hint) is tuple:
        lowest, highest = "minItems", "maxItems"
    return {lowest: within.low, highest: within.high}


def _documentation(kind: Any) -> tuple[str, dict[str, str]]:
    """The first line of a docstring, and what its ``Attributes`` section says of each."""
    head, _, section = (inspect.getdoc(kind) or "").partition("Attributes:\n")  # 3.13 strips indentation, others do not
    found: dict[str, str] = {}
    current: list[str] = []
    for line in section.splitlines():
        text = line.strip()
        if line.startswith(" " * 4) and not line.startswith(" " * 5) and ":" in text:
            names, _, about = text.partition(":")
            current = [name.strip() for name in names.split(",")]
            found.update(dict.fromkeys(current, about.strip()))
        elif text:
            found.update({name: f"{found[name]} {text}" for name in current})
    return " ".join(head.split()), found


def render() -> bytes:
    """Return the schema as UTF-8 JSON."""
    return json.dumps(make_schema(), indent=1).encode() + b"\n"


if __name__ == "__main__":
    print(render().decode(), end="")
