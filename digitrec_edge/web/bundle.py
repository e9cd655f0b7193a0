"""Several JavaScript modules become one script: each in a function of its own, after those that it imports.

What these modules use of the language is little, and anything else is refused: ``import { a, b as c } from "./x.mjs"``,
``import * as x from``, ``export function``, ``class`` and ``const``, and ``export { a, b }``, with ``from`` or without.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

_IMPORT = re.compile(
    r'^import\s+(?:\{(?P<names>[^}]*)\}|\*\s+as\s+(?P<space>\w+))\s+from\s+"(?P<path>\.[^"]+)";\n', re.M
)
_PASSED_ON = re.compile(r'^export\s+\{(?P<names>[^}]*)\}\s+from\s+"(?P<path>\.[^"]+)";\n', re.M)
_EXPORTED = re.compile(r"^export\s+\{(?P<names>[^}]*)\};\n", re.M)
_DECLARED = re.compile(r"^export\s+(?P<what>(?:async\s+)?function\*?|class|const|let)\s+(?P<name>\w+)", re.M)
_COMMENT = re.compile(r"^\s*(?:/\*\*(?:.|\n)*?\*/|//.*)\n", re.M)


@dataclass
class _Script:
    """What has been written, and under which name each module's exports are found."""

    parts: list[str] = field(default_factory=list)
    names: dict[Path, str] = field(default_factory=dict)


def bundle(entry: Path, call: str) -> str:
    """Return one classic script of a module and all that it imports.

    Args:
        entry: the module that is started.
        call: what to do with its exports, which are called ``entry``: an expression.

    Raises:
        ValueError: an import or export of another kind, or modules that import each other in a circle.
    """
    script = _Script()
    name = _add(entry.resolve(), script, ())
    return f'"use strict";(() => {{\n{"".join(script.parts)}const entry = {name};\n{call};\n}})();\n'


def _add(path: Path, script: _Script, above: tuple[Path, ...]) -> str:
    if path in above:
        raise ValueError(f"{path.name} imports itself, through {', '.join(one.name for one in above)}")
    if path in script.names:
        return script.names[path]
    text = _COMMENT.sub("", path.read_text(encoding="utf-8"))
    exported: list[str] = []

    def module(match: re.Match[str]) -> str:
        return _add((path.parent / match["path"]).resolve(), script, (*above, path))

    def taken(match: re.Match[str]) -> str:
        target = match["space"] or f"{{ {', '.join(f'{a}: {b}' for a, b in _pairs(match['names']))} }}"
        return f"const {target} = {module(match)};\n"

    def passed_on(match: re.Match[str]) -> str:
        source = module(match)
        exported.extend(f"{b}: {source}.{a}" for a, b in _pairs(match["names"]))
        return ""

    def listed(match: re.Match[str]) -> str:
        exported.extend(f"{b}: {a}" for a, b in _pairs(match["names"]))
        return ""

    def declared(match: re.Match[str]) -> str:
        exported.append(match["name"])
        return f"{match['what']} {match['name']}"

    for pattern, change in ((_IMPORT, taken), (_PASSED_ON, passed_on), (_EXPORTED, listed), (_DECLARED, declared)):
        text = pattern.sub(change, text)
    left = re.search(r"^(?:import|export)\b.*|\bimport\(.*", text, re.M)
    if left:
        raise ValueError(f"{path.name}: {left[0]!r} cannot be put into one script")
    name = f"$_{len(script.names)}"
    script.names[path] = name
    script.parts.append(f"const {name} = (() => {{\n{text}return {{ {', '.join(exported)} }};\n}})();\n")
    return name


def _pairs(names: str) -> list[tuple[str, str]]:
    """Return what stands in braces, ``a, b as c``, as pairs of the name there and the name here."""
    parts = [part.split(" as ") for part in " ".join(names.split()).split(",") if part.strip()]
    return [(part[0].strip(), part[-1].strip()) for part in parts]
