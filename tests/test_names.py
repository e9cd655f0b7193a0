"""The house's own measures: two classes never share a name, and no function is longer than fifty lines."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("digitrec_edge", "converters", "runtimes", "benchmarks")
LONGEST = 50

pytestmark = pytest.mark.checkout


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its signature, which may be a list of options, and without its docstring."""
    first, *others = function.body
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    body = others if documented else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_two_classes_never_share_a_name() -> None:
    places = defaultdict(list)
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_function_is_longer_than_fifty_lines() -> None:
    functions = [
        (body_lines(node), f"{path}:{node.lineno} {node.name}")
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert len(functions) > 500
    assert [f"{name}: {lines} lines" for lines, name in sorted(functions, reverse=True) if lines > LONGEST] == []


def test_a_signature_and_a_docstring_do_not_count_and_the_rest_does() -> None:
    source = "def f(\n    a,\n    b,\n):\n    '''One.\n\n    Two.\n    '''\n    x = 1\n    return x\n"
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    assert body_lines(function) == 2
