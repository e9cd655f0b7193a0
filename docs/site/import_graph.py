"""The picture and the table of docs/architecture.md: who imports whom, as the code has it.

``python docs/site/import_graph.py`` makes both anew; a test compares them with the code.
"""

import ast
import re
from functools import cache
from html import escape
from itertools import pairwise
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
PICTURE = ROOT / "docs" / "imports.svg"
MARKS = re.compile(r"(<!-- rooms -->\n).*?(<!-- /rooms -->)", re.S)
COLOURS = {"digitrec_edge": "#dbe7f6", "runtimes": "#dcefd9", "benchmarks": "#fbe9c8", "converters": "#f4d9e6"}
"""The four packages, and how their rooms are filled."""

DIVIDED = ("digitrec_edge", "benchmarks")
"""Packages whose children are rooms of their own."""

LEFT_OUT = {"benchmarks.scripts", "digitrec_edge.__main__", *DIVIDED}
BOX_WIDTH, BOX_HEIGHT, GAP, LEVEL_HEIGHT, MARGIN = 112, 26, 20, 70, 12

Imports = dict[str, set[str]]
"""For every room the rooms that it imports."""


def room_of(module: str) -> str:
    """Return the room of a module: its package or, in a divided one, the package's child that holds it."""
    package, *inside = module.split(".")
    return ".".join([package, *inside[:1]]) if package in DIVIDED else package


def read_imports() -> Imports:
    """Read the code; an import from a divided package itself is one of what that package imports."""
    graph = grimp.build_graph(*COLOURS, cache_dir=None)
    found: Imports = {}
    for module in graph.modules:
        targets = {room_of(target) for target in graph.find_modules_directly_imported_by(module)}
        found.setdefault(room_of(module), set()).update(targets)
    for targets in found.values():
        for package in targets & {*DIVIDED}:
            targets |= found[package]
    return {room: targets - LEFT_OUT - {room} for room, targets in found.items() if room not in LEFT_OUT}


def levels_of(imports: Imports) -> dict[str, int]:
    """Return for every room the length of its longest way down; RecursionError where there is a circle."""

    @cache
    def level(room: str) -> int:
        return 1 + max((level(target) for target in imports[room]), default=-1)

    return {room: level(room) for room in imports}


def without_shortcuts(imports: Imports) -> Imports:
    """Leave out every import that a longer way leads to too."""

    @cache
    def below(room: str) -> frozenset[str]:
        return frozenset(imports[room]).union(*(below(target) for target in imports[room]))

    return {
        room: {target for target in targets if not any(target in below(other) for other in targets - {target})}
        for room, targets in imports.items()
    }


def draw(imports: Imports) -> str:
    """Return the picture as SVG: whoever imports stands above what it imports."""
    levels, direct = levels_of(imports), without_shortcuts(imports)
    ways = [_way(room, target, levels) for room in sorted(direct) for target in sorted(direct[room])]
    places = _place(levels, ways)
    width = max(x for x, _ in places.values()) + BOX_WIDTH / 2 + MARGIN
    height = max(y for _, y in places.values()) + BOX_HEIGHT / 2 + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif"'
        ' font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    parts += [_line([places[point] for point in way]) for way in ways]
    parts += [_box(room, *places[room]) for room in sorted(levels)]
    return "\n".join([*parts, "</svg>", ""])


def _way(room: str, target: str, levels: dict[str, int]) -> list[str]:
    """Return the points of a line: both rooms, and one waypoint on each level between them."""
    between = range(levels[room] - 1, levels[target], -1)
    return [room, *(f"{room} {target} {level}" for level in between), target]


def _place(levels: dict[str, int], ways: list[list[str]]) -> dict[str, tuple[float, float]]:
    """Return x and y of every point, level by level from the top, each below the middle of those above it."""
    top = max(levels.values())
    above: dict[str, list[str]] = {}
    rows: list[list[str]] = [[room for room in sorted(levels) if levels[room] == top - k] for k in range(top + 1)]
    for way in ways:
        for k, (upper, lower) in enumerate(pairwise(way), top - levels[way[0]] + 1):
            above.setdefault(lower, []).append(upper)
            if lower not in levels:
                rows[k].append(lower)
    places: dict[str, tuple[float, float]] = {}
    for k, row in enumerate(rows):
        row.sort(key=lambda point: _mean([places[other][0] for other in above.get(point, ())]))
        widths = [BOX_WIDTH if point in levels else 0 for point in row]
        x = -(sum(widths) + GAP * (len(row) - 1)) / 2
        for point, width in zip(row, widths, strict=True):
            places[point] = (x + width / 2, MARGIN + BOX_HEIGHT / 2 + k * LEVEL_HEIGHT)
            x += width + GAP
    left = min(x for x, _ in places.values()) - BOX_WIDTH / 2 - MARGIN
    return {point: (x - left, y) for point, (x, y) in places.items()}


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _line(points: list[tuple[float, float]]) -> str:
    path = f"M{points[0][0]:.0f} {points[0][1]:.0f}"
    for (x, y), (to_x, to_y) in pairwise(points):
        bend = y + LEVEL_HEIGHT / 2
        path += f"C{x:.0f} {bend:.0f} {to_x:.0f} {bend:.0f} {to_x:.0f} {to_y:.0f}"
    return f'<path d="{path}" fill="none" stroke="#8a94a6"/>'


def _box(room: str, x: float, y: float) -> str:
    left, top = x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2
    fill = COLOURS[room.split(".")[0]]
    return (
        f'<g><title>{escape(room)}</title><rect x="{left:.0f}" y="{top:.0f}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}"'
        f' rx="4" fill="{fill}" stroke="#5b6473"/>'
        f'<text x="{x:.0f}" y="{y + 4.5:.0f}" text-anchor="middle">{escape(room.split(".")[-1])}</text></g>'
    )


def summary_of(room: str) -> str:
    """Return the first sentence of a room's docstring."""
    path = ROOT / room.replace(".", "/")
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(source.read_text())) or ""
    sentence = re.split(r"\.(?:\s|$)", docstring)[0]
    return " ".join(sentence.split()).replace("``", "`")


def table(imports: Imports) -> str:
    """Return the rooms as a Markdown table, from the ground up."""
    lines = ["| level | room | what it is |", "|---:|---|---|"]
    for room, level in sorted(levels_of(imports).items(), key=lambda item: (item[1], item[0])):
        lines.append(f"| {level} | `{room}` | {summary_of(room)} |")
    return "\n".join(lines)


def page(text: str, imports: Imports) -> str:
    """Return the page with the table put between its marks."""
    return MARKS.sub(lambda match: f"{match[1]}{table(imports)}\n{match[2]}", text)


def main() -> None:
    """Write the picture, and the table into the page."""
    imports = read_imports()
    PICTURE.write_text(draw(imports))
    PAGE.write_text(page(PAGE.read_text(), imports))


if __name__ == "__main__":
    main()
