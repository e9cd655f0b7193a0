"""Offers a TFLite runtime each builtin operator in each version, and prints the versions that it accepts.

Runs in the runtime's own environment: ``operators.py PACKAGE``; a request of JSON comes on standard input.
"""

import importlib
import json
import sys
from typing import Any

import flatbuffers

Field = tuple[int, str, Any]


def model(code: int, version: int) -> bytes:
    """One operator code, an empty graph, an empty buffer: the operator is looked up before anything is run."""
    b = flatbuffers.Builder(256)

    def table(*fields: Field) -> Any:
        b.StartObject(max([slot for slot, _, _ in fields], default=-1) + 1)
        for slot, kind, value in fields:
            getattr(b, f"Prepend{kind}Slot")(slot, value, 0)
        return b.EndObject()

    def vector(*offsets: Any) -> Any:
        b.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            b.PrependUOffsetTRelative(offset)
        return b.EndVector()

    offset = "UOffsetTRelative"
    nothing = vector()
    graph = vector(table((0, offset, nothing), (1, offset, nothing), (2, offset, nothing), (3, offset, nothing)))
    codes = vector(table((0, "Int8", min(code, 127)), (2, "Int32", version), (3, "Int32", code)))
    buffers = vector(table())
    b.Finish(table((0, "Uint32", 3), (1, offset, codes), (2, offset, graph), (4, offset, buffers)), b"TFL3")
    return bytes(b.Output())


def accepts(interpreter: Any, code: int, version: int) -> bool:
    """Whether a runtime has a builtin operator in a version."""
    try:
        interpreter(model_content=model(code, version))
    except ValueError as error:
        if "Didn't find op for builtin opcode" in str(error) or "builtin_code out of range" in str(error):
            return False
        raise
    return True


def main(package: str) -> None:
    """Answer the request: ``codes`` of operators by name, and the ``highest`` version to offer."""
    interpreter = importlib.import_module(f"{package}.interpreter").Interpreter
    request = json.load(sys.stdin)
    versions = range(1, request["highest"] + 1)
    found = {
        name: [version for version in versions if accepts(interpreter, code, version)]
        for name, code in request["codes"].items()
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
