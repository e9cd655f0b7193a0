"""Lines to type that install what is missing, for the Python that runs; digitrec-edge itself is on no package index.

An extra is therefore named by what it stands for: the requirements that the metadata of this installation lists.
"""

import re
import sys
from pathlib import Path

_NAME = "digitrec-edge"
_CHECKOUT = Path(__file__).parents[1]

_REQUIREMENT = (
    r'(?P<text>[^;]+?)\s*;\s*(?:python_version (?P<sign><|>=) "3\.(?P<minor>\d+)" and )?extra == "(?P<extra>[\w-]+)"'
)
"""A line of the metadata that belongs to an extra, as pyproject.toml has them."""


def install(*requirements: str, upgrade: bool = False) -> str:
    """Return the line that installs packages of the index where this Python finds them."""
    import shlex

    words = [sys.executable, "-m", "pip", "install", *(["-U"] if upgrade else []), *requirements]
    return shlex.join(words)


def extras() -> list[str]:
    """Return the names of the extras that there are; none where this is run without being installed."""
    from importlib import metadata

    try:
        return metadata.metadata(_NAME).get_all("Provides-Extra") or []
    except metadata.PackageNotFoundError:
        return []


def install_extra(extra: str) -> str:
    """Return the line that installs what an extra stands for on this Python."""
    from importlib import metadata

    try:
        lines = metadata.requires(_NAME) or []
    except metadata.PackageNotFoundError:
        lines = []
    if found := requirements_of(extra, lines, sys.version_info[1]):
        return install(*found)
    if (_CHECKOUT / "pyproject.toml").exists():
        return install("-e", f"{_CHECKOUT}[{extra}]")
    return f"install {_NAME} again, with its extra {extra}"


def requirements_of(extra: str, lines: list[str], minor: int) -> list[str]:
    """Return the requirements of an extra, of ``Requires-Dist`` lines, that count for Python 3.minor."""
    found = []
    for match in filter(None, (re.fullmatch(_REQUIREMENT, line) for line in lines)):
        below = match["minor"] is not None and minor < int(match["minor"])
        if match["extra"] == extra and (match["sign"] is None or below == (match["sign"] == "<")):
            found.append(match["text"])
    return found
