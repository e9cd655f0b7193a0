"""The public Python API: which names docs/api.md states, and the signatures that the code gives them.

``python docs/site/public_api.py`` writes tests/public_api.txt anew, after a change that is meant.
"""

import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "api.md"
RECORD = ROOT / "tests" / "public_api.txt"
DIRECTIVE = re.compile(r"^::: (?P<module>[\w.]+)\n(?: {4}options:\n {6}members: \[(?P<members>[\w, ]+)\]\n)?", re.M)


def public_names() -> dict[str, list[str]]:
    """Return the public names of every module on the page: those that it selects there, or all that it offers."""
    found = {
        match["module"]: re.findall(r"\w+", match["members"] or "") for match in DIRECTIVE.finditer(PAGE.read_text())
    }
    return {name: selected or offered(importlib.import_module(name)) for name, selected in found.items()}


def offered(module: Any) -> list[str]:
    """Return ``__all__``, or else what a module itself defines without a leading underscore."""
    if hasattr(module, "__all__"):
        return sorted(module.__all__)
    names: set[str] = set()
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return sorted(name for name in names if not name.startswith("_") or name == "__version__")


def describe(path: str, found: Any) -> Iterator[str]:
    """Yield the signature of a public object as its source has it, and those of a class's public members."""
    if inspect.isfunction(found):
        yield _function(path, _definition(found))
    elif inspect.isclass(found):
        node = _definition(found)
        yield f"class {path}({', '.join(map(ast.unparse, node.bases))})"
        for member in node.body:
            if isinstance(member, ast.AnnAssign):
                yield f"    {ast.unparse(member)}"
            elif isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                decorators = "".join(f"@{ast.unparse(decorator)} " for decorator in member.decorator_list)
                yield f"    {decorators}{_function(member.name, member)}"
        for member in node.body:
            if isinstance(member, ast.FunctionDef) and member.name == "__init__":
                yield from (f"    .{name}" for name in _attributes(member))
    else:
        yield f"{path}: {type(found).__name__}"


def _definition(found: Any) -> Any:
    return ast.parse(textwrap.dedent(inspect.getsource(found))).body[0]


def _function(name: str, node: ast.FunctionDef) -> str:
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{name}({ast.unparse(node.args)}){returns}"


def _attributes(init: ast.FunctionDef) -> list[str]:
    targets = [node.targets[0] for node in ast.walk(init) if isinstance(node, ast.Assign)]
    names = {target.attr for target in targets if isinstance(target, ast.Attribute)}
    return sorted(name for name in names if not name.startswith("_"))


def signatures() -> list[str]:
    """Return the lines of the record, from the page and the code."""
    lines: list[str] = []
    for name, members in public_names().items():
        module = importlib.import_module(name)
        for member in members:
            lines += describe(f"{name}.{member}", getattr(module, member))
    return lines


if __name__ == "__main__":
    RECORD.write_text("\n".join(signatures()) + "\n")
