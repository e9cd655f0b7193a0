"""Walks a whole flatbuffer by its schema and checks that all of it lies inside the file.

The C++ readers trust every offset, and a seal says only that a file is whole: anybody can seal one.
"""

import struct
from collections.abc import Mapping
from typing import Any

from digitrec_edge.formats.budget import BUDGET, refuse
from digitrec_edge.formats.flatbuffer import Table
from digitrec_edge.formats.graph import MalformedError

_SIZES = {kind: struct.calcsize(f"<{kind}") for kind in "bBhHiIqQfd"}


def verify(table: Table, name: str, schema: Mapping[str, Any]) -> None:
    """Check everything that can be reached from a table.

    Args:
        table: where to begin.
        name: its kind.
        schema: ``tables``: kind -> slot -> field, where a field is the struct type of a number,
            ``"text"``, ``["numbers", dtype]``, ``["table" or "tables", kind]`` or ``["union", name]``,
            whose type stands in the slot before; ``unions``: name -> type -> kind.

    Raises:
        MalformedError: something lies outside or is not aligned, or there is too much of it.
    """
    _Walk(schema).table(table, name, 1)


class _Walk:
    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._tables, self._unions = schema["tables"], schema["unions"]

    def table(self, table: Table, name: str, depth: int) -> None:
        if depth > BUDGET.depth:
            refuse("tables in tables", depth, BUDGET.depth)
        for slot, field in self._tables[name].items():
            if table.has(int(slot)):
                self._field(table, int(slot), field, depth)

    def _field(self, table: Table, slot: int, field: str | list[str], depth: int) -> None:
        if field == "text":
            table.text(slot)
        elif isinstance(field, str):
            table.holds(slot, _SIZES[field])
        elif field[0] == "numbers":
            table.length(slot, _SIZES[field[1][1:]])
        elif field[0] == "tables":
            for inner in table.tables(slot):
                self.table(inner, field[1], depth + 1)
        else:
            self._inner(table, slot, field, depth)

    def _inner(self, table: Table, slot: int, field: list[str], depth: int) -> None:
        name: str | None = field[1]
        if field[0] == "union":
            kind = table.number(slot - 1, "B")
            if kind == 0:
                return
            name = self._unions[field[1]].get(str(kind))
            if name is None:
                raise MalformedError(f"{field[1]} of an unknown kind ({kind})")
        inner = table.table(slot)
        if inner is not None and name is not None:
            self.table(inner, name, depth + 1)
