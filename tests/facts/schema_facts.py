"""Writes tflite_schema.json: the tables of TFLite's schema, as the verifier of flatbuffers needs them.

``python tests/facts/schema_facts.py`` reads the code that the flatbuffers compiler made of the schema, in the package
of LiteRT, whose schema is newer than TensorFlow's.
"""

import json
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from digitrec_edge.files import write_file
from digitrec_edge.formats.tflite_checks import SCHEMA

SOURCES = {"tensorflow": "lite/python/schema_py_generated.py", "ai_edge_litert": "schema_py_generated.py"}
_NUMBERS = {
    "Bool": "B", "Int8": "b", "Uint8": "B", "Int16": "h", "Uint16": "H", "Int32": "i", "Uint32": "I", "Int64": "q",
    "Uint64": "Q", "Float32": "f", "Float64": "d",
}  # fmt: skip
_CLASS = re.compile(r"^class (\w+)\(object\):\n(.*?)(?=^(?:class|def) |\Z)", re.MULTILINE | re.DOTALL)
_METHOD = re.compile(r"    def (\w+)\(self(?:, j)?\):\n(.*?)(?=\n    # |\n    @|\Z)", re.DOTALL)

Field = str | list[str]


def read_source(package: str) -> str:
    """Return the generated code of an installed package, which is not imported."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{package} is not installed")
    return (Path(next(iter(spec.submodule_search_locations))) / SOURCES[package]).read_text(encoding="utf-8")


def read_schema(source: str) -> dict[str, Any]:
    """Return the schema in the words of ``flatbuffer_verifier.verify``."""
    classes = dict(_CLASS.findall(source))
    union_of = {field: union for union, field in re.findall(r"(\w+)Creator\(self\.\w+, \w+\.(\w+)\(\)\)", source)}
    unions = {name: _members(classes[name]) for name in dict.fromkeys(union_of.values())}
    kinds = sorted(name for name, body in classes.items() if "self._tab = flatbuffers.table.Table" in body)
    return {"tables": {kind: _fields(classes[kind], union_of) for kind in kinds}, "unions": unions}


def _members(body: str) -> dict[str, str]:
    found = re.findall(r"^    (\w+) = (\d+)$", body, re.MULTILINE)
    return {number: name for name, number in found if number != "0"}


def _fields(body: str, union_of: dict[str, str]) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    for name, code in _METHOD.findall(body):
        slot = re.search(r"self\._tab\.Offset\((\d+)\)", code)
        if slot is None or name.endswith(("AsNumpy", "Length", "IsNone")):
            continue
        fields[str((int(slot[1]) - 4) // 2)] = _field(name, code, union_of)
    return fields


def _field(name: str, code: str, union_of: dict[str, str]) -> Field:
    number = re.search(r"self\._tab\.Get\(flatbuffers\.number_types\.(\w+)Flags", code)
    inner = re.search(r"obj = (\w+)\(\)", code)
    many = "self._tab.Vector(o)" in code
    if "self._tab.Union(" in code:
        return ["union", union_of[name]]
    if inner:
        return ["tables" if many else "table", inner[1]]
    if number:
        return ["numbers", f"<{_NUMBERS[number[1]]}"] if many else _NUMBERS[number[1]]
    if "self._tab.String(" in code and not many:
        return "text"
    raise ValueError(f"{name} is of a kind that the verifier does not know:\n{code}")


def to_json(schema: dict[str, Any]) -> str:
    """Lay the schema out with a line for each table."""
    tables = ",\n".join(f" {json.dumps(kind)}: {json.dumps(fields)}" for kind, fields in schema["tables"].items())
    return f'{{\n"tables": {{\n{tables}\n}},\n"unions": {json.dumps(schema["unions"])}\n}}\n'


def main(package: str = "ai_edge_litert") -> None:
    """Read the package and write the file."""
    schema = read_schema(read_source(package))
    write_file(SCHEMA, to_json(schema).encode())
    print(f"{SCHEMA.name}: {len(schema['tables'])} tables of {package}")


if __name__ == "__main__":
    main(*sys.argv[1:])
