"""Which JavaScript module is the twin of which Python module, and what both were when they were last found equal.

The table is ``web_twins.json``. Comments, docstrings, blank lines and spaces at the ends of lines do not count.

``python tests/web_twins.py --accept`` writes both sides' hashes anew: after a change was made on both sides, and
``tests/test_web_preprocess.py`` and ``tests/web_equality.py`` found them equal.
"""

import argparse
import ast
import hashlib
import io
import json
import re
import sys
import tokenize
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TABLE = Path(__file__).with_suffix(".json")
FOLDERS = {"python": "digitrec_edge/preprocess", "javascript": "digitrec_edge/web/preprocess"}
SUFFIXES = {"python": ".py", "javascript": ".mjs"}
CURE = (
    "make the same change in {other}, let pytest tests/test_web_preprocess.py and python tests/web_equality.py "
    "find both equal, then type: python tests/web_twins.py --accept"
)


def read_table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(TABLE.read_text())
    return table


def complaints(table: dict[str, Any], root: Path = ROOT) -> list[str]:
    """Return what is not as the table says: a side that changed alone, a module that is not in it, or is gone."""
    found = []
    for name, hashes in table["twins"].items():
        changed = [side for side in FOLDERS if hashes[side] != hash_of(path_of(side, name, root))]
        if changed:
            other = "javascript" if changed[0] == "python" else "python"
            paths = " and ".join(_named(side, name) for side in changed)
            alone = "" if len(changed) == 2 else f", and its twin {_named(other, name)} has not"
            cure = CURE.format(other=_named(other, name)) if alone else CURE.partition(", ")[2].format()
            found.append(f"{paths} changed{alone}: {cure}")
    for side, folder in FOLDERS.items():
        known = {*table["twins"], *table[f"{side}_alone"]}
        names = {path.stem for path in (root / folder).glob(f"*{SUFFIXES[side]}")}
        found += [f"{_named(side, name)} is not in {TABLE.name}" for name in sorted(names - known)]
        found += [f"{_named(side, name)} is in {TABLE.name}, but gone" for name in sorted(known - names)]
    return found


def path_of(side: str, name: str, root: Path = ROOT) -> Path:
    return root / FOLDERS[side] / (name + SUFFIXES[side])


def hash_of(path: Path) -> str:
    """Return the SHA-256 of what a file does; of none that is missing."""
    if not path.exists():
        return "missing"
    text = path.read_text(encoding="utf-8")
    plain = plain_python(text) if path.suffix == ".py" else plain_javascript(text)
    return hashlib.sha256(plain.encode()).hexdigest()


def plain_python(text: str) -> str:
    """Leave comments, docstrings (also those of constants) and blank lines out."""
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            for row in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                lines[row - 1] = ""
    return _without_blanks(lines)


def plain_javascript(text: str) -> str:
    """Leave comments and blank lines out; a comment begins its line, or follows two spaces or a semicolon."""
    without_blocks = re.sub(r"^ */\*\*.*?\*/", "", text, flags=re.DOTALL | re.MULTILINE)
    return _without_blanks([re.sub(r"(^\s*|[;{,] )//.*", r"\1", line) for line in without_blocks.splitlines()])


def _without_blanks(lines: list[str]) -> str:
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _named(side: str, name: str) -> str:
    return f"{FOLDERS[side]}/{name}{SUFFIXES[side]}"


def main(arguments: list[str]) -> int:
    """Print what changed alone; or accept what both sides are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--accept", action="store_true", help="take both sides as they are for equal")
    table = read_table()
    if parser.parse_args(arguments).accept:
        table["twins"] = {name: {side: hash_of(path_of(side, name)) for side in FOLDERS} for name in table["twins"]}
        TABLE.write_text(json.dumps(table, indent=2) + "\n")
    found = complaints(table)
    print("\n".join(found) or "every module and its twin are as they were when they were found equal")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
