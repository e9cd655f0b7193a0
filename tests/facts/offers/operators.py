"""Offers a TFLite runtime each builtin operator in each version, and prints the versions that it accepts.

Runs in the runtime's own environment: ``operators.py PACKAGE``; a request of JSON comes on standard input.
"""

import importlib
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

import flatbuffers

Field = tuple[int, str, Any]


def model(code: int, version: int, *, node: bool = False) -> bytes:
    """One operator code, an empty graph, an empty buffer: the operator is looked up before anything is run.

    Args:
        code, version: of the operator.
        node: whether the graph has the operator, without inputs; some runtimes look up only what is in it.
    """
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
    nodes = vector(table((1, offset, nothing), (2, offset, nothing))) if node else nothing
    graph = vector(table((0, offset, nothing), (1, offset, nothing), (2, offset, nothing), (3, offset, nodes)))
    codes = vector(table((0, "Int8", min(code, 127)), (2, "Int32", version), (3, "Int32", code)))
    buffers = vector(table())
    b.Finish(table((0, "Uint32", 3), (1, offset, codes), (2, offset, graph), (4, offset, buffers)), b"TFL3")
    return bytes(b.Output())


def accepts(interpreter: Any, offered: bytes) -> bool:
    """Whether a runtime has the builtin operator of a model in its version."""
    try:
        interpreter(model_content=offered)
    except ValueError as error:
        if "Didn't find op for builtin opcode" in str(error) or "builtin_code out of range" in str(error):
            return False
        raise
    return True


def ask(takes: Callable[[bytes], bool], codes: Mapping[str, int], highest: int) -> dict[str, list[int]]:
    """Return, for operators by name, the versions up to the highest that a runtime takes."""
    versions = range(1, highest + 1)
    return {name: [version for version in versions if takes(model(code, version))] for name, code in codes.items()}


def main(package: str) -> None:
    """Answer the request: ``codes`` of operators by name, and the ``highest`` version to offer."""
    interpreter = importlib.import_module(f"{package}.interpreter").Interpreter
    request = json.load(sys.stdin)
    print(json.dumps(ask(lambda offered: accepts(interpreter, offered), request["codes"], request["highest"])))


if __name__ == "__main__":
    main(sys.argv[1])
