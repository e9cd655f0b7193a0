"""Tables as lines of text: no number and no name is ever cut, whatever the width.

Where all columns do not fit, a table gives up, in this order: the column of notes, which is printed below as lines of
its own; the columns that its command can spare, whole and the least important first; and being a table, when a block
of ``heading: value`` lines per row takes its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass

GAP = "  "


@dataclass(frozen=True)
class Heading:
    """The head of a column.

    Attributes:
        text: may have several lines.
        right: align right, as numbers are.
    """

    text: str
    right: bool = False

    @property
    def line(self) -> str:
        """The heading in one line."""
        return self.text.replace("\n", " ")


def lay_out(
    headings: Sequence[Heading],
    rows: Sequence[Sequence[str]],
    width: int | None,
    *,
    drop: Sequence[str] = (),
    note: str = "",
    rule: str = "─",
) -> list[str]:
    """Return the lines of a table.

    Args:
        headings: of the columns; the first names the row and always stays.
        rows: a cell per column, each one line.
        width: in character cells; None where lines may be as long as they are.
        drop: headings of columns that can be spared, the least important first.
        note: heading of the column that can stand below as lines ``first cell: note``; these may be wider.
        rule: what the line under the headings is drawn with.
    """
    table = _Table(tuple(headings), tuple(map(tuple, rows)), rule)
    if table.fits(width):
        return table.lines()
    below: list[str] = []
    if note:
        place = [heading.text for heading in headings].index(note)
        below = [f"{row[0]}: {row[place]}" for row in rows if row[place]]
        table = table.without(note)
    spared = [name for name in drop if any(name == heading.text for heading in headings)]
    gone: list[str] = []
    while not table.fits(width) and len(gone) < len(spared):
        gone.append(spared[len(gone)])
        table = table.without(gone[-1])
    if not table.fits(width):
        return _stack(headings, rows)
    if gone:
        below.append("Left out at this width: " + "; ".join(gone).replace("\n", " "))
    return table.lines() + (["", *below] if below else [])


@dataclass(frozen=True)
class _Table:
    headings: tuple[Heading, ...]
    rows: tuple[tuple[str, ...], ...]
    rule: str

    def without(self, name: str) -> "_Table":
        kept = [k for k, heading in enumerate(self.headings) if heading.text != name or k == 0]
        rows = tuple(tuple(row[k] for k in kept) for row in self.rows)
        return _Table(tuple(self.headings[k] for k in kept), rows, self.rule)

    def widths(self) -> list[int]:
        columns = zip(*self.rows, strict=True) if self.rows else ((),) * len(self.headings)
        return [
            max(map(_cells, (*heading.text.split("\n"), *column)))
            for heading, column in zip(self.headings, columns, strict=True)
        ]

    def fits(self, width: int | None) -> bool:
        widths = self.widths()
        return width is None or sum(widths) + len(GAP) * (len(widths) - 1) <= width

    def lines(self) -> list[str]:
        widths = self.widths()
        parts = [heading.text.split("\n") for heading in self.headings]
        height = max(map(len, parts))
        head = [[(part + [""] * height)[k] for part in parts] for k in range(height)]
        rule = self.rule * (sum(widths) + len(GAP) * (len(widths) - 1))
        return [*(self._line(cells, widths) for cells in head), rule, *(self._line(row, widths) for row in self.rows)]

    def _line(self, cells: Sequence[str], widths: Sequence[int]) -> str:
        triples = zip(cells, widths, self.headings, strict=True)
        return GAP.join(_padded(cell, width, heading.right) for cell, width, heading in triples).rstrip()


def _stack(headings: Sequence[Heading], rows: Sequence[Sequence[str]]) -> list[str]:
    lines: list[str] = []
    for row in rows:
        lines += [""] if lines else []
        lines += [f"{heading.line}: {cell}" for heading, cell in zip(headings, row, strict=True) if cell]
    return lines


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return len(text) if text.isascii() else cell_len(text)


def _padded(text: str, width: int, right: bool) -> str:
    blanks = " " * (width - _cells(text))
    return blanks + text if right else text + blanks
