"""What runtimes elsewhere can run, found by offering them models: in a browser, and in TFLite Micro's Python wheel."""

import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from digitrec_edge import artifact
from runtimes.elsewhere import Elsewhere
from tests import npm

OFFERS = Path(__file__).parent / "offers"
ORT_FILE = Path(__file__).parents[1] / "data" / "card-1.ort"
UNKNOWN = "Failed to get registration from op code"
"""What TFLite Micro says of an operator that it does not have."""

LATEST_FIRST = 2
"""No operator begins with a later version."""

OPERATORS_PER_PAGE = 50

Accepted = dict[str, list[int]]


def version(row: Elsewhere) -> str | None:
    """Return the version that can be asked here; None where there is none."""
    if row in npm.ROWS:
        return None if npm.missing() else npm.installed(row)
    here = find_spec(row.distribution.replace("-", "_"))
    return metadata.version(row.distribution) if here else None


def offer_all(rows: list[Elsewhere], codes: Mapping[str, int], highest: int) -> dict[str, Accepted]:
    """Ask those that can be asked here.

    Returns:
        For each runtime by name, for each operator (or opset), the versions that it accepts.
    """
    able = [row for row in rows if version(row)]
    return {row.name: (offer_web if row in npm.ROWS else offer_micro)(row, codes, highest) for row in able}


def offer_web(row: Elsewhere, codes: Mapping[str, int], highest: int) -> Accepted:
    """Ask a runtime in the browser; a page that has refused some hundred models answers no more."""
    if "onnx" in row.formats:
        return _opsets(row)
    found: Accepted = {}
    names = [*codes]
    for start in range(0, len(names), OPERATORS_PER_PAGE):
        with npm.runtimes_page() as page:
            some = names[start : start + OPERATORS_PER_PAGE]
            found |= {name: upward(row, page, codes[name], highest) for name in some}
    return found


def _opsets(row: Elsewhere) -> Accepted:
    from offers import opsets

    ort = artifact.read(ORT_FILE)
    (_, number), *_ = ort.graph.needs
    with npm.runtimes_page() as page:
        return opsets.ask(lambda model: not opsets.is_of_version(page.accepts(row, model)), ort.data, str(number))


def upward(row: Elsewhere, page: npm.Page, code: int, highest: int) -> list[int]:
    """Offer an operator's versions up to the first that is refused behind an accepted one."""
    from offers import operators

    found: list[int] = []
    for version in range(1, highest + 1):
        accepted = not page.accepts(row, operators.model(code, version))
        found += [version] if accepted else []
        if not accepted and (found or version >= LATEST_FIRST):
            break
    return found


def offer_micro(row: Elsewhere, codes: Mapping[str, int], highest: int) -> Accepted:
    """Ask TFLite Micro, which looks at no version."""
    return {name: list(range(1, highest + 1)) if has_micro(code) else [] for name, code in codes.items()}


def has_micro(code: int) -> bool:
    """Whether TFLite Micro's wheel has an operator; in a process of its own, which an operator may end."""
    command = [sys.executable, str(OFFERS / "micro.py"), str(code)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return UNKNOWN not in done.stderr
